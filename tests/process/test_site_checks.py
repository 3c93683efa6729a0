"""What `check --config` doubts about the sites: hosts that no rule is for, domains that share no answer."""

from dataclasses import replace
from pathlib import Path

import pytest

from proxy.config.loading import read_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.process.site_checks import (
    hosts_without_a_shared_answer,
    names_under_one_answer,
    uncovered_hosts,
)
from tests.policy.rules import policy_of
from tests.support.proxying import RULES

BEGIN = "listen: 127.0.0.1:8080\nrecords: sqlite:///p.db\nsites:\n"


def config_with(folder, *sites: str):
    path = folder / "config.yaml"
    lines = (f"  - {{ hosts: [{hosts}], upstream: 'http://127.0.0.1:1' }}\n" for hosts in sites)
    path.write_text(BEGIN + "".join(lines))
    return read_config(path), path


def test_a_host_that_no_cookie_row_is_for_is_named_and_a_copy_to_try_is_not(tmp_path):
    config, path = config_with(tmp_path, "www.example.com, shop.example.fr, shop.localhost")
    row = "- { name: a, domain: .example.com, purpose: functional, lasts: Session, why: x }"

    (found,) = uncovered_hosts(Policies.given(policy_of(cookies=row)), config, path)
    assert str(found).startswith("config.yaml:4:32: no cookie row of rules.yaml is for 'shop.example.fr'")
    assert "add 'shop.example.fr' (or its parent, with a dot before it) to the rows' `domain`" in str(found)
    assert found.warning


def test_a_site_whose_hosts_are_of_two_domains_is_named_once_with_the_way_out(tmp_path):
    config, path = config_with(tmp_path, "example.com, www.example.com, example.fr, www.example.fr")

    (found,) = hosts_without_a_shared_answer(config, path)
    assert str(found).startswith("config.yaml:4:45: 'example.fr' is of another domain than 'example.com'")
    assert "make a site for each domain" in str(found)
    assert found.warning


@pytest.mark.parametrize(
    "sites",
    [
        ["example.com, www.example.com", "example.fr, www.example.fr"],
        ["example.com, www.example.com"],
        ["example.com, example.localhost"],
        ["example.localhost, example.com"],
        ["127.0.0.1, example.com"],
    ],
)
def test_sites_of_one_domain_each_and_copies_to_try_are_no_doubt(tmp_path, sites):
    assert hosts_without_a_shared_answer(*config_with(tmp_path, *sites)) == []


def test_one_id_for_two_providers_under_one_answer_is_named(tmp_path):
    (tmp_path / "config.yaml").write_text(
        BEGIN
        + "  - { hosts: [callkom.io], upstream: 'http://127.0.0.1:1' }\n"
        + "  - { hosts: [app.callkom.io], upstream: 'http://127.0.0.1:1', rules: app.yaml }\n"
    )
    config = read_config(tmp_path / "config.yaml")
    other = load_policy(RULES.replace("name: Google Analytics", "name: Google Ads"), "app.yaml")
    policies = Policies({None: load_policy(RULES), Path("app.yaml"): other})

    [found] = names_under_one_answer(policies, config)
    assert str(found).startswith(
        "app.yaml:18:3: 'google' is Google Ads here and Google Analytics in rules.yaml:18"
    )
    assert found.warning
    assert names_under_one_answer(Policies({None: other, Path("app.yaml"): other}), config) == []


def test_rules_without_any_provider_have_no_warning_for_each_host(tmp_path):
    config, path = config_with(tmp_path, "www.example.com, shop.example.fr")

    assert uncovered_hosts(Policies.given(replace(policy_of(), providers=())), config, path) == []
