"""The demo's rules are the shipped ones and a player; the shipped ones know no `social`."""

from pathlib import Path

import pytest

from proxy.demo.rules import demo_rules
from proxy.filter.examples import Bench, run_examples
from proxy.policy.load import load_policy
from proxy.policy.model import Example

SHIPPED = (Path(__file__).resolve().parents[2] / "rules.yaml").read_text()


def test_the_demo_asks_about_social_and_the_shipped_rules_do_not():
    assert load_policy(SHIPPED).purpose("social") is None
    assert load_policy(demo_rules(SHIPPED)).purpose("social") is not None


def test_every_test_of_the_rules_still_holds_in_the_demo():
    assert run_examples(load_policy(demo_rules(SHIPPED))) == ()


def test_the_player_is_replaced_until_social_is_granted():
    policy = load_policy(demo_rules(SHIPPED))
    player = Example(
        "", "html", '<iframe src="https://www.youtube-nocookie.com/embed/x"></iframe>', None, (), policy.place
    )
    bench = Bench(policy)

    assert [bench.outcome(player, visitor).words for visitor in ("refused", "functional", "social")] == [
        "replace",
        "replace",
        "keep",
    ]


def test_rules_that_lost_the_lines_it_builds_on_are_said_so():
    with pytest.raises(ValueError, match="not one"):
        demo_rules(SHIPPED.replace("\nproviders:\n", "\nprovider:\n"))
