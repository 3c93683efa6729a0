"""Rules and config are read together: whole, for the hosts that are configured, or not at all."""

import pickle
import sys
from io import BytesIO, TextIOWrapper

import pytest

from proxy.config.loading import load_config
from proxy.errors import ConfigError, PolicyError, RulesTestsError
from proxy.policy.load import load_policy
from proxy.process.read_files import for_configured_hosts, main, read_files, read_policy
from proxy.process.rules_tests import RulesTests
from tests.process.test_rules_tests import FAILING, LINE
from tests.support.proxying import RULES, config_text


@pytest.fixture
def files(tmp_path):
    def write(rules: str = RULES, config: str = config_text("http://127.0.0.1:1")):
        (tmp_path / "config.yaml").write_text(config)
        (tmp_path / "rules.yaml").write_text(rules)
        return tmp_path / "config.yaml", tmp_path / "rules.yaml"

    return write


def test_both_are_read_with_the_catalogue_and_nothing_to_doubt(files):
    config, policies, languages, doubt = read_files(*files())

    assert (config.sites[0].hosts[0], policies.versions, doubt) == ("callkom.io", "2026-11-01", "")
    assert policies.all[0].catalogue.platforms
    assert "fr" in languages.all


def test_faulty_files_are_refused_each_by_whose_fault_it_is(files):
    with pytest.raises(ConfigError):
        read_files(*files(config="listen: x\n"))
    with pytest.raises(PolicyError):
        read_files(*files(rules=RULES.replace("6 months", "6 monts")))


def test_rules_whose_own_tests_fail_are_refused_unless_a_warning_is_enough(files):
    with pytest.raises(RulesTestsError) as error:
        read_files(*files(rules=FAILING))
    _, policies, _, doubt = read_files(*files(rules=FAILING), RulesTests.WARN)

    assert [problem.place.line for problem in error.value.problems] == [LINE]
    assert policies.versions == "2026-11-01"
    assert f"rules.yaml:{LINE}" in doubt


def test_a_rules_file_that_cannot_be_read_is_told_with_the_way_out(tmp_path):
    (tmp_path / "latin.yaml").write_bytes(b"policy: caf\xe9")

    with pytest.raises(PolicyError, match=r"latin.yaml:1:1: is not UTF-8 \(byte 11\); save it as UTF-8"):
        read_policy(tmp_path / "latin.yaml")
    with pytest.raises(
        PolicyError, match=r"gone.yaml:1:1: cannot be read \(No such file or directory\); name another"
    ):
        read_policy(tmp_path / "gone.yaml")


def test_a_copy_stands_for_the_published_domain_where_the_config_says_so():
    policy = load_policy(RULES)
    same = load_config(config_text("http://127.0.0.1:1"))
    staging = load_config(
        config_text("http://127.0.0.1:1", more="consent: { stands_for: callkom.io }").replace(
            "[callkom.io, app.callkom.io]", "[staging.example, app.staging.example]"
        )
    )

    assert for_configured_hosts(policy, same) is policy
    rows = [
        row.domains
        for provider in for_configured_hosts(policy, staging).providers
        for row in provider.cookies
    ]
    assert (".staging.example",) in rows
    assert not any("callkom.io" in domain for domains in rows for domain in domains)


@pytest.mark.parametrize("rules", [RULES, "policy: ["])
def test_as_a_process_it_writes_what_it_read_or_what_is_wrong(files, monkeypatch, rules):
    out = TextIOWrapper(BytesIO())
    monkeypatch.setattr(sys, "stdout", out)
    main([*map(str, files(rules=rules)), "refuse"])
    found = pickle.loads(out.buffer.getvalue())

    if rules == RULES:
        assert (found[0].sites[0].hosts[0], found[3]) == ("callkom.io", "")
    else:
        assert isinstance(found, PolicyError)
        assert found.problems


OTHER = "  - { hosts: example.fr, upstream: 'http://127.0.0.1:1', rules: fr.yaml }"


def test_a_site_has_rules_of_its_own_where_it_names_a_file(files, tmp_path):
    (tmp_path / "fr.yaml").write_text(RULES.replace("2026-11-01", "2027-01-01"))
    config, policies, _, _ = read_files(*files(config=config_text("http://127.0.0.1:1", more=OTHER)))

    versions = [policies.of(site).version for site in config.sites]
    assert versions == ["2026-11-01", "2027-01-01"]
    assert policies.of(config.sites[1]).providers[0].place.file == "fr.yaml"


def test_the_faults_of_all_files_are_told_together_each_with_its_file(files, tmp_path):
    (tmp_path / "fr.yaml").write_text(RULES.replace("6 months", "6 monts"))
    more = OTHER + "\n" + OTHER.replace("fr", "de") + "\n" + OTHER.replace("fr", "it")
    (tmp_path / "it.yaml").write_text(FAILING)

    with pytest.raises(PolicyError) as error:
        read_files(
            *files(RULES.replace("13 months", "13 monts"), config_text("http://127.0.0.1:1", more=more))
        )
    told = "\n".join(map(str, error.value.problems))
    assert "rules.yaml:21:75:" in told
    assert "fr.yaml:7:" in told
    assert "de.yaml:1:1: cannot be read (No such file or directory); name another under `rules:`" in told
    assert f"it.yaml:{LINE}:" in told


def test_tests_that_fail_in_any_of_the_files_refuse_them_all(files, tmp_path):
    (tmp_path / "fr.yaml").write_text(FAILING)

    with pytest.raises(RulesTestsError) as error:
        read_files(*files(config=config_text("http://127.0.0.1:1", more=OTHER)))
    assert [problem.place.file for problem in error.value.problems] == ["fr.yaml"]
