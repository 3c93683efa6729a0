"""`consent-proxy check`: rules, their tests, the config and the languages, all faults at once."""

from __future__ import annotations

import asyncio
import contextlib
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from proxy.banner.missing_words import word_problems
from proxy.banner.words import DEFAULT
from proxy.catalogue.shipped import shipped_catalogue
from proxy.commands.terminal import err, fail, out, print_json, print_problems, read_policy, read_text
from proxy.config.loading import read_config
from proxy.errors import FaultsError
from proxy.filter.inline_tests import run_examples, untested
from proxy.package_files import bundled
from proxy.policy.changes import asked_again, runs_without_consent
from proxy.policy.lint import lint
from proxy.policy.load import load_policy
from proxy.policy.model import Policy
from proxy.problems import Place, Problem
from proxy.process.findings import located
from proxy.process.preflight_checks import start_problems
from proxy.process.site_checks import (
    blind_shares,
    hosts_without_a_shared_answer,
    uncovered_hosts,
    unserved_hosts,
)
from proxy.process.source_checks import source_problems
from proxy.process.tools_on_pages import tools_on_pages

FAULTS, WARNINGS = 1, 3
BETWEEN_LOOKS = 0.3
"""Seconds between two looks at the files with --watch."""

_TODO = re.compile(r"(?:^|\s)#.*?\bTODO\b:?\s*+(.*)")


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
    path = rules or bundled("rules.yaml")
    if connect and config is None:
        fail("--connect tries what a config names: add --config FILE", 2)
    once = partial(_check, path, config, against, connect=connect)
    if watch:
        _keep_watching([one for one in (path, config, against) if one], once)
    raise typer.Exit(once(as_json=as_json))


def _check(
    path: Path, config: Path | None, against: Path | None, *, connect: bool = False, as_json: bool = False
) -> int:
    """Print all that is wrong or doubtful, and return the exit status."""
    policy, problems = _rules(path)
    if against is not None and policy is not None:
        problems += _against(against, policy)
    folder, spoken = None, frozenset[str]()
    works: list[str] = []
    if config is not None:
        found, folder, spoken = _config(config, policy)
        problems += found
        if connect:
            found, works = _connections(config)
            problems += found
    if policy is not None:
        problems += word_problems(policy, folder, spoken)
    problems.sort(key=lambda problem: (problem.warning, problem.place))
    faults = sum(not problem.warning for problem in problems)
    if as_json:
        print_json([_row(problem) for problem in problems])
    else:
        for words in works:
            out.print(words)
        print_problems(tuple(problems))
        _say_sum(policy, path, faults, len(problems) - faults)
    return FAULTS if faults else WARNINGS if problems else 0


def _keep_watching(paths: list[Path], once: Callable[[], int]) -> NoReturn:
    """Check now and after each change of these files, until somebody stops it."""
    before = None
    while True:
        now = [path.stat().st_mtime_ns if path.exists() else 0 for path in paths]
        if now != before:
            before = now
            with contextlib.suppress(typer.Exit):
                once()
            err.print("--- watching; stop with Ctrl+C", style="dim")
        time.sleep(BETWEEN_LOOKS)


def _rules(path: Path) -> tuple[Policy | None, list[Problem]]:
    """Return the policy, if it can be read, and all that is wrong or doubtful about it."""
    text = read_text(path, "rules file")
    try:
        policy = load_policy(text, path.name, shipped_catalogue())
    except FaultsError as error:
        return None, list(error.problems)
    return policy, [*run_examples(policy), *lint(policy), *untested(policy), *_left_to_do(text, path.name)]


def _left_to_do(text: str, file: str) -> list[Problem]:
    """Return a warning for each line with a TODO, as `discover --suggest` writes them."""
    return [
        Problem(Place(file, number, found.start() + 1), f"is left to do: {found[1].strip()}", warning=True)
        for number, line in enumerate(text.splitlines(), 1)
        if (found := _TODO.search(line)) is not None
    ]


def _against(path: Path, policy: Policy) -> list[Problem]:
    """Return a warning for each reason to ask visitors again, and for what more runs without consent."""
    old = read_policy(path)
    found = [f"{path.name}: {words}" for words in asked_again(old, policy)]
    found += [
        f"without consent, unlike in {path.name}: {words}" for words in runs_without_consent(old, policy)
    ]
    return [Problem(policy.place, words, warning=True) for words in found]


def _config(path: Path, policy: Policy | None) -> tuple[list[Problem], Path | None, frozenset[str]]:
    """Return what keeps `serve` from starting, the folder of languages, and the languages switched on."""
    read_text(path, "config file")
    try:
        config = read_config(path)
    except FaultsError as error:
        return list(error.problems), None, frozenset()
    problems = start_problems(config, path)
    if policy is not None:
        problems += [*unserved_hosts(policy, config), *uncovered_hosts(policy, config, path)]
        problems += [*source_problems(policy, config, path), *tools_on_pages(policy, config, path)]
    problems += [*blind_shares(config, path), *hosts_without_a_shared_answer(config, path)]
    spoken = frozenset({DEFAULT, config.language} if config.language else {DEFAULT})
    return problems, config.file(config.languages) if config.languages else None, spoken


def _connections(path: Path) -> tuple[list[Problem], list[str]]:
    """Try what the config connects to; return what fails, and what works in words."""
    from proxy.process.connection_checks import try_connections  # noqa: PLC0415 - brings the client with it

    try:
        config = read_config(path)
    except FaultsError:  # told already
        return [], []
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


def _say_sum(policy: Policy | None, path: Path, faults: int, warnings: int) -> None:
    if faults or warnings or policy is None:
        counts = ((faults, "fault"), (warnings, "warning"))
        words = [f"{n} {word}{'s' * (n != 1)}" for n, word in counts if n]
        err.print(" and ".join(words))
        return
    tags = sum(len(provider.tags) for provider in policy.providers)
    rows = sum(len(provider.cookies) for provider in policy.providers)
    verdicts = sum(len(example.expect) for example in policy.examples)
    out.print(
        f"[green]{path.name} is fine[/]: {len(policy.providers)} providers,"
        f" {rows} cookie rows, {tags} tag rules,"
        f" {len(policy.examples)} tests, {verdicts} expectations, all fulfilled."
    )
