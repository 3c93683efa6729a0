import gzip
import re

import pytest

from proxy.banner.provider_signals import signals, stand_ins, stubs
from proxy.policy.scope import scope_of
from proxy.policy.stand_ins import STAND_INS
from tests.banner.rendering import POLICY
from tests.policy.rules import policy_of
from tests.shared import ROOT

SCOPE = scope_of(POLICY)
NOTHING = frozenset()


def granted(*purposes):
    return SCOPE.granted(purposes)


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
        ('"_hsq"', "performance"),
        ('"__gtagTracker"', "performance"),
        ('"appInsights"', "performance"),
        ('"HubSpotConversations"', "performance"),
        ('"Calendly"', "functional"),
        ('"hbspt"', "functional"),
    ],
)
def test_a_stand_in_is_there_exactly_while_its_provider_is_refused(name, needs):
    other = {"functional": "performance", "performance": "functional"}[needs]

    assert name in stand_ins(POLICY, NOTHING)
    assert name in stand_ins(POLICY, granted(other))
    assert name not in stand_ins(POLICY, granted(needs))


def test_the_shipped_rules_stand_ins_weigh_less_than_2_kB_and_all_there_are_less_than_2_5():
    assert len(gzip.compress(stand_ins(POLICY, NOTHING).encode(), 9)) <= 2000
    assert len(gzip.compress(stubs(list(STAND_INS)).encode(), 9)) <= 2500


def test_a_rule_brings_the_stand_in_it_names_while_it_is_refused():
    policy = policy_of(tags="- { text: acme.load, purpose: performance, stand_in: hotjar }")

    assert '["hj"]' in stand_ins(policy, NOTHING)
    assert stand_ins(policy, scope_of(policy).granted(["performance"])) == ""


def test_a_rule_brings_its_own_table_and_its_hosts_scripts_count_as_loaded():
    policy = policy_of(
        tags="- { from: [acme.example, 'track*.acme.example'], purpose: performance,"
        " stand_in: { acme.get: nothing, acme.name: '</script>&', acme.ready: { calls_back: '{\"a\":1}' } } }"
    )
    code = stand_ins(policy, NOTHING)

    assert '"acme.get":[0],"acme.name":[0,"\\u003c/script\\u003e\\u0026"],"acme.ready":[1,{"a":1}]' in code
    assert '(["acme.example"],["acme"],' in code


def test_a_host_below_or_above_a_known_one_brings_its_stand_in():
    policy = policy_of(
        tags="- { from: [static.hotjar.com, sentry-cdn.com, facebook.net], purpose: performance }"
    )

    assert '["FB","Sentry"],["fbq","_fbq","hj"]' in stand_ins(policy, NOTHING)


def test_pages_without_such_providers_carry_nothing():
    policy = policy_of(tags="- { from: other.example, purpose: performance }")

    assert signals(policy, NOTHING) + stand_ins(policy, NOTHING) == ""


def test_every_part_of_the_stand_ins_ends():
    text = (ROOT / "proxy" / "banner" / "stubs.js").read_text(encoding="utf-8")

    assert len(re.findall(r"^// for ", text, re.MULTILINE)) == len(re.findall(r"^// end", text, re.MULTILINE))
