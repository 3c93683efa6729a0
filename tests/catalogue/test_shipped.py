"""The catalogue that ships: which names are whose, and what a visitor who agreed to nothing gets of them."""

from functools import cache

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.headers.cookies import CookieRules, judge_cookie, strip_cookie_header
from proxy.filter.patterns import Glob
from proxy.filter.verdict import Does
from proxy.policy.load import load_policy
from proxy.policy.model import NECESSARY, OWN
from proxy.policy.scope import scope_of
from tests.policy.rules import text_of
from tests.shared import ROOT

NOW = 1_795_428_000  # Mon, 23 Nov 2026 10:00:00 GMT
DATA = ROOT / "tests" / "data"
FUNCTIONAL = "- { name: shown, domain: .callkom.io, purpose: functional, lasts: Session, why: x }"


def lines_of(name):
    return [tuple(line.split("\t")) for line in (DATA / name).read_text().splitlines()]


@cache
def policy(undeclared="presume"):
    return load_policy(
        text_of(cookies=FUNCTIONAL, undeclared=f"{{ cookies: {undeclared} }}"), catalogue=shipped_catalogue()
    )


@cache
def rules(undeclared="presume"):
    return CookieRules(policy(undeclared))


def judged(line, *granted, undeclared="presume", host="callkom.io"):
    grants = scope_of(policy()).granted(granted)
    return judge_cookie(rules(undeclared), line.encode(), host=host, grants=grants, now=NOW)[0]


@pytest.mark.parametrize(("line", "whose"), lines_of("server-set-trackers.txt"))
@pytest.mark.parametrize("undeclared", ["presume", "drop"])
def test_what_servers_set_to_track_is_dropped_before_consent(line, whose, undeclared):
    assert judged(line, undeclared=undeclared).does is Does.DROP, whose


@pytest.mark.parametrize(("line", "becomes"), lines_of("sign-in-set-cookie.txt"))
def test_sign_in_form_protection_and_balancing_pass_and_language_asks(line, becomes):
    refused, granted = judged(line), judged(line, "functional")

    match becomes:
        case "kept":
            assert refused.keeps
            assert refused.presumed
        case "session":
            assert (refused.does, refused.note) == (Does.CAP, "to Session")
        case "functional":
            assert (refused.does, refused.needs) == (Does.DROP, ("functional",))
            assert granted.keeps
        case _:
            assert refused.does is Does.DROP


@pytest.mark.parametrize("line", ["FPID=1; HttpOnly", "_fbp=1; Max-Age=100", "ph_x_posthog=1; HttpOnly"])
def test_a_known_tracker_is_refused_even_where_what_is_undeclared_is_kept(line):
    verdict = judged(line, "functional", undeclared="keep")

    assert (verdict.does, verdict.note) == (Does.DROP, "known tracker")
    assert verdict.because.file == "catalogue/trackers.yaml"


def test_with_drop_no_platform_is_presumed():
    assert judged("PHPSESSID=1; HttpOnly", undeclared="drop").does is Does.DROP


def test_a_known_trackers_cookie_is_hidden_from_the_site_and_what_nobody_knows_is_not():
    cookies = b"sessionid=1; ajs_anonymous_id=2; mystery=3; _fbp=4"
    shown, hidden = strip_cookie_header(rules(), cookies, host="callkom.io", grants=frozenset())

    assert shown == b"sessionid=1; mystery=3"
    assert hidden == (b"ajs_anonymous_id", b"_fbp")


def test_a_rule_of_the_site_speaks_before_the_catalogue():
    row = "- { name: [_fbp, sessionid], domain: .callkom.io, purpose: functional, lasts: 1 day, why: x }"
    own = load_policy(text_of(cookies=row), catalogue=shipped_catalogue())
    grants = scope_of(own).granted(["functional"])

    for line in (b"_fbp=1", b"sessionid=1"):
        kept, _ = judge_cookie(CookieRules(own), line, host="callkom.io", grants=grants, now=NOW)
        refused, _ = judge_cookie(CookieRules(own), line, host="callkom.io", grants=frozenset(), now=NOW)
        assert (kept.does, kept.provider) == (Does.KEEP, "acme")
        assert (refused.does, refused.provider) == (Does.DROP, "acme")


def test_no_name_of_a_platform_is_a_trackers_too():
    owned = [n for platform in shipped_catalogue().platforms for row in platform.cookies for n in row.names]
    claimed = [Glob.of(name) for tracker in shipped_catalogue().trackers for name in tracker.cookies]

    assert len(owned) > 300
    assert [name for name in owned if any(glob.matches(name.replace("*", "x")) for glob in claimed)] == []


def test_platforms_hold_rows_for_purposes_that_every_policy_can_know():
    rows = [row for platform in shipped_catalogue().platforms for row in platform.cookies]

    assert {row.purpose for row in rows} == {NECESSARY, "functional"}
    assert {row.domains for row in rows} == {(OWN,)}


@pytest.mark.parametrize("word", ["AspNetCore", "wordpress", "next-auth", "woocommerce", "AWSALB", "laravel"])
def test_no_platform_owns_whatever_begins_with_its_name(word):
    names = [n for platform in shipped_catalogue().platforms for row in platform.cookies for n in row.names]

    assert [name for name in names if name.strip("._-*") == word and "*" in name] == []
