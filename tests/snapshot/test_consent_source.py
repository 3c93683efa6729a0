"""The consent tool of the config, as decisions read it and as the rules let it run."""

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.policy.scope import Pair, scope_of
from proxy.snapshot.consent_source import source_of, with_running_tool
from proxy.snapshot.sites import build_sites
from tests.support.proxying import RULES, config_text

POLICY = load_policy(RULES + "use: [cookiebot, klaro]\n", catalogue=shipped_catalogue())
COVERS = "covers: { since: 2026-11-01, providers: google }"


def config(source: str):
    return load_config(config_text("http://127.0.0.1:1", more=f"consent: {{ source: {source} }}"))


def actions(policy, id_):
    return {tag.do.value for tag in policy.provider(id_).tags}


def test_without_a_source_there_is_none_and_the_rules_stay_as_they_are():
    plain = load_config(config_text("http://127.0.0.1:1"))

    assert source_of(plain, scope_of(POLICY)) is None
    assert with_running_tool(POLICY, plain) is POLICY


def test_a_source_covers_the_pairs_of_the_providers_that_its_banner_names():
    told = config(f"{{ tool: klaro, cookie: choice, purposes: {{ matomo: performance }}, {COVERS} }}")
    source = source_of(told, scope_of(POLICY))

    assert source.covered == {Pair("performance", "google")}
    assert source.cookies == ("choice",)
    assert source.since == 1_793_491_200  # 2026-11-01
    assert not source.takes_over


def test_the_tool_that_asks_runs_though_its_block_says_never_and_no_other_does():
    policy = with_running_tool(POLICY, config("{ tool: cookiebot, purposes: { statistics: performance } }"))

    assert actions(policy, "cookiebot") == {"keep"}
    assert actions(policy, "klaro") == {"never"}


def test_a_tool_whose_answers_are_taken_over_does_not_run():
    told = config("{ tool: cookiebot, purposes: { statistics: performance }, take_over: yes }")

    assert actions(with_running_tool(POLICY, told), "cookiebot") == {"never"}


def test_pages_made_for_another_source_have_another_name():
    tags = {
        build_sites(config(source), Policies.given(POLICY), (b"k" * 32,))
        .all[0]
        .variant(frozenset(), secure=True)
        .tag
        for source in (
            "{ tool: cookiebot, purposes: { statistics: performance } }",
            "{ tool: cookiebot, purposes: { statistics: performance }, take_over: yes }",
            "{ tool: cookiebot, purposes: { marketing: performance } }",
        )
    }

    assert len(tags) == 3
