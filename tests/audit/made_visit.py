"""A made visit of a site, with content of pages that is hostile wherever a page has a say, and its report."""

from functools import cache

from proxy.audit.document import document
from proxy.audit.evaluation import evaluate
from proxy.audit.observed import (
    CookieSeen,
    Decided,
    KeySeen,
    PageSeen,
    ReadSeen,
    RequestSeen,
    SiteVisit,
    StateVisit,
    When,
)
from proxy.audit.plan import Plan
from proxy.commands.terminal import read_policy
from tests.audit.planted_site import RULES

HOSTILE = "<script>alert(1)</script>\"'&"


PLAN = Plan(("https://callkom.io/",), ("none", "withdraw"))


def at(after, *, decided=False):
    return When("callkom.io/", after, decided)


def cookie(name, *, side="http", lives=None, decided=False, domain="callkom.io", httponly=False):
    return CookieSeen(
        name,
        domain,
        True,
        side,
        lives,
        httponly,
        False,
        "",
        f"https://{domain}/",
        domain,
        at(5, decided=decided),
    )


def request(host, element, *, decided=False, speculative=False, cookies=()):
    return RequestSeen(
        f"https://{host}/a",
        host,
        "/a?secret=1",
        element,
        "",
        "callkom.io",
        200,
        speculative,
        cookies,
        at(9, decided=decided),
    )


def site():
    none = StateVisit("none", Decided(True, "nothing was clicked"))
    none.pages = [PageSeen("https://callkom.io/", 200, HOSTILE, 900)]
    none.cookies = [
        cookie("shop_sid"),
        cookie("ab_bucket", lives=900),
        cookie(HOSTILE.replace(";", "")),
        cookie("login_memo", httponly=True),
    ]
    none.keys = [
        KeySeen(HOSTILE, "local", "callkom.io", "", at(7)),
        KeySeen("ml_queue", "local", "callkom.io", "", at(7)),
    ]
    none.requests = [
        request("pixel.adloop.example", "img"),
        request("unknown.example", "script"),
        request("edge.adloop.example", "link preconnect", speculative=True),
    ]
    none.screenshots = [("callkom.io/", b"\xff\xd8jpeg")]
    taken = StateVisit("withdraw", Decided(True, "ours", "consent-proxy"))
    taken.cookies = [cookie("js_visits", side="script", lives=99)]
    taken.jar = [cookie("js_visits", side="jar", lives=99, decided=True)]
    taken.keys = [KeySeen("ml_queue", "local", "callkom.io", "", at(7, decided=True))]
    taken.reads = [
        ReadSeen(
            ("js_visits", "shop_sid"),
            "document.cookie",
            "callkom.io",
            "https://cdn.example/a.js",
            at(11, decided=True),
        )
    ]
    taken.requests = [request("callkom.io", "fetch", decided=True, cookies=("js_visits",))]
    banner = {
        "found": True,
        "tool": "x",
        "refuse": None,
        "accept": None,
        "words": {},
        "faults": ["no button"],
        "doubts": [],
    }
    return SiteVisit(PLAN.addresses, [none, taken], banner, "Chromium 1")


@cache
def made_report():
    """Return the report of that visit."""
    policy, seen = read_policy(RULES), site()
    found = evaluate(seen, policy, PLAN.own)
    made = document(
        seen, found, policy, PLAN.own, version="1", command=["consent-proxy", "audit", HOSTILE], now=0.0
    )
    return {**made, "to_write": HOSTILE, "exit": 1}
