"""Loads rules, config and languages, also as a subprocess that pickles them to standard output."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

from proxy.banner.word_files import load_languages
from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.consent_domain import consent_domain
from proxy.config.loading import read_config
from proxy.config.policies import Policies, RulesFile, rules_files
from proxy.config.types import Config
from proxy.errors import ConfigError, FaultsError, PolicyError, ProxyError, RulesTestsError
from proxy.policy.load import load_policy
from proxy.policy.model import Policy
from proxy.policy.rehome import rehome
from proxy.problems import Place, Problem
from proxy.process.config_findings import located
from proxy.process.loaded_files import LoadedFiles, files_named
from proxy.process.rules_tests import RulesTests, doubt_of, failed_tests
from proxy.process.source_checks import source_faults
from proxy.process.word_checks import word_findings
from proxy.snapshot.consent_source import with_running_tool


def read_files(config_path: Path, rules_path: Path, tests: RulesTests = RulesTests.REFUSE) -> LoadedFiles:
    """Return what is served from; raises ConfigError or PolicyError with every problem."""
    config = read_config(config_path)
    try:
        return _read_beside(config, config_path, rules_path, tests)
    except FaultsError as error:
        error.files = files_named(config, rules_path)
        raise


def _read_beside(config: Config, config_path: Path, rules_path: Path, tests: RulesTests) -> LoadedFiles:
    read = read_policies(config, rules_path)
    failed = tuple(problem for policy in read.all for problem in failed_tests(policy))
    if failed and tests is RulesTests.REFUSE:
        raise RulesTestsError(failed)
    if faults := source_faults(read, config, config_path):
        raise ConfigError(sorted(faults))
    if words := [one for one in located(word_findings(config), config_path) if not one.warning]:
        raise ConfigError(words)
    folder = config.file(config.languages) if config.languages else None
    languages = load_languages(folder, configured=config.language)
    return LoadedFiles(config, on_configured_hosts(read, config), languages, doubt_of(failed))


def read_policies(config: Config, given: Path) -> Policies:
    """Return the policies of all sites; raises PolicyError with the problems of all files together."""
    policies: dict[Path | None, Policy] = {}
    read: dict[RulesFile, Policy] = {}
    problems: list[Problem] = []
    for name, file in rules_files(config, given).items():
        try:
            if file not in read:
                read[file] = read_policy(file.path, None if file.path == given else file.label)
            policies[name] = read[file]
        except PolicyError as error:
            problems += error.problems
    if problems:
        tests = (problem for policy in read.values() for problem in failed_tests(policy))
        raise PolicyError([*problems, *tests])
    return Policies(policies)


def read_policy(path: Path, label: str | None = None) -> Policy:
    """Return the policy in a rules file; `label` is what its places are called where a site names it."""
    way_out = "name another with --rules" if label is None else "name another under `rules:` of its site"
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        problem = Problem(
            Place(label or path.name, 1), f"is not UTF-8 (byte {error.start}); save it as UTF-8"
        )
        raise PolicyError([problem]) from None
    except OSError as error:
        problem = Problem(Place(str(path), 1), f"cannot be read ({error.strerror}); {way_out}")
        raise PolicyError([problem]) from error
    return load_policy(text, label or path.name, shipped_catalogue())


def on_configured_hosts(policies: Policies, config: Config) -> Policies:
    """Return the policies of all sites as they hold under this config."""
    return policies.each(lambda policy: for_configured_hosts(policy, config))


def for_configured_hosts(policy: Policy, config: Config) -> Policy:
    """Return the policy as it holds under this config.

    Its hosts are replaced by those of the config (`consent.stands_for`), and the consent tool that asks
    the visitors in our place runs (`consent.source`).
    """
    policy = with_running_tool(policy, config)
    here = consent_domain(config)
    if config.consent.stands_for is None or here is None:
        return policy
    return rehome(policy, config.consent.stands_for, here)


def main(arguments: list[str]) -> None:
    """Write the loaded files, or the error, as a pickle to standard output."""
    result: object
    try:
        config, rules, tests = arguments
        result = read_files(Path(config), Path(rules), RulesTests(tests))
    except ProxyError as error:
        result = error
    sys.stdout.buffer.write(pickle.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
