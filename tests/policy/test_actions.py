"""Each action of `do:` leads to one verdict, and that is what the filter does with a tag."""

import pytest

from proxy.errors import PolicyError
from proxy.filter.headers.fence import fence
from proxy.filter.rules.judge import VERDICTS, compile_rules, judge_for
from proxy.filter.verdict import Does
from proxy.policy.actions import Action
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair, scope_of
from tests.filter.pages import passed
from tests.policy.rules import policy_of

RELAY = "relay:\n- { path: /embed/*, to: acme.example }"


@pytest.mark.parametrize(
    ("action", "does"),
    [(Action.HOLD, Does.HOLD), (Action.REPLACE, Does.REPLACE), (Action.REMOVE, Does.REMOVE), (Action.KEEP, Does.KEEP), (Action.RELAY, Does.REPLACE), (Action.NEVER, Does.HOLD)],
)  # fmt: skip
def test_an_action_leads_to_its_verdict(action, does):
    assert VERDICTS[action] is does


def test_there_is_a_verdict_for_every_action():
    assert VERDICTS.keys() == set(Action)


def test_what_never_runs_is_held_whatever_was_granted_and_its_host_stays_shut():
    policy = policy_of(
        tags="- { from: acme.example, purpose: necessary, do: never }\n"
        "- { from: self, path: '*/banner*.js*', purpose: necessary, do: never }"
    )
    rules = compile_rules(policy, OwnHosts(frozenset({"own.example"})))
    page = (
        b'<script src="https://acme.example/a.js"></script><script src="/static/banner.min.js?v=1"></script>'
        b'<script src="/static/app.js"></script>'
    )
    for grants in (frozenset(), frozenset({Pair("performance", "acme")})):
        out, run = passed(page, judged=judge_for(rules, grants))

        assert [verdict.does for verdict in run.verdicts] == [Does.HOLD, Does.HOLD]
        assert out.count(b'type="text/plain"') == 2
        assert b"acme.example" not in fence(policy, OwnHosts(frozenset({"own.example"})), grants)
    assert scope_of(policy).pairs == frozenset()


def test_what_never_runs_asks_for_no_purpose():
    with pytest.raises(PolicyError, match="says 'do: never', which nobody is asked about"):
        policy_of(tags="- { from: acme.example, purpose: performance, do: never }")


@pytest.mark.parametrize("action", [one for one in Action if one not in (Action.RELAY, Action.NEVER)])
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
    assert (b"<iframe" in out or b"<noembed" in out) is (action is not Action.REMOVE)
    assert granted == page
