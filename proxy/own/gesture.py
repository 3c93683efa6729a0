"""Whether a person pressed the button that sent a choice, as far as the browser says.

Scripts can set none of these headers. A grant by one of them is refused (threats T32).
"""

from __future__ import annotations

from proxy.consent.answer import Gesture
from proxy.consent.decision import Decision
from proxy.http.request import Request
from proxy.own.choice import SubmittedChoice
from proxy.policy.scope import Scope

_CHROMIUM = (b"Chrome/", b"Chromium/")


def gesture_of(request: Request) -> Gesture | None:
    """Return what is known of the gesture behind a choice; None where a script sent it.

    A submitted form is a navigation, with `Sec-Fetch-User: ?1` where somebody just pressed something
    on the page. WebKit never sends that field, and over plain http browsers send none of them:
    a client that says no Sec-Fetch-Mode says nothing of gestures.
    """
    mode = request.fields.get(b"sec-fetch-mode")
    user = request.fields.get(b"sec-fetch-user")
    if mode is None:
        return Gesture.PERSON if user == [b"?1"] else Gesture.UNKNOWN
    if mode != [b"navigate"]:
        return None
    if user is None:
        return Gesture.UNKNOWN if _is_webkit(request.first(b"user-agent") or b"") else None
    return Gesture.PERSON if user == [b"?1"] else None


def _is_webkit(agent: bytes) -> bool:
    """True for Safari and every browser of iOS, whose Chrome and Firefox call themselves otherwise."""
    return b"AppleWebKit/" in agent and not any(name in agent for name in _CHROMIUM)


def needs_person(choice: SubmittedChoice, decision: Decision, scope: Scope) -> bool:
    """True for a choice that only a person may make: it grants, or renews, what needs consent.

    Refusing, and leaving out some of what holds, may be done by a script.
    """
    if choice.is_view:
        return True
    grants = scope.granted(choice.granted)
    return bool(grants) and not grants < decision.grants
