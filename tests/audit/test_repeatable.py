"""A visit says the same each time, and how long it takes is printed."""

import time

import pytest

from proxy.audit.evaluation import evaluate
from proxy.audit.plan import ACCEPT, NONE, REFUSE, WITHDRAW
from proxy.commands.terminal import read_policy
from tests.audit.conftest import plan_for, visited
from tests.audit.planted_site import RULES

pytestmark = [pytest.mark.e2e, pytest.mark.load, pytest.mark.timeout(1500)]


def test_five_visits_find_the_same(playwright_engine, direct, third_parties, capsys):
    policy = read_policy(RULES)
    plan = plan_for(direct, third_parties, NONE, REFUSE, ACCEPT, WITHDRAW)
    found = []
    for _ in range(5):
        begin = time.monotonic()
        seen = evaluate(visited(playwright_engine, plan), policy, plan.own)
        with capsys.disabled():
            print(f"\n4 pages in 4 states: {time.monotonic() - begin:.0f} s, {len(seen.findings)} findings")
        found.append(
            {
                (one.key, tuple(one.states), tuple(sorted({s.side for s in one.sights})))
                for one in seen.findings
            }
        )

    assert len(found[0]) > 60
    assert found == [found[0]] * 5
