"""What `consent.source` of a config says against the rules: purposes, providers, and what will not count."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from proxy.config.policies import Policies
from proxy.config.types import Config, SourceConfig
from proxy.consent.tools.known import TOOLS
from proxy.policy.model import Policy
from proxy.policy.scope import scope_of
from proxy.policy.yaml_source import Step, spell
from proxy.problems import Problem
from proxy.process.config_findings import ConfigFinding, located

_Found = tuple[tuple[Step, ...], str, bool]
"""Where below `consent.source`, what, and whether it is a warning."""


def source_problems(policies: Policies, config: Config, path: Path) -> list[Problem]:
    """Return what is wrong or doubtful about the other consent tool, each at its place in the config file."""
    source = config.consent.source
    if source is None:
        return []
    findings: dict[ConfigFinding, None] = {}
    for policy in policies.all:
        for below, text, warning in (
            *_purposes(policy, source),
            *_covers(policy, source),
            *_block(policy, source),
        ):
            steps: tuple[Step, ...] = ("consent", "source", *below)
            findings[ConfigFinding(steps, f"{spell(steps)} {text}", warning)] = None
    return located(findings, path)


def source_faults(policies: Policies, config: Config, path: Path) -> list[Problem]:
    """Return what keeps the config from being used with these rules."""
    return [problem for problem in source_problems(policies, config, path) if not problem.warning]


def _purposes(policy: Policy, source: SourceConfig) -> Iterator[_Found]:
    known = [purpose.id for purpose in policy.purposes if policy.needs_consent(purpose.id)]
    for name, ours in source.purposes.items():
        for number, purpose in enumerate(ours):
            below: tuple[Step, ...] = ("purposes", name, number) if len(ours) > 1 else ("purposes", name)
            if policy.purpose(purpose) is None:
                yield (
                    below,
                    f"is '{purpose}'{_meant(purpose, known, f'which {policy.place.file} does not list')}",
                    False,
                )
            elif purpose not in known:
                yield below, f"is '{purpose}', which nobody is asked about: take the line out", False
    mapped = {purpose for ours in source.purposes.values() for purpose in ours}
    scope = scope_of(policy)
    for purpose in sorted({pair.purpose for pair in scope.pairs - scope.exempt} - mapped):
        text = f"maps nothing to '{purpose}', which {policy.place.file} asks about: no grant counts"
        yield ("purposes",), text, True


def _covers(policy: Policy, source: SourceConfig) -> Iterator[_Found]:
    tool, scope = TOOLS[source.tool], scope_of(policy)
    if not tool.states_time:
        text = (
            f"is '{tool.id}': {tool.name} does not store when it was answered, so its refusals count and its"
            " grants do not; whoever agreed there is asked again, by us"
        )
        yield ("tool",), text, True
        return
    if source.covers is None:
        text = (
            f"does not say what the banner of {tool.name} covers, so its refusals count and its grants do"
            " not: covers: { since: 2026-11-30, providers: [...] }"
        )
        yield (), text, True
        return
    known = [provider.id for provider in policy.providers]
    for number, id_ in enumerate(source.covers.providers):
        if id_ not in known:
            text = f"is '{id_}'{_meant(id_, known, 'which is no provider of the rules')}"
            yield ("covers", "providers", number), text, False
    asked = {pair.provider for pair in scope.pairs - scope.exempt}
    for id_ in sorted(asked - set(source.covers.providers)):
        text = f"does not name '{id_}', which {policy.place.file} asks about: until it does no grant counts"
        yield ("covers", "providers"), text, True


def _block(policy: Policy, source: SourceConfig) -> Iterator[_Found]:
    if policy.provider(source.tool) is None:
        why = "its cookie is declared by nobody" + (
            "" if source.take_over else ", and its banner is held or not"
        )
        yield ("tool",), f"is '{source.tool}', which the rules do not use ({why}): use: [{source.tool}]", True


def _meant(word: str, known: list[str], otherwise: str) -> str:
    near = get_close_matches(word, known, n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else f", {otherwise} (it has {', '.join(known)})"
