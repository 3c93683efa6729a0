"""Which elements that come later may want an offer, as selectors of the rules."""

import pytest

from proxy.banner.box_selectors import box_selector, loader_selector
from tests.policy.rules import policy_of

HELD = ["[data-consent][hidden]"]
RULES = {
    "{ class: fb-post, purpose: functional, do: replace }": [".fb-post"],
    "{ class: '2col', purpose: functional, do: replace }": ["[class~='2col']"],
    "{ class: 'fb-*', element: div, purpose: functional, do: replace }": ["div[class*='fb-']"],
    "{ id: map, purpose: functional, do: replace }": ["[id='map']"],
    "{ attribute: data-widget, purpose: functional, do: replace }": [
        "[data-widget]",
        "[data-consent-data-widget]",
    ],
    "{ element: lite-player, purpose: functional, do: replace }": ["lite-player"],
    "{ element: [iframe, div], from: 'meet*.x.com', purpose: functional, do: replace }": [
        "div:is([data-href*='.x.com'],[data-src*='.x.com'],[data-url*='.x.com'])",
        "div:is([data-consent-data-href*='.x.com'],[data-consent-data-src*='.x.com'],[data-consent-data-url*='.x.com'])",
    ],
    "{ element: iframe, from: x.com, purpose: functional, do: replace }": [],
    "{ attribute: { onclick: '*Book*' }, purpose: functional, do: replace }": [],
    "{ text: book.create, purpose: functional, do: replace }": [],
    "{ class: held, purpose: functional }": [],
}


@pytest.mark.parametrize("rule", RULES)
def test_each_rule_that_replaces_names_its_boxes_as_written_and_as_held(rule):
    assert box_selector(policy_of(tags=f"- {rule}")) == ",".join(RULES[rule] + HELD)


def test_what_may_come_is_known_by_the_scripts_held_for_the_same_purposes():
    rules = "- { class: a-box, purpose: functional, do: replace }\n- { class: b-box, purpose: [functional, performance], do: replace }"

    assert (
        loader_selector(policy_of(tags=rules))
        == "script[data-consent='functional'],script[data-consent='functional performance']"
    )
