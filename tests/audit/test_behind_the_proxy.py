"""The planted site behind the proxy: nothing is found, and with a rule broken on purpose exactly that."""

import pytest

from proxy.audit.document import summary
from proxy.audit.evaluation import evaluate
from proxy.audit.findings import Severity
from proxy.audit.plan import ACCEPT, NONE, REFUSE, WITHDRAW
from proxy.commands.terminal import read_policy
from tests.audit.conftest import plan_for, visited
from tests.audit.planted_site import PAGES, RULES
from tests.e2e.conftest import Running

pytestmark = pytest.mark.e2e


def violations(found):
    return [one for one in found.findings if one.objection.severity is Severity.VIOLATION]


@pytest.fixture(scope="module")
def found(playwright_engine, behind, third_parties):
    plan = plan_for(behind(), third_parties, NONE, REFUSE, ACCEPT, "functional", WITHDRAW, pages=6)
    seen = visited(playwright_engine, plan)
    return seen, evaluate(seen, read_policy(RULES), plan.own)


@pytest.mark.load
def test_every_choice_can_be_made_in_our_banner(found):
    seen, _ = found

    assert [one.state for one in seen.states if not one.decided.done] == []
    assert all(one.behind for one in seen.states)


@pytest.mark.load
def test_behind_the_proxy_no_violation_is_found(found):
    seen, evaluation = found

    assert [(one.key, one.states, one.objection.why) for one in violations(evaluation)] == []
    assert summary(evaluation.findings, seen)["verdict"] in ("clean", "doubts")


@pytest.mark.load
def test_what_was_accepted_loads_behind_the_proxy(found):
    _, evaluation = found
    accepted = next(rows for rows in evaluation.states if rows.visit.state == ACCEPT)

    assert {"pixel.adloop.example", "cdn.metrics-lab.example", "video.clipbox.example"} <= set(accepted.hosts)
    assert "_mlab_id" in {row.first.name for row in accepted.cookies.values()}


def test_a_rule_broken_on_purpose_is_found_and_nothing_else(
    playwright_engine, behind, third_parties, tmp_path
):
    text = RULES.read_text("utf-8")
    broken = tmp_path / "rules.yaml"
    broken.write_text(
        text.replace("[js_visits, js_scrolled, store_probe]", "[js_scrolled, store_probe]").replace(
            "name: cart_ref,", "name: [cart_ref, js_visits],"
        )
    )
    plan = plan_for(behind(broken), third_parties, NONE, REFUSE, pages=2)
    found = evaluate(visited(playwright_engine, plan), read_policy(RULES), plan.own)

    assert {(one.what.value, one.name) for one in violations(found)} == {("cookie", "js_visits")}


@pytest.mark.load
def test_the_proxys_own_addresses_are_read_from_its_banner(
    playwright_engine, origin, third_parties, tmp_path
):
    proxy = Running(tmp_path, origin, rules=RULES, extra="consent: { path: /privacy/ }\n")
    try:
        seen = visited(playwright_engine, plan_for(proxy.port, third_parties, NONE, pages=8))
    finally:
        proxy.stop()

    assert seen.states[0].behind
    pages = {one.address.removeprefix("https://callkom.io") for one in seen.states[0].pages}
    assert pages >= set(PAGES)
    assert not any(page.startswith("/privacy/") for page in pages)
