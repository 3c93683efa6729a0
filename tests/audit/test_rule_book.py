"""What the rules say of single things that were seen from outside."""

import pytest

from proxy.audit.findings import Fact, Severity
from proxy.audit.observed import CookieSeen, RequestSeen, When
from proxy.audit.rule_book import RuleBook, days
from proxy.commands.terminal import read_policy
from proxy.policy.own_hosts import OwnHosts
from tests.audit.planted_site import RULES

OWN = OwnHosts(frozenset({"callkom.io"}), "callkom.io")
DAY = 86_400


@pytest.fixture(scope="module")
def book():
    policy = read_policy(RULES)
    books = {}
    return lambda state: books.setdefault(state, RuleBook(policy, OWN, state))


def cookie(name, domain="callkom.io", *, side="http", lives=None, httponly=False, host=None):
    return CookieSeen(
        name, domain, True, side, lives, httponly, True, "", "", host or domain, When("callkom.io/", 1, True)
    )


def request(host, element="img", path="/", *, speculative=False):
    return RequestSeen(
        f"https://{host}/",
        host,
        path,
        element,
        "",
        "callkom.io",
        200,
        speculative,
        (),
        When("callkom.io/", 1, True),
    )


def test_a_cookie_longer_than_its_row_is_a_violation_by_either_side(book):
    for side in ("http", "script"):
        [found] = book("accept").cookie(cookie("long_stat", side=side, lives=400 * DAY), None)

        assert (found.fact, found.severity) == (Fact.LONGER, Severity.VIOLATION)
        assert "400 days" in found.why
        assert "1 month" in found.why


def test_a_third_partys_long_cookie_is_a_doubt_since_we_cannot_shorten_it(book):
    [found] = book("accept").cookie(
        cookie("al_uid", "adloop.example", lives=400 * DAY), request("pixel.adloop.example")
    )

    assert (found.fact, found.severity) == (Fact.LONGER, Severity.DOUBT)
    assert "only adloop.example can shorten it" in found.why


def test_a_known_tracker_that_rules_call_necessary_is_a_violation(tmp_path):
    text = RULES.read_text("utf-8").replace("name: cart_ref,", "name: [cart_ref, _gid],")
    path = tmp_path / "rules.yaml"
    path.write_text(text)
    found = RuleBook(read_policy(path), OWN, "none").cookie(cookie("_gid"), None)

    assert [(one.fact, one.severity) for one in found] == [(Fact.NECESSARY, Severity.VIOLATION)]
    assert "Google" in found[0].why


def test_a_cookie_of_an_allowed_third_party_that_no_rule_names_is_a_doubt(book):
    seen = cookie("al_other", "pixel.adloop.example")
    [refused] = book("refuse").cookie(seen, request("pixel.adloop.example"))
    [accepted] = book("accept").cookie(seen, request("pixel.adloop.example"))

    assert (refused.fact, refused.severity) == (Fact.REFUSED, Severity.VIOLATION)
    assert (accepted.fact, accepted.severity) == (Fact.UNDECLARED, Severity.DOUBT)


def test_a_third_partys_cookie_whose_request_nobody_saw_is_judged_by_its_host(book):
    found = [
        book(state).cookie(cookie("odd", "pixel.adloop.example"), None)[0] for state in ("accept", "refuse")
    ]

    assert [(one.fact, one.severity) for one in found] == [
        (Fact.UNDECLARED, Severity.DOUBT),
        (Fact.REFUSED, Severity.VIOLATION),
    ]


def test_an_undeclared_third_party_is_a_violation_even_once_everything_is_accepted(book):
    assert book("accept").host(request("unknown.example")).fact is Fact.UNDECLARED
    assert book("none").host(request("unknown.example")).fact is Fact.BEFORE
    assert book("accept").host(request("unknown.example")).advice


def test_a_preconnect_to_a_refused_host_counts_as_loading_it(book):
    ahead = request("edge.adloop.example", "link preconnect", speculative=True)

    assert book("none").host(ahead).needs == ("marketing",)
    assert book("accept").host(ahead) is None


def test_neutral_hosts_own_files_and_the_consent_cookie_are_never_wrong(book):
    assert book("none").host(request("type.typeset.example", "link")) is None
    assert book("none").host(request("callkom.io", "script", "/app.js")) is None
    assert book("none").cookie(cookie("consent_callkom"), None) == []


def test_a_state_of_single_purposes_grants_those_alone(book):
    assert book("functional").cookie(cookie("pref_money"), None) == []
    [found] = book("functional").cookie(cookie("ab_bucket"), None)
    assert (found.fact, found.needs) == (Fact.REFUSED, ("performance",))


def test_lives_are_said_as_people_say_them():
    assert [days(one) for one in (None, 90, 7_200, 100_000, 34_300_800)] == [
        "as long as the browser runs",
        "2 minutes",
        "120 minutes",
        "28 hours",
        "397 days",
    ]


def test_servers_of_webrtc_are_judged_as_the_guard_does(book):
    server = request("stun.adloop.example", "webrtc")
    undeclared = book("none").host(request("stun.unknown.example", "webrtc"))

    assert book("none").host(server).needs == ("marketing",)
    assert book("accept").host(server) is None
    assert (undeclared.fact, undeclared.severity) == (Fact.UNDECLARED, Severity.DOUBT)
    assert undeclared.advice == "declare it: connect: stun:stun.unknown.example"
