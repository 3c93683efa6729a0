"""The report for programs keeps to its schema."""

import json

import pytest
from jsonschema import Draft202012Validator

from proxy.audit.document import SCHEMA, document, summary
from proxy.audit.evaluation import evaluate
from proxy.audit.findings import FindingKind, Severity
from proxy.audit.observed import (
    Decided,
    SiteVisit,
    StateVisit,
)
from proxy.audit.proxy_view import ProxyView
from proxy.audit.report import page
from proxy.commands.terminal import read_policy
from tests.audit.made_visit import PLAN, made_report, site
from tests.audit.planted_site import RULES


@pytest.fixture
def report():
    return made_report()


def test_the_report_keeps_to_its_schema(report):
    schema = json.loads(SCHEMA.read_text("utf-8"))
    Draft202012Validator.check_schema(schema)

    assert [error.message for error in Draft202012Validator(schema).iter_errors(report)] == []
    assert list(Draft202012Validator(schema).iter_errors({**report, "format": 2}))


def test_every_fact_is_found_with_its_rule_and_its_first_page(report):
    facts = {(one["fact"], one["name"]): one for one in report["findings"]}

    assert facts["before", "ab_bucket"]["rule"].startswith("rules.yaml:")
    assert facts["before", "ab_bucket"]["needs"] == ["performance"]
    assert facts["before", "ab_bucket"]["first"] == {"state": "none", "page": "callkom.io/", "after_ms": 5}
    assert {"pixel.adloop.example", "edge.adloop.example", "unknown.example"} <= {
        name for fact, name in facts if fact == "before"
    }
    assert facts["withdrawn", "js_visits"]["severity"] == "violation"
    assert set(facts["withdrawn", "js_visits"]["sides"]) == {"document.cookie", "jar", "request"}
    assert ("withdrawn", "shop_sid") not in facts
    assert facts["undeclared", "login_memo"]["severity"] == "doubt"


def test_no_query_of_an_address_is_reported(report):
    assert "secret" not in json.dumps(report)


def test_what_could_not_be_judged_is_never_clean():
    undecided = SiteVisit(PLAN.addresses, [StateVisit("refuse", Decided(False, "no consent tool was found"))])
    said = summary([], undecided)

    assert (said["verdict"], said["undecided"]) == ("doubts", ["refuse"])
    assert not any(one["judged"] for one in said["facts"])
    assert summary([], SiteVisit(PLAN.addresses))["verdict"] == "clean"


def test_a_fact_is_judged_where_a_state_that_shows_it_was_visited():
    refused = SiteVisit(PLAN.addresses, [StateVisit("refuse", Decided(True, "x"))])
    looked = SiteVisit(PLAN.addresses, [StateVisit("none", Decided(True, "x"))], banners={"a.io/": {}})

    assert judged(refused) == {"refused", "necessary", "undeclared", "longer"}
    assert judged(looked) == {"before", "necessary", "undeclared", "longer", "banner"}


def judged(seen):
    return {one["fact"] for one in summary([], seen)["facts"] if one["judged"]}


@pytest.mark.parametrize(
    ("mode", "digest", "severity", "said"),
    [
        ("enforce", None, Severity.DOUBT, "hides it from the upstream"),
        ("observe", None, Severity.VIOLATION, "its mode is observe"),
        ("enforce", "another", Severity.VIOLATION, "its rules are others"),
    ],
)
def test_what_was_sent_after_a_withdrawal_is_read_by_the_upstream_where_the_proxy_lets_it(
    mode, digest, severity, said
):
    policy, seen = read_policy(RULES), site()
    seen.states[1].cookies, seen.states[1].jar, seen.states[1].reads = [], [], []
    view = ProxyView(
        "http://127.0.0.1:9100/status", frozenset({mode}), frozenset({digest or policy.digest}), PLAN.hosts
    )
    found = evaluate(seen, policy, PLAN.own, view)
    [sent] = [one for one in found.findings if one.name == "js_visits"]

    assert sent.objection.severity is severity
    assert said in sent.objection.why
    made = document(seen, found, policy, PLAN.own, version="1", command=[], now=0.0, proxy=view)
    schema = json.loads(SCHEMA.read_text("utf-8"))
    made |= {"to_write": "", "exit": 1}
    assert [error.message for error in Draft202012Validator(schema).iter_errors(made)] == []
    assert f"The proxy says: mode {mode}" in page(made, seen)


def test_a_fault_of_the_banner_is_one_finding_with_every_page_that_shows_it():
    policy, seen = read_policy(RULES), site()
    seen.banners = {
        page: {"found": True, "tool": "x", "faults": [words], "doubts": []}
        for page, words in (
            ("callkom.io/", "no button: refusing takes 3 clicks"),
            ("callkom.io/b", "no button"),
        )
    }
    found = evaluate(seen, policy, PLAN.own)
    [one] = [one for one in found.findings if one.what is FindingKind.BANNER]
    made = document(seen, found, policy, PLAN.own, version="1", command=[], now=0.0)

    assert one.pages == ["callkom.io/", "callkom.io/b"]
    assert [one["page"] for one in made["banners"]] == one.pages
    assert "Shown on: callkom.io/, callkom.io/b." in page({**made, "to_write": "", "exit": 1}, seen)
