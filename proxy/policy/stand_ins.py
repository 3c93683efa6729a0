"""What stands in for each known provider that is refused: its names, and what its functions reply.

A stand-in behaves like the provider's script once it has loaded and has nothing to say: every
other use of its names is swallowed, and whoever waits - a callback, a promise - goes on.
docs/stand-ins.md shows this list; banner/stubs.js carries it out.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache


class ReplyKind(Enum):
    """What a function of a stand-in does with its constants; the values are what stubs.js reads."""

    RETURNS = 0
    CALLS_BACK = 1  # every function it is given, and whoever awaits it
    RUNS = 2  # the function it is given is the site's own work: runs it at once, returns what it returns


@dataclass(frozen=True, slots=True)
class Reply:
    """What one function replies; `constants` are JSON texts, none of them: nothing (undefined)."""

    kind: ReplyKind
    constants: tuple[str, ...] = ()

    def __str__(self) -> str:
        given = ", ".join(self.constants) or "nothing"
        match self.kind:
            case ReplyKind.RETURNS:
                return f"returns `{given}`"
            case ReplyKind.CALLS_BACK:
                return f"calls back with `{given}`" if self.constants else "calls back"
            case ReplyKind.RUNS:
                return "runs the function it is given"


@dataclass(frozen=True, slots=True)
class StandIn:
    """The names that one provider defines. A dot in a name leads on; `a=b.c` is `a` under another name.

    `replies` by function: `a.b` is that one, `a..b` every function `b` reached from `a`, and
    `a b` a call of `a` whose first argument is "b".
    """

    provider: str
    hosts: tuple[str, ...] = ()  # refused, they bring it by themselves
    objects: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    players: bool = False  # it puts a frame where it is told to: banner/stubs.js, players
    queues: tuple[str, ...] = ()  # arrays of calls, which the provider reads
    ready: tuple[str, ...] = ()  # a function, or an array of them, called once the provider is there
    replies: Mapping[str, Reply] = field(default_factory=dict)


def _constants(values: tuple[object, ...]) -> tuple[str, ...]:
    return tuple(json.dumps(value, separators=(",", ":")) for value in values)


def _returns(*values: object) -> Reply:
    return Reply(ReplyKind.RETURNS, _constants(values))


def _calls_back(*values: object) -> Reply:
    return Reply(ReplyKind.CALLS_BACK, _constants(values))


_RUNS = Reply(ReplyKind.RUNS)
_NO_LOGIN = {"status": "unknown", "authResponse": None}
_NO_CONSENT = {"necessary": True, "analytics": False, "advertisement": False, "functionality": False}
_INSIGHTS = {
    "appInsights..flush": _calls_back(True),
    "appInsights..unload": _calls_back({}),
    "appInsights..queue.push": _calls_back(),
    "appInsights..onConfigChange": _calls_back({"cfg": {}}),
    "appInsights..isEnabled": _returns(False),
    "appInsights..getCookieMgr.get": _returns(""),
}
_FLAGS = (
    "getFeatureFlag",
    "getFeatureFlagPayload",
    "getFeatureFlagResult",
    "get_property",
    "getSessionProperty",
)
_SPANS = (
    "startSpan",
    "startSpanManual",
    "startNewTrace",
    "continueTrace",
    "withActiveSpan",
    "suppressTracing",
)
_SCOPES = ("withScope", "withIsolationScope", "configureScope", "withMonitor", "wrap")

STAND_INS: dict[str, StandIn] = {
    "google-tag": StandIn(
        "Google tag and Tag Manager",
        hosts=("googletagmanager.com",),
        queues=("dataLayer",),
        replies={"dataLayer get": _calls_back("")},
    ),
    "google-analytics": StandIn(
        "Google Analytics, analytics.js and ga.js",
        hosts=("google-analytics.com",),
        functions=("ga", "__gtagTracker"),
        queues=("_gaq",),
        replies={"ga..get": _returns(""), "__gtagTracker get": _calls_back("")},
    ),
    "application-insights": StandIn(
        "Application Insights",
        hosts=("js.monitor.azure.com",),
        objects=("appInsights", "appInsights=Microsoft.ApplicationInsights"),
        replies=_INSIGHTS,
    ),
    "hubspot": StandIn(
        "HubSpot, tracking",
        hosts=("hs-scripts.com",),
        queues=("_hsq", "_hsp"),
        replies={
            "_hsq addIdentityListener": _calls_back("", "", ""),
            "_hsq addUserTokenListener": _calls_back(""),
            "_hsp addPrivacyConsentListener": _calls_back({"allowed": False, "categories": _NO_CONSENT}),
        },
    ),
    "hubspot-forms": StandIn(
        "HubSpot, forms, meetings and calls to action",
        hosts=("hsforms.net",),
        objects=("hbspt",),
        ready=("hsFormsOnReady",),
    ),
    "hubspot-chat": StandIn(
        "HubSpot, chat",
        hosts=("usemessages.com",),
        objects=("HubSpotConversations",),
        ready=("hsConversationsOnReady",),
        replies={"HubSpotConversations.on widgetLoaded": _calls_back({"message": "widget has loaded"})},
    ),
    "calendly": StandIn("Calendly", hosts=("calendly.com",), objects=("Calendly",)),
    "youtube": StandIn(
        "YouTube, players made by script",
        hosts=("youtube.com",),
        objects=("YT",),
        players=True,
        ready=("onYouTubeIframeAPIReady",),
        replies={"YT.ready": _calls_back()},
    ),
    "vimeo": StandIn(
        "Vimeo, players made by script", hosts=("player.vimeo.com",), objects=("Vimeo",), players=True
    ),
    "meta": StandIn(
        "Meta, pixel and SDK",
        hosts=("connect.facebook.net",),
        objects=("FB",),
        functions=("fbq", "_fbq"),
        ready=("fbAsyncInit",),
        replies={
            "fbq.getState": _returns({"pixels": []}),
            "FB.getLoginStatus": _calls_back(_NO_LOGIN),
            "FB.login": _calls_back(_NO_LOGIN),
            "FB.logout": _calls_back(_NO_LOGIN),
            "FB.api": _calls_back({}),
            "FB.ui": _calls_back(),
            "FB.XFBML.parse": _calls_back(),
        },
    ),
    "hotjar": StandIn("Hotjar", hosts=("hotjar.com",), functions=("hj",), replies={"hj..get": _returns("")}),
    "clarity": StandIn(
        "Microsoft Clarity",
        hosts=("clarity.ms",),
        functions=("clarity",),
        replies={
            "clarity metadata": _calls_back({"projectId": "", "userId": "", "sessionId": ""}),
            "clarity identify": _calls_back({"id": "", "session": "", "page": "", "userHint": ""}),
        },
    ),
    "posthog": StandIn(
        "PostHog",
        hosts=("posthog.com",),
        objects=("posthog",),
        replies={
            "posthog.onFeatureFlags": _calls_back([], {}),
            "posthog.isFeatureEnabled": _returns(False),
            **{f"posthog.{name}": _returns() for name in _FLAGS},
            **{f"posthog.{name}": _returns("") for name in ("get_distinct_id", "get_session_id")},
            "posthog.get_session_replay_url": _returns(""),
            "posthog.getGroups": _returns({}),
            "posthog..getFlags": _returns([]),
            "posthog.has_opted_in_capturing": _returns(False),
            "posthog.has_opted_out_capturing": _returns(True),
            "posthog.onSurveysLoaded": _calls_back([]),
            "posthog.getSurveys": _calls_back([]),
            "posthog.getActiveMatchingSurveys": _calls_back([]),
            "posthog.getEarlyAccessFeatures": _calls_back([]),
        },
    ),
    "sentry": StandIn(
        "Sentry",
        hosts=("sentry-cdn.com", "sentry.io"),
        objects=("Sentry",),
        ready=("sentryOnLoad",),
        replies={
            "Sentry.onLoad": _calls_back(),
            "Sentry..flush": _calls_back(True),
            "Sentry..close": _calls_back(True),
            **{f"Sentry.{name}": _RUNS for name in _SPANS + _SCOPES},
            **{
                f"Sentry.{name}": _returns("")
                for name in ("captureException", "captureMessage", "captureEvent")
            },
            "Sentry.lastEventId": _returns(),
            "Sentry.getActiveSpan": _returns(),
            "Sentry.getTraceData": _returns({}),
            "Sentry.isEnabled": _returns(False),
        },
    ),
}
"""By the name that `stand_in:` in a tag rule takes."""


@lru_cache(maxsize=1024)
def brought_by(host: str) -> tuple[str, ...]:
    """Return the names of the stand-ins that a refused host brings by itself; hosts are those of rules."""
    return tuple(
        name
        for name, stand_in in STAND_INS.items()
        if any(
            host == known or host.endswith("." + known) or known.endswith("." + host)
            for known in stand_in.hosts
        )
    )


FUNCTION = re.compile(r"[A-Za-z_$][\w$]*(?:\.[A-Za-z_$][\w$]*){0,7}", re.ASCII)
"""The name of a function as rule authors write it: `acme` or `acme.flags.get`."""


def constant(word: str) -> tuple[str, ...]:
    """Return what an author's word stands for: itself where it is JSON, nothing, or else the text."""
    if word == "nothing":
        return ()
    try:
        value = json.loads(word, parse_constant=str)
    except (ValueError, RecursionError):
        value = word
    return _constants((value,))


def of_table(provider: str, table: Mapping[str, Reply]) -> StandIn:
    """Return the stand-in of a table of function names that a rule author wrote."""
    roots = dict.fromkeys(name.partition(".")[0] for name in table)
    return StandIn(
        provider,
        objects=tuple(root for root in roots if root not in table),
        functions=tuple(root for root in roots if root in table),
        replies=table,
    )
