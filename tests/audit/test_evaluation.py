"""What a visit comes to: what counts in which state, what is one row, what a proxy in front excuses."""

import pytest

from proxy.audit.evaluation import evaluate, status_of
from proxy.audit.findings import Fact, Objection, Severity
from proxy.audit.observed import (
    CookieSeen,
    Decided,
    KeySeen,
    ReadSeen,
    RequestSeen,
    SiteVisit,
    StateVisit,
    When,
)
from proxy.audit.proxy_view import ProxyView
from proxy.commands.terminal import read_policy
from proxy.policy.own_hosts import OwnHosts
from tests.audit.planted_site import RULES

OWN = OwnHosts(frozenset({"callkom.io"}), "callkom.io")
POLICY = read_policy(RULES)


def at(*, decided, after=5, page="callkom.io/"):
    return When(page, after, decided)


def cookie(name, when, side="http", *, lives=None, by="https://callkom.io/", partition=""):
    return CookieSeen(name, "callkom.io", True, side, lives, False, False, partition, by, "callkom.io", when)


def request(when, host="callkom.io", cookies=()):
    return RequestSeen(f"https://{host}/a", host, "/a", "img", "", "callkom.io", 200, False, cookies, when)


def evaluated(state, proxy=None, *, done=True, **seen):
    """Return the rows and findings of one state."""
    visit = StateVisit(state, Decided(done, "x"), **seen)
    found = evaluate(SiteVisit(("https://callkom.io/",), [visit]), POLICY, OWN, proxy)
    return found.states[0], found.findings


def test_what_came_before_the_choice_of_a_state_is_judged_in_none_alone():
    seen = {
        "cookies": [cookie("ab_bucket", at(decided=False))],
        "requests": [request(at(decided=False), "pixel.adloop.example")],
    }
    rows, findings = evaluated("refuse", **seen)
    [row], [host] = rows.cookies.values(), rows.hosts.values()

    assert findings == []
    assert {status_of(one.objections, counted=one.counted) for one in (row, host)} == {"not judged"}
    assert [one.objection.fact for one in evaluated("none", **seen)[1]] == [Fact.BEFORE, Fact.BEFORE]


def test_nothing_is_judged_in_a_state_that_could_not_be_chosen():
    seen = {
        "cookies": [cookie("ab_bucket", at(decided=True))],
        "keys": [KeySeen("ml_queue", "local", "callkom.io", "", at(decided=True))],
    }

    assert evaluated("refuse", done=False, **seen)[1] == []
    assert len(evaluated("refuse", **seen)[1]) == 2


def test_a_cookie_that_a_refusal_left_stored_is_found_once_and_nobody_is_said_to_have_set_it_again():
    early, left = cookie("ab_bucket", at(decided=False)), cookie("ab_bucket", at(decided=True), "jar")
    rows, [finding] = evaluated("refuse", cookies=[early], jar=[left])
    [row] = rows.cookies.values()

    assert finding.objection.why == "it is still stored, from before the choice"
    assert (list(row.sides), row.counted) == (["http"], True)
    again = cookie("ab_bucket", at(decided=True))
    [row] = evaluated("refuse", cookies=[early, again], jar=[left])[0].cookies.values()
    assert [one.why for one in row.objections] == ["The shop needs performance"]


def test_a_cookie_in_the_jar_that_nobody_was_seen_to_set_is_judged_too():
    rows, [finding] = evaluated("none", jar=[cookie("ab_bucket", at(decided=False), "jar", by="")])
    [row] = rows.cookies.values()

    assert finding.name == "ab_bucket"
    assert (list(row.sides), list(row.by)) == (["jar"], [])


def test_a_row_holds_every_side_and_page_and_the_longest_life_and_partitions_are_rows_of_their_own():
    there = at(decided=False, page="callkom.io/shop")
    cookies = [
        cookie("ab_bucket", at(decided=False), lives=60),
        cookie("ab_bucket", there, "script", lives=900),
        cookie("ab_bucket", there, lives=30),
        cookie("ab_bucket", there, partition="https://callkom.io"),
    ]
    rows, [finding] = evaluated("none", cookies=cookies)
    first, second = rows.cookies.values()

    assert (list(first.sides), list(first.pages), first.lives) == (
        ["http", "script"],
        ["callkom.io/", "callkom.io/shop"],
        900,
    )
    assert second.first.partition == "https://callkom.io"
    assert len(finding.sights) == 4


def test_after_a_withdrawal_reading_a_key_counts_only_where_it_is_still_stored():
    read = ReadSeen(
        ("ml_queue", "nobody_knows"), "local", "callkom.io", "https://cdn.example/a.js", at(decided=True)
    )
    stored = KeySeen("ml_queue", "local", "callkom.io", "", at(decided=True))
    rows, findings = evaluated("withdraw", reads=[read, read], keys=[stored])

    assert [(one.names, one.by) for one in rows.reads] == [(("ml_queue",), "https://cdn.example/a.js")]
    assert {one.name for one in findings} == {"ml_queue"}
    assert evaluated("withdraw", reads=[read])[0].reads == []
    assert evaluated("refuse", reads=[read], keys=[stored])[0].reads == []


@pytest.mark.parametrize(
    ("host", "severity", "said"),
    [
        ("callkom.io", Severity.DOUBT, "the proxy says that it hides it from the upstream"),
        ("static.callkom.io", Severity.VIOLATION, "it was sent to the server after consent was withdrawn"),
    ],
)
def test_a_proxy_excuses_only_what_was_sent_to_the_hosts_that_it_serves(host, severity, said):
    view = ProxyView(
        "http://127.0.0.1:9100/status",
        frozenset({"enforce"}),
        frozenset({POLICY.digest}),
        frozenset({"callkom.io"}),
    )
    sent = request(at(decided=True), host, cookies=("js_campaign",))
    [finding] = evaluated("withdraw", view, requests=[sent])[1]

    assert finding.objection.severity is severity
    assert said in finding.objection.why


def test_a_row_is_as_bad_as_its_gravest_objection():
    doubt, violation = (Objection(Fact.BEFORE, one, "x") for one in (Severity.DOUBT, Severity.VIOLATION))

    assert status_of([doubt, violation], counted=True) == "violation"
    assert status_of([doubt], counted=True) == "doubt"
    assert (status_of([], counted=True), status_of([], counted=False)) == ("allowed", "not judged")
