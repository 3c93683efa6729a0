"""Each action of `do:` leads to one verdict, and that is what the filter does with a tag."""

import pytest

from proxy.filter.rules.judge import VERDICTS, compile_rules, judge_for
from proxy.filter.verdict import Does
from proxy.policy.actions import Action
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.filter.pages import passed
from tests.policy.rules import policy_of

RELAY = "relay:\n- { path: /embed/*, to: acme.example }"


@pytest.mark.parametrize(
    ("action", "does"),
    [(Action.HOLD, Does.HOLD), (Action.REPLACE, Does.REPLACE), (Action.REMOVE, Does.REMOVE), (Action.KEEP, Does.KEEP), (Action.RELAY, Does.REPLACE)],
)  # fmt: skip
def test_an_action_leads_to_its_verdict(action, does):
    assert VERDICTS[action] is does


def test_there_is_a_verdict_for_every_action():
    assert VERDICTS.keys() == set(Action)


@pytest.mark.parametrize("action", [one for one in Action if one is not Action.RELAY])
def test_a_rule_does_what_its_word_says_until_it_is_granted(action):
    policy = policy_of(
        tags=f"- {{ from: acme.example, element: iframe, purpose: performance, do: {action.value} }}"
    )
    rules = compile_rules(policy, OwnHosts(frozenset({"own.example"})))
    page = b'<p><iframe src="https://acme.example/"></iframe>'
    out, run = passed(page, judged=judge_for(rules, frozenset()))
    granted, _ = passed(page, judged=judge_for(rules, scope_of(policy).pairs))

    assert [verdict.does for verdict in run.verdicts] == [
        one for one in [VERDICTS[action]] if one is not Does.KEEP
    ]
    assert (out == page) is (action is Action.KEEP)
    assert (b"<iframe" in out) is (action is not Action.REMOVE)
    assert granted == page
