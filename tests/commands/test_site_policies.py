"""Commands that are given a config take the rules of its sites, or end with every problem."""

import pytest
import typer

from proxy.commands.site_policies import read_policies, read_settings, site_with
from tests.support.proxying import RULES, config_text

MORE = "  - { hosts: example.fr, upstream: 'http://127.0.0.1:1', rules: fr.yaml }"


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(config_text("http://127.0.0.1:1", more=MORE))
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "fr.yaml").write_text(RULES.replace("2026-11-01", "2027-01-01"))
    return path


def test_each_site_has_its_rules(config):
    settings = read_settings(config)
    policies = read_policies(settings, config.parent / "rules.yaml")

    versions = [policies.of(site_with(settings, host)).version for host in ("app.callkom.io", "example.fr")]
    assert versions == ["2026-11-01", "2027-01-01"]


def test_what_is_wrong_is_printed_and_ends_with_the_status_of_its_kind(config, capsys):
    settings, folder = read_settings(config), config.parent
    (folder / "fr.yaml").write_text(RULES.replace("6 months", "6 monts"))
    (folder / "bad.yaml").write_text("listen: x\n")

    for call, status in (
        (lambda: read_policies(settings, folder / "rules.yaml"), 1),
        (lambda: read_policies(settings, folder / "gone.yaml"), 2),
        (lambda: read_settings(folder / "bad.yaml"), 1),
        (lambda: site_with(settings, "no.example"), 2),
    ):
        with pytest.raises(typer.Exit) as ended:
            call()
        assert ended.value.exit_code == status
    told = capsys.readouterr().err
    for words in (
        "fr.yaml:7:",
        "there is no rules file at",
        "bad.yaml:1:",
        "no site of the config has the host",
    ):
        assert words in told
