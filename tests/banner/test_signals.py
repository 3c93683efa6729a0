import gzip
import re

import pytest

from proxy.banner.assets import source
from proxy.banner.signals import SWALLOWED, signals, stand_ins, stubs
from proxy.policy.scope import scope_of
from tests.banner.pages import POLICY
from tests.policy.rules import policy_of

SCOPE = scope_of(POLICY)
NOTHING = frozenset()


def granted(*purposes):
    return SCOPE.granted(purposes)


def test_consent_mode_is_denied_first_in_every_state():
    """M1: `default` with four denied precedes any Google tag, and `update` follows what was agreed."""
    for grants in (NOTHING, granted("functional"), granted("performance"), SCOPE.pairs):
        code = signals(POLICY, grants)
        default = re.search(r'gtag\("consent","default",\{([^}]*)\}\)', code)

        assert set(default[1].split(",")) == {
            f'{name}:"denied"'
            for name in ("ad_storage", "ad_user_data", "ad_personalization", "analytics_storage")
        }
        update = code.find(
            'gtag("consent","update",{ad_storage:"denied",ad_user_data:"denied",'
            'ad_personalization:"denied",analytics_storage:"granted"})'
        )
        assert (update > default.start()) == (grants >= granted("performance"))


def test_the_queue_of_the_tag_manager_knows_the_purposes_before_its_container():
    assert 'dataLayer.push({callkom_consent:""})' in signals(POLICY, NOTHING)
    assert 'dataLayer.push({callkom_consent:"functional performance"})' in signals(POLICY, SCOPE.pairs)


def test_advertising_is_never_granted():
    assert 'ad_storage:"granted"' not in signals(POLICY, SCOPE.pairs)
    assert "advertisement:true" not in signals(POLICY, SCOPE.pairs)


def test_hubspot_is_told_on_every_page_it_runs_on():
    assert 'setHubSpotConsent",{analytics:true,advertisement:false,functionality:true}' in signals(
        POLICY, SCOPE.pairs
    )
    assert 'setHubSpotConsent",{analytics:true,advertisement:false,functionality:false}' in signals(
        POLICY, granted("performance")
    )
    assert "disableHubSpotCookieBanner=true" in signals(POLICY, granted("performance"))
    assert "setHubSpotConsent" not in signals(POLICY, granted("functional"))


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("_hsq", "performance"),
        ('"__gtagTracker"', "performance"),
        ('"appInsights"', "performance"),
        ('"HubSpotConversations"', "performance"),
        ("Calendly", "functional"),
        ('"hbspt"', "functional"),
    ],
)
def test_a_stand_in_is_there_exactly_while_its_provider_is_refused(name, needs):
    other = {"functional": "performance", "performance": "functional"}[needs]

    assert name in stand_ins(POLICY, NOTHING)
    assert name in stand_ins(POLICY, granted(other))
    assert name not in stand_ins(POLICY, granted(needs))


def test_all_stand_ins_together_weigh_less_than_a_kilobyte():
    everything = stubs(frozenset({*SWALLOWED, "hs-scripts.com", "googletagmanager.com", "calendly.com"}))

    assert len(gzip.compress(everything.encode(), 9)) <= 1000


def test_pages_without_such_providers_carry_nothing():
    policy = policy_of(tags="- { from: other.example, purpose: performance }")

    assert signals(policy, NOTHING) + stand_ins(policy, NOTHING) == ""


def test_every_part_of_the_stand_ins_ends():
    text = source("stubs.js")

    assert len(re.findall(r"^// for ", text, re.MULTILINE)) == len(re.findall(r"^// end", text, re.MULTILINE))
