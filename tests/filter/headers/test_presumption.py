"""What is presumed necessary although nobody described it, and on which occasions it may live."""

import pytest

from proxy.filter.headers.cookies import CookieRules, judge_cookie
from proxy.filter.headers.presumption import NO_OCCASION, Occasion, returns_from_sign_in
from proxy.filter.verdict import Does
from proxy.policy.model import Undeclared
from tests.policy.rules import policy_of

NOW = 1_795_428_000
DAY = 86_400
COOKIES = """
- { name: known, domain: .elsewhere.com, purpose: functional, lasts: 1 day, why: x }
- { name: free, domain: .elsewhere.com, purpose: necessary, lasts: 1 day, why: x }
"""
RULES = CookieRules(policy_of(cookies=COOKIES))


def judged(line, occasion=NO_OCCASION, host="www.example.com", rules=RULES):
    return judge_cookie(rules, line, host=host, grants=frozenset(), now=NOW, occasion=occasion)


@pytest.mark.parametrize(
    "line",
    [
        b"sid=1; HttpOnly",
        b"sid=1; Path=/; Secure; HttpOnly; SameSite=Lax",
        b"sid=1; Domain=www.example.com; HttpOnly",
        b"sid=1; Domain=.example.com; HttpOnly",
        b"free=1; HttpOnly",
    ],
)
def test_a_session_that_scripts_cannot_read_passes_as_it_came(line):
    verdict, out = judged(line)

    assert out is line
    assert (verdict.does, verdict.presumed) == (Does.KEEP, True)


@pytest.mark.parametrize(
    "line",
    [
        b"sid=1",
        b"sid=1; Domain=com; HttpOnly",
        b"sid=1; Domain=other.com; HttpOnly",
        b"sid=1; Domain=app.example.com; HttpOnly",
        b"sid=1; HttpOnly; Secure; Partitioned",
        b"known=1; HttpOnly",
        b"=sid; HttpOnly",
        b"sid=1; HttpOnly; Max-Age=2678401",
    ],
)
def test_what_scripts_read_what_is_shared_claimed_or_long_lived_is_dropped(line):
    verdict, out = judged(line, Occasion(posted=True))

    assert out is None
    assert (verdict.does, verdict.note, verdict.presumed) == (Does.DROP, "undeclared", False)


@pytest.mark.parametrize(
    "occasion",
    [Occasion(posted=True), Occasion(returned=True), Occasion(cookies=(b"a=1; sid=0", b"b=2"))],
)
def test_it_may_live_31_days_where_somebody_signed_in_or_it_was_there(occasion):
    line = b"sid=1; Path=/; HttpOnly; Max-Age=2678400"
    verdict, out = judged(line, occasion)

    assert out is line
    assert verdict.presumed


@pytest.mark.parametrize("occasion", [Occasion(), Occasion(cookies=(b"aside=0; sid2=1",))])
def test_elsewhere_it_is_cut_to_the_session(occasion):
    verdict, out = judged(b"sid=1; Path=/; HttpOnly; Max-Age=3600; Secure", occasion)

    assert out == b"sid=1; Path=/; HttpOnly; Secure"
    assert (str(verdict), verdict.presumed) == ("cap to Session", True)


def test_the_occasion_counts_each_time_and_a_session_is_judged_once():
    line = b"sid=1; HttpOnly; Max-Age=3600"
    assert judged(line, Occasion(posted=True))[1] is line
    assert judged(line)[1] == b"sid=1; HttpOnly"
    assert judged(line, Occasion(posted=True))[1] is line
    assert judged(b"sid=2; HttpOnly")[0] is judged(b"sid=3; HttpOnly")[0]


@pytest.mark.parametrize(
    ("path", "query", "site", "mode", "returns"),
    [
        (b"/", b"code=1&state=2", b"cross-site", b"navigate", True),
        (b"/", b"state=2&iss=x&code=1", None, None, True),
        (b"/", b"code=1&state=2", b"same-origin", b"navigate", False),
        (b"/", b"code=1", b"cross-site", b"navigate", False),
        (b"/acs", b"SAMLResponse=x", b"cross-site", b"navigate", True),
        (b"/login", b"ticket=ST-1", b"same-site", b"navigate", True),
        (b"/x", b"oauth_token=1&oauth_verifier=2", None, None, True),
        (b"/auth/callback", b"", b"cross-site", b"navigate", True),
        (b"/signin-oidc", b"", b"same-site", b"navigate", True),
        (b"/signin-oidc", b"", b"cross-site", b"no-cors", False),
        (b"/signin-oidc", b"", b"none", b"navigate", False),
        (b"/blog/authors", b"utm_source=x", b"cross-site", b"navigate", False),
        (b"/", b"utm_source=x", b"cross-site", b"navigate", False),
    ],
)
def test_the_return_from_a_sign_in_elsewhere_is_told_by_its_answer_or_its_address(
    path, query, site, mode, returns
):
    assert returns_from_sign_in(path, query, site=site, mode=mode) is returns


def test_past_its_last_day_nothing_is_presumed():
    policy = policy_of(undeclared="{ cookies: presume, presume_until: 2026-11-22 }")
    end = 1_795_392_000  # 23 Nov 2026, 00:00 UTC

    assert policy.in_force(end - 1) is policy
    assert policy.in_force(end).undeclared_cookies is Undeclared.DROP
    assert judged(b"sid=1; HttpOnly", rules=CookieRules(policy.in_force(end)))[1] is None
