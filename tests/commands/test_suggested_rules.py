"""What rules lack is printed for the end of their file, once for all sites that share it."""

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.commands.suggested_rules import say_suggestions
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.seen.discovery import discover
from proxy.seen.names import Kind
from proxy.seen.sightings import Key, Seen
from proxy.snapshot.sites import build_sites
from tests.support.proxying import RULES

NOW = 1_795_435_200
CONFIG = """
listen: 127.0.0.1:0
sites:
  - { hosts: [callkom.io], upstream: "http://127.0.0.1:1" }
  - { hosts: [app.callkom.io], upstream: "http://127.0.0.1:2" }
"""
HEAD = RULES.partition("\nproviders:")[0] + "\n"
FREE_OF_PROVIDERS = HEAD + "providers:\n  site: { name: Site }\n"


def printed(rules: str, capsys) -> str:
    """Return what is printed where both sites saw the same host and each a host of its own."""
    policy = load_policy(rules, catalogue=shipped_catalogue())
    sites = build_sites(load_config(CONFIG), Policies.given(policy), (b"k" * 32,), NOW).all
    names = {
        Key(site.name, Kind.HOST, host): Seen(NOW, NOW, 1, by_us=True, elements={"script"})
        for site in sites
        for host in ("both.example", f"{site.name.replace('.', '-')}.example", "static.hotjar.com")
    }
    found = [(one, discover(one.name, names, one.rules, one.cookies, now=NOW)) for one in sites]
    say_suggestions(found, lambda _: rules, as_json=False)
    return capsys.readouterr().out


@pytest.mark.parametrize("rules", [HEAD, FREE_OF_PROVIDERS])
def test_what_is_printed_of_several_sites_stands_at_the_end_of_their_file(rules, capsys):
    text = printed(rules, capsys)
    policy = load_policy(rules + text, catalogue=shipped_catalogue())
    hosts = sorted(
        host for one in policy.providers if one.id != "hotjar" for tag in one.tags for host in tag.hosts
    )

    assert text.startswith("# callkom.io, app.callkom.io: 4 blocks, for the end of rules.yaml\n")
    assert hosts == ["app-callkom-io.example", "both.example", "callkom-io.example"]


def test_what_belongs_further_up_is_said(capsys):
    text = printed(HEAD + "use: [google-analytics]\nproviders:\n  site: { name: Site }\n", capsys)

    assert "what stands below `use:` here belongs below the `use:` that is there already" in text
