"""Which rules are in use, and which site has which."""

from pathlib import Path

from proxy.config.loading import load_config
from proxy.config.policies import Policies, rules_files
from proxy.policy.load import load_policy
from tests.support.proxying import RULES


def config_of(*rules: str):
    lines = "".join(
        f"  - {{ hosts: h{number}.example, upstream: 'http://127.0.0.1:1'{rule} }}\n"
        for number, rule in enumerate(rules)
    )
    return load_config(f"listen: 127.0.0.1:8080\nsites:\n{lines}", folder=Path("/etc/proxy"))


def test_a_site_has_the_rules_that_it_names_or_those_of_the_program():
    config = config_of("", ", rules: other.yaml")
    given, other = load_policy(RULES), load_policy(RULES, "other.yaml")
    policies = Policies({None: given, Path("other.yaml"): other})

    assert [policies.of(site) for site in config.sites] == [given, other]
    assert policies.all == (given, other)


def test_each_file_in_use_is_listed_with_what_it_is_called():
    files = rules_files(config_of("", ", rules: fr/other.yaml"), Path("/srv/rules.yaml"))

    assert files == {
        None: (Path("/srv/rules.yaml"), "rules.yaml"),
        Path("fr/other.yaml"): (Path("/etc/proxy/fr/other.yaml"), "fr/other.yaml"),
    }


def test_a_file_of_the_same_name_in_another_folder_is_called_by_its_path():
    files = rules_files(config_of("", ", rules: rules.yaml"), Path("/srv/rules.yaml"))

    assert [file.label for file in files.values()] == ["rules.yaml", "/etc/proxy/rules.yaml"]


def test_a_site_that_names_the_file_of_the_program_has_the_same_rules():
    files = rules_files(config_of("", ", rules: ../proxy/rules.yaml"), Path("/etc/proxy/rules.yaml"))

    assert len(set(files.values())) == 1


def test_rules_of_the_program_that_no_site_has_are_not_in_use():
    assert list(rules_files(config_of(", rules: a.yaml"), Path("/srv/rules.yaml"))) == [Path("a.yaml")]


def test_what_is_changed_stays_shared_where_it_was_shared():
    policy = load_policy(RULES)
    policies = Policies({None: policy, Path("same.yaml"): policy}).each(
        lambda one: load_policy(one.text, "again.yaml")
    )

    [changed] = policies.all
    assert changed.place.file == "again.yaml"
