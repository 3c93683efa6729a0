"""How what was seen on a site is sorted by what its rules say."""

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.headers.cookies import CookieRules
from proxy.policy.load import load_policy
from proxy.policy.model import DAY
from proxy.seen.discovery import NEW_WITHIN, SILENT_AFTER, discover, stops
from proxy.seen.names import Kind
from proxy.seen.sightings import Key, Seen
from tests.seen.test_suggestions import NOW, SITE, rules_of
from tests.support.proxying import RULES

LONG_AGO = NOW - SILENT_AFTER - DAY


def found_of(*names, now=NOW):
    return discover("callkom.io", dict(names), SITE.rules, SITE.cookies, now=now)


def one(kind, name, first=NOW - 2 * NEW_WITHIN, last=NOW, site="callkom.io", **facts):
    return Key(site, kind, name), Seen(first, last, 1, **{"by_us": True, **facts})


def names(findings):
    return [finding.name for finding in findings]


def test_what_rules_the_catalogue_and_the_site_itself_speak_of_is_told_apart():
    found = found_of(
        one(Kind.HOST, "www.googletagmanager.com"),
        one(Kind.HOST, "cdn.pendo.io"),
        one(Kind.HOST, "stats.callkom.io"),
        one(Kind.HOST, "app.callkom.io"),
        one(Kind.COOKIE, "_ga"),
        one(Kind.COOKIE, "consent_callkom"),
        one(Kind.COOKIE, "PHPSESSID"),
        one(Kind.COOKIE, "sid", cookie={"httponly": True, "lasts": "Session"}),
        one(Kind.COOKIE, "keeps", cookie={"httponly": True, "lasts": "90 days"}),
        one(Kind.COOKIE, "odd", cookie={"httponly": False, "lasts": "Session"}),
        one(Kind.COOKIE, "_fbp"),
        one(Kind.KEY, "theme"),
        one(Kind.PAGE, "/broken"),
        one(Kind.HOST, "elsewhere.example", site="other.io"),
    )

    assert names(found.undeclared) == ["cdn.pendo.io", "keeps", "odd", "_fbp", "theme"]
    assert names(found.presumed) == ["PHPSESSID", "sid"]
    assert names(found.unserved) == ["stats.callkom.io"]
    assert names(found.unread) == ["/broken"]


def test_another_consent_tool_is_recognised_by_a_host_a_cookie_or_a_storage_key():
    found = found_of(
        one(Kind.HOST, "consent.cookiebot.com"),
        one(Kind.COOKIE, "CookieConsent"),
        one(Kind.COOKIE, "OptanonConsent"),
        one(Kind.KEY, "klaro"),
        one(Kind.COOKIE, "_ga"),
        one(Kind.HOST, "cdn.pendo.io"),
    )

    assert {tool: names(seen) for tool, seen in found.consent_tools.items()} == {
        "cookiebot": ["consent.cookiebot.com", "CookieConsent"],
        "onetrust": ["OptanonConsent"],
        "klaro": ["klaro"],
    }


@pytest.mark.parametrize(
    ("since", "last", "silent"),
    [
        (LONG_AGO, LONG_AGO, {"callkom", "google", "hubspot"}),
        (LONG_AGO, NOW, {"callkom", "hubspot"}),
        (NOW - DAY, NOW - DAY, set()),
    ],
)
def test_a_rule_of_which_nothing_was_seen_is_named_after_thirty_days(since, last, silent):
    found = found_of(one(Kind.HOST, "www.googletagmanager.com", first=since, last=last))

    assert {provider for provider, _ in found.silent} == silent


def test_a_neutral_host_is_named_in_vain_only_where_browsers_tell_of_it():
    policy = load_policy(
        RULES + "neutral: [{ from: cdn.example.com, why: Libraries }]\n", catalogue=shipped_catalogue()
    )
    rules, cookies = rules_of(policy)
    seen = [one(Kind.HOST, "a.cdn.example.com", first=LONG_AGO)]
    unseen = [one(Kind.HOST, "a.cdn.example.com", first=LONG_AGO, last=LONG_AGO)]

    def silent(names, *, sees):
        found = discover("callkom.io", dict(names), rules, cookies, now=NOW, sees_allowed=sees)
        return found.silent_neutral

    assert silent(unseen, sees=True) == [("cdn.example.com", LONG_AGO)]
    assert silent(seen, sees=True) == []
    assert silent(unseen, sees=False) == []


@pytest.mark.parametrize(
    ("purpose", "sees", "silent"),
    [("necessary", False, False), ("necessary", True, True), ("performance", False, True)],
)
def test_a_provider_that_loads_for_everyone_is_named_only_where_browsers_tell_of_it(purpose, sees, silent):
    block = f"  captcha: {{ name: C, tags: [{{ from: captcha.example, purpose: {purpose} }}] }}\n"
    rules, cookies = rules_of(load_policy(RULES.replace("  google:\n", block + "  google:\n")))
    seen = dict([one(Kind.HOST, "www.googletagmanager.com", first=LONG_AGO)])
    found = discover("callkom.io", seen, rules, cookies, now=NOW, sees_allowed=sees)

    assert (("captcha", None) in found.silent) is silent


@pytest.mark.parametrize(
    ("finding", "why"),
    [
        (
            one(Kind.COOKIE, "odd", cookie={"httponly": False, "lasts": "Session"}),
            "1 cookies of a session would be dropped: odd",
        ),
        (
            one(Kind.HOST, "cdn.pendo.io", elements={"script"}),
            "1 hosts of scripts and frames that no rule speaks of would be held: cdn.pendo.io",
        ),
        (one(Kind.PAGE, "/broken"), "1 pages could not be read: /broken"),
        (one(Kind.KEY, "theme", first=NOW - 60), "1 names are new today: theme"),
    ],
)
def test_what_enforcing_would_break_is_no_go(finding, why):
    assert stops(found_of(finding), now=NOW) == [why]


def test_nothing_seen_is_no_go_and_all_spoken_of_is_go():
    assert stops(found_of(), now=NOW) == ["nothing was seen yet: observe the site first"]
    assert stops(found_of(one(Kind.HOST, "px.pendo.io", elements={"img"})), now=NOW) == []
    assert stops(found_of(one(Kind.COOKIE, "session", cookie={"lasts": "Session"})), now=NOW) == []


def test_a_site_that_presumes_nothing_names_it_as_undeclared():
    policy = SITE.policy.__class__(
        **{
            **{name: getattr(SITE.policy, name) for name in SITE.policy.__slots__},
            "undeclared_cookies": type(SITE.policy.undeclared_cookies).DROP,
        }
    )
    key, seen = one(Kind.COOKIE, "sid", cookie={"httponly": True, "lasts": "Session"})
    found = discover("callkom.io", {key: seen}, SITE.rules, CookieRules(policy), now=NOW)

    assert names(found.undeclared) == ["sid"]
