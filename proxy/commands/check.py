"""`consent-proxy check`: rules, their tests, the config and the languages, all faults at once."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from proxy.banner.missing_words import word_problems
from proxy.banner.words import DEFAULT
from proxy.commands.terminal import err, fail, out, print_json, print_problems, read_policy, read_text
from proxy.config.loading import read_config
from proxy.config.policies import Policies, RulesFile, rules_files
from proxy.config.types import Config
from proxy.errors import FaultsError
from proxy.filter.inline_tests import run_examples, untested
from proxy.package_files import bundled
from proxy.policy.changes import asked_again, runs_without_consent
from proxy.policy.lint import left_to_do, lint, unfounded
from proxy.policy.model import Policy
from proxy.problems import Problem
from proxy.process.config_findings import located
from proxy.process.preflight_checks import start_problems
from proxy.process.read_files import read_policy as read_policy_file
from proxy.process.site_checks import (
    blind_shares,
    hosts_without_a_shared_answer,
    names_under_one_answer,
    uncovered_hosts,
    unserved_hosts,
)
from proxy.process.source_checks import source_problems
from proxy.process.tools_on_pages import tools_on_pages

FAULTS, WARNINGS = 1, 3
BETWEEN_LOOKS = 0.3
"""Seconds between two looks at the files with --watch."""


def check(
    rules: Annotated[Path | None, typer.Argument(help="rules.yaml (default: the shipped one).")] = None,
    config: Annotated[Path | None, typer.Option("--config", "-c", help="Check this config file too.")] = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    against: Annotated[
        Path | None, typer.Option("--against", help="Rules in force: say who is asked again, and why.")
    ] = None,
    connect: Annotated[
        bool, typer.Option("--connect", help="With --config: also try its upstreams and its PostgreSQL.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Check again whenever a file changes.")] = False,
) -> None:
    """Check rules.yaml (and a config): exit 0 fine, 1 faults, 3 warnings only."""
    if connect and config is None:
        fail("--connect tries what a config names: add --config FILE", 2)
    once = partial(_check, rules, config, against, connect=connect)
    if watch:
        _keep_watching([rules or bundled("rules.yaml"), *filter(None, (config, against))], config, once)
    raise typer.Exit(once(as_json=as_json))


def _check(
    rules: Path | None,
    config: Path | None,
    against: Path | None,
    *,
    connect: bool = False,
    as_json: bool = False,
) -> int:
    """Print all that is wrong or doubtful, and return the exit status."""
    given = rules or bundled("rules.yaml")
    settings, problems = _settings(config)
    files = rules_files(settings, given) if settings is not None else {}
    if rules is not None or not files:
        files = {None: RulesFile(given, given.name), **files}
    policies, found = _all_rules(files)
    problems += found
    if against is not None and None in policies.by_file:
        problems += _against(against, policies.by_file[None])
    works: list[str] = []
    if config is not None and settings is not None:
        problems += _config(config, settings, policies if policies.by_file.keys() == files.keys() else None)
        if connect:
            found, works = _connections(config, settings)
            problems += found
    for policy in policies.all:
        problems += _words(policy, settings)
    problems = list(dict.fromkeys(problems))
    problems.sort(key=lambda problem: (problem.warning, problem.place))
    faults = sum(not problem.warning for problem in problems)
    if as_json:
        print_json([_row(problem) for problem in problems])
    else:
        for words in works:
            out.print(words)
        print_problems(tuple(problems))
        _say_sum(policies, faults, len(problems) - faults)
    return FAULTS if faults else WARNINGS if problems else 0


def _keep_watching(paths: list[Path], config: Path | None, once: Callable[[], int]) -> NoReturn:
    """Check now and after each change of these files, until somebody stops it."""
    before = None
    while True:
        named = (
            [file.path for file in rules_files(found, paths[0]).values()]
            if (found := _readable(config))
            else []
        )
        now = [path.stat().st_mtime_ns if path.exists() else 0 for path in (*paths, *named)]
        if now != before:
            before = now
            with contextlib.suppress(typer.Exit):
                once()
            err.print("--- watching; stop with Ctrl+C", style="dim")
        time.sleep(BETWEEN_LOOKS)


def _readable(config: Path | None) -> Config | None:
    """Return the config in a file, if it can be read."""
    try:
        return read_config(config) if config is not None else None
    except FaultsError:
        return None


def _settings(path: Path | None) -> tuple[Config | None, list[Problem]]:
    """Return the config, if one is given that can be read, and what is wrong with it."""
    if path is None:
        return None, []
    read_text(path, "config file")
    try:
        return read_config(path), []
    except FaultsError as error:
        return None, list(error.problems)


def _all_rules(files: Mapping[Path | None, RulesFile]) -> tuple[Policies, list[Problem]]:
    """Return the policies that can be read, and all that is wrong or doubtful about all of them."""
    read: dict[RulesFile, Policy | None] = {}
    problems: list[Problem] = []
    for name, file in files.items():
        if file in read:
            continue
        if name is None:
            read_text(file.path, "rules file")
        read[file], found = _rules(file, given=name is None)
        problems += found
    policies = {name: policy for name, file in files.items() if (policy := read[file]) is not None}
    return Policies(policies), problems


def _rules(file: RulesFile, *, given: bool) -> tuple[Policy | None, list[Problem]]:
    """Return the policy, if it can be read, and all that is wrong or doubtful about it."""
    try:
        policy = read_policy_file(file.path, None if given else file.label)
    except FaultsError as error:
        return None, list(error.problems)
    todo = left_to_do(file.path.read_text("utf-8-sig"), file.label)
    return policy, [*run_examples(policy), *unfounded(policy), *lint(policy), *untested(policy), *todo]


def _against(path: Path, policy: Policy) -> list[Problem]:
    """Return a warning for each reason to ask visitors again, and for what more runs without consent."""
    old = read_policy(path)
    found = [f"{path.name}: {words}" for words in asked_again(old, policy)]
    found += [
        f"without consent, unlike in {path.name}: {words}" for words in runs_without_consent(old, policy)
    ]
    return [Problem(policy.place, words, warning=True) for words in found]


def _words(policy: Policy, config: Config | None) -> tuple[Problem, ...]:
    """Return the words that a policy needs and a language lacks."""
    if config is None:
        return word_problems(policy, None, frozenset())
    spoken = frozenset({DEFAULT, config.language} if config.language else {DEFAULT})
    return word_problems(policy, config.file(config.languages) if config.languages else None, spoken)


def _config(path: Path, config: Config, policies: Policies | None) -> list[Problem]:
    """Return what keeps `serve` from starting, and what is doubtful; of the rules only where all are read."""
    problems = start_problems(config, path)
    if policies is not None:
        problems += [*unserved_hosts(policies, config), *uncovered_hosts(policies, config, path)]
        problems += names_under_one_answer(policies, config)
        problems += [*source_problems(policies, config, path), *tools_on_pages(policies, config, path)]
    problems += [*blind_shares(config, path), *hosts_without_a_shared_answer(config, path)]
    return problems


def _connections(path: Path, config: Config) -> tuple[list[Problem], list[str]]:
    """Try what the config connects to; return what fails, and what works in words."""
    from proxy.process.connection_checks import try_connections  # noqa: PLC0415 - brings the client with it

    tried = asyncio.run(try_connections(config))
    return located(tried.findings, path), tried.works


def _row(problem: Problem) -> dict[str, object]:
    place = problem.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "severity": "warning" if problem.warning else "fault",
        "text": problem.text,
    }


def _say_sum(policies: Policies, faults: int, warnings: int) -> None:
    if faults or warnings:
        counts = ((faults, "fault"), (warnings, "warning"))
        words = [f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n]
        err.print(" and ".join(words))
        return
    for policy in policies.all:
        _say_fine(policy)


def _say_fine(policy: Policy) -> None:
    tags = sum(len(provider.tags) for provider in policy.providers)
    rows = sum(len(provider.cookies) for provider in policy.providers)
    verdicts = sum(len(example.expect) for example in policy.examples)
    out.print(
        f"[green]{policy.place.file} is fine[/]: {len(policy.providers)} providers,"
        f" {rows} cookie rows, {tags} tag rules,"
        f" {len(policy.examples)} tests, {verdicts} expectations, all fulfilled."
    )
