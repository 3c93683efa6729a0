"""Tools that store plain words, without the time of the answer: tarteaucitron, Complianz, CookieYes."""

from __future__ import annotations

import re

from proxy.consent.tools.tool_answer import MAX_NAMES, Cookies, Reading, Silence, of_switches, text_of

_SERVICE = re.compile(r"!([\w-]{1,64})=(true|false|wait)", re.ASCII)

COMPLIANZ = "cmplz_"
_COMPLIANZ_WORDS = {"allow": True, "deny": False}
_NO_CATEGORY = frozenset({
    "banner-status", "choice", "consent_mode", "consent_status", "consented_services", "consenttype", "event",
    "functional", "id", "policy_id", "saved_categories", "saved_services", "user_data",
})  # fmt: skip

_COOKIEYES = re.compile(r"([\w-]{1,64}):([\w.+/=-]{0,128})", re.ASCII)
_COOKIEYES_WORDS = {"yes": True, "no": False}
_NO_COOKIEYES_CATEGORY = frozenset({"consentid", "consent", "action", "lastRenewedDate", "necessary"})


def read_tarteaucitron(cookies: Cookies, now: int) -> Reading:  # noqa: ARG001 - it states no time
    """Return the answer in `!youtube=true!matomo=false`; with one `wait` in it, the tool asks."""
    value = next(iter(cookies.values()), None)
    if not value:
        return Silence.OPEN
    services = _SERVICE.findall(value)
    names = [name for name, _ in services]
    whole = "".join(f"!{name}={word}" for name, word in services)
    if whole != value or len(set(names)) != len(names):
        return Silence.UNREADABLE
    if any(word == "wait" for _, word in services):
        return Silence.OPEN
    return of_switches({name: word == "true" for name, word in services})


def read_complianz(cookies: Cookies, now: int) -> Reading:  # noqa: ARG001 - it states no time
    """Return the answer in `cmplz_statistics=allow`, `cmplz_marketing=deny`: one cookie a category."""
    if cookies.get("cmplz_banner-status") != "dismissed" and cookies.get("cmplz_choice") != "set":
        return Silence.OPEN
    words = {
        name: word
        for cookie, word in cookies.items()
        if (name := cookie.removeprefix(COMPLIANZ)) not in _NO_CATEGORY
    }
    if len(words) > MAX_NAMES or not words.keys() or not set(words.values()) <= _COMPLIANZ_WORDS.keys():
        return Silence.UNREADABLE
    return of_switches({name: _COMPLIANZ_WORDS[word] for name, word in words.items()})


def read_cookieyes(cookies: Cookies, now: int) -> Reading:  # noqa: ARG001 - it states no time
    """Return the answer in `consentid:...,consent:yes,action:yes,analytics:no`.

    Its `lastRenewedDate` is the site's, the same for every visitor: when answers before were called off.
    """
    value = next(iter(cookies.values()), None)
    if not value:
        return Silence.OPEN
    found = [_COOKIEYES.fullmatch(piece) for piece in (text_of(value) or "").split(",", MAX_NAMES)]
    table = {one[1]: one[2] for one in found if one is not None}
    if len(table) != len(found) or "consentid" not in table:
        return Silence.UNREADABLE
    if table.get("action") != "yes":  # the defaults that it writes before anybody has answered
        return Silence.OPEN
    words = {name: word for name, word in table.items() if name not in _NO_COOKIEYES_CATEGORY}
    if not words or not set(words.values()) <= _COOKIEYES_WORDS.keys():
        return Silence.UNREADABLE
    granted = any(_COOKIEYES_WORDS[word] for word in words.values())
    if granted and table.get("consent") != "yes":  # "consent:no" beside a grant: no such button
        return Silence.UNREADABLE
    return of_switches({name: _COOKIEYES_WORDS[word] for name, word in words.items()})
