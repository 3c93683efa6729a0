"""The demo's rules are the shipped ones and a player; the shipped ones know no `social`."""

from pathlib import Path

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.demo.rules import demo_rules
from proxy.filter.inline_tests import RuleTester, run_examples
from proxy.policy.actions import Action
from proxy.policy.load import load_policy
from proxy.policy.model import Example

SHIPPED = (Path(__file__).resolve().parents[2] / "rules.yaml").read_text()


def test_the_demo_asks_about_social_and_the_shipped_rules_do_not():
    assert load_policy(SHIPPED).purpose("social") is None
    assert load_policy(demo_rules(SHIPPED), catalogue=shipped_catalogue()).purpose("social") is not None


def test_every_test_of_the_rules_still_holds_in_the_demo():
    assert run_examples(load_policy(demo_rules(SHIPPED), catalogue=shipped_catalogue())) == ()


def test_the_player_is_replaced_until_social_is_granted():
    policy = load_policy(demo_rules(SHIPPED), catalogue=shipped_catalogue())
    player = Example(
        "", "html", '<iframe src="https://www.youtube-nocookie.com/embed/x"></iframe>', None, (), policy.place
    )
    bench = RuleTester(policy)

    assert [bench.outcome(player, visitor).words for visitor in ("refused", "functional", "social")] == [
        "replace",
        "replace",
        "keep",
    ]


def test_rules_that_lost_the_lines_it_builds_on_are_said_so():
    with pytest.raises(ValueError, match="not one"):
        demo_rules(SHIPPED.replace("\nproviders:\n", "\nprovider:\n"))


def test_the_demo_relays_hubspots_forms_and_the_shipped_rules_do_not():
    assert load_policy(SHIPPED).provider("hubspot").relay is None
    relayed = load_policy(demo_rules(SHIPPED), catalogue=shipped_catalogue()).provider("hubspot")

    assert relayed.relay.hosts == ("js-eu1.hsforms.net", "forms-eu1.hsforms.com")
    assert relayed.relay.pass_on == ()
    assert sum(rule.do is Action.RELAY for rule in relayed.tags) == 2


def test_rules_without_the_commented_relay_are_said_so():
    with pytest.raises(ValueError, match="relay"):
        demo_rules(SHIPPED.replace("    # relay:\n", ""))
