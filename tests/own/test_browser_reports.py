"""What browsers report is counted by provider; nothing of a visitor is kept."""

import json
from dataclasses import replace

import pytest

from proxy.filter.headers.cookies import CookieRules
from proxy.filter.rules.judge import compile_rules
from proxy.own.browser_reports import MAX_NAMES, MAX_REPORTS, BrowserReport, read_reports
from proxy.policy.model import Catalogue, Tracker
from proxy.policy.own_hosts import OwnHosts
from proxy.seen.names import Kind, Side
from proxy.seen.sightings import ReportedName
from tests.policy.rules import policy_of

POLICY = policy_of(
    cookies='- { name: [_ga, "_ga_*"], domain: .example.com, purpose: performance, lasts: 1 day, why: x }',
    tags="- { from: tracker.com, purpose: performance }",
)
RULES = compile_rules(POLICY, OwnHosts(frozenset({"www.example.com"}), "example.com"))
COOKIES = CookieRules(POLICY)


def read(said):
    return read_reports(json.dumps(said).encode(), RULES, COOKIES)


@pytest.mark.parametrize(
    ("address", "provider"),
    [
        ("https://eu.tracker.com/x?visitor=1", "acme"),
        ("https://www.example.com/x", "own"),
        ("https://elsewhere.org/", "undeclared"),
        ("inline", "inline"),
        ("https://[broken", "undeclared"),
        (None, "undeclared"),
    ],
)
def test_a_violation_counts_for_whose_address_it_is(address, provider):
    assert read({"csp-report": {"blocked-uri": address}}) == [BrowserReport("fence", provider)]
    assert read([{"type": "csp-violation", "body": {"blockedURL": address}}]) == [
        BrowserReport("fence", provider)
    ]


def test_names_in_storage_count_for_the_rule_or_the_tracker_that_has_them():
    catalogue = Catalogue(
        trackers=(Tracker("spy", "Spy", POLICY.place, cookies=("_spy",), storage=("spy_*",)),)
    )
    known = CookieRules(replace(POLICY, catalogue=catalogue))
    body = json.dumps({"storage": {"spy_1": 1, "theme": 2}, "cookies": {"_spy": 1}}).encode()

    assert read_reports(body, RULES, known) == [
        BrowserReport("guard", "spy", "_spy"),
        BrowserReport("storage", "spy", "spy_1"),
        BrowserReport("storage", "undeclared", "theme"),
    ]


def test_servers_for_webrtc_count_for_the_provider_that_declares_them():
    provider = replace(POLICY.providers[0], webrtc=("stun.acme.example",))
    known = CookieRules(replace(POLICY, providers=(provider, *POLICY.providers[1:])))
    body = json.dumps({"servers": {"eu.stun.acme.example": 1, "stun.nobody.example": 2}}).encode()

    assert read_reports(body, RULES, known) == [
        BrowserReport("webrtc", provider.id, "eu.stun.acme.example"),
        BrowserReport("webrtc", "undeclared", "stun.nobody.example"),
    ]


def test_the_guards_names_count_for_the_provider_that_declares_them():
    said = {"cookies": {"_ga": 3, "_ga_X": 1, "_fbp": 2}}

    assert read(said) == [
        BrowserReport("guard", "acme", "_ga"),
        BrowserReport("guard", "acme", "_ga_X"),
        BrowserReport("guard", "undeclared", "_fbp"),
    ]


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("visit_1234567", "visit_*"),
        ("s.3f2a9c01-77aa-4c1e-9d33-1b2c3d4e5f60", "s.*"),
        ("a\nb<c>", "a?b?c?"),
        ("x" * 999, "x" * 64),
        ("plain", "plain"),
    ],
)
def test_a_name_is_kept_without_what_looks_like_an_id(name, kept):
    assert [found.name for found in read({"cookies": {name: 1}})] == [kept]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b"1",
        b"[1, null]",
        b'{"cookies": 5}',
        b'{"type": "other"}',
        b'{"csp-report": []}',
    ],
)
def test_what_cannot_be_read_says_nothing(body):
    assert read_reports(body, RULES, COOKIES) == []


def test_one_body_says_only_so_much():
    assert len(read({"cookies": {f"n{'x' * n}": 1 for n in range(200)}})) == MAX_REPORTS
    assert len(read([{"csp-report": {"blocked-uri": "inline"}}] * 200)) == MAX_REPORTS
    assert len(read([{"seen": [["key", f"n{n}", "", ""] for n in range(150)]}] * 40)) == MAX_NAMES


@pytest.mark.parametrize(
    ("said", "named"),
    [
        (["call", "_acmeq", "", ""], ReportedName(Kind.CALL, "_acmeq", path="/x")),
        (
            ["key", "acme-db", "indexedDB", "self"],
            ReportedName(Kind.KEY, "acme-db", "indexedDB", path="/x", setter="self"),
        ),
        (["key", "theme", "made up", ""], ReportedName(Kind.KEY, "theme", path="/x")),
        (["host", "a.example", "css", ""], ReportedName(Kind.HOST, "a.example", "style", Side.STYLE, "/x")),
        (
            ["host", "b.example", "xmlhttprequest", ""],
            ReportedName(Kind.HOST, "b.example", "fetch", path="/x"),
        ),
        (
            ["host", "static.example.com", "img", ""],
            ReportedName(Kind.HOST, "static.example.com", "img", path="/x"),
        ),
    ],
)
def test_the_page_script_names_calls_databases_and_what_was_loaded(said, named):
    (found,) = read({"page": "/x", "seen": [said]})

    assert found.named == named


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("session", "Session"),
        ("86400", "1 day"),
        ("59", "1 min"),
        ("999999999", "9999 days"),
        ("9" * 11, ""),
        ("-1", ""),
        ("x", ""),
        ("", ""),
    ],
)
def test_the_life_of_a_cookie_that_a_script_wrote_is_read_where_it_is_one(said, kept):
    body = json.dumps({"page": "/", "seen": [["cookie", "odd", said, "self"]]}).encode()
    (report,) = read_reports(body, RULES, COOKIES)

    assert report.named is not None
    assert report.named.lasts == kept
