"""Another consent tool of the config (`consent.source`): as a decision reads it, as the rules let it run."""

from __future__ import annotations

from dataclasses import replace

from proxy.config.types import Config
from proxy.consent.effective_answer import Source
from proxy.consent.tools.known import TOOLS
from proxy.policy.actions import Action
from proxy.policy.model import Policy
from proxy.policy.scope import Scope


def source_of(config: Config, scope: Scope) -> Source | None:
    """Return the tool whose cookie is read, or None."""
    source = config.consent.source
    if source is None:
        return None
    tool, covers = TOOLS[source.tool], source.covers
    providers = frozenset(covers.providers) if covers is not None else frozenset()
    return Source(
        tool=tool,
        cookies=tool.named(source.cookie),
        purposes=source.purposes,
        covered=frozenset(pair for pair in scope.pairs if pair.provider in providers),
        since=covers.since if covers is not None else 0,
        takes_over=source.take_over,
    )


def with_running_tool(policy: Policy, config: Config) -> Policy:
    """Return the policy in which the tool that asks the visitors runs, though its block says `do: never`."""
    source = config.consent.source
    if source is None or source.take_over:
        return policy
    providers = tuple(
        replace(
            provider,
            tags=tuple(
                replace(tag, do=Action.KEEP) if tag.do is Action.NEVER else tag for tag in provider.tags
            ),
        )
        if provider.id == source.tool
        else provider
        for provider in policy.providers
    )
    return replace(policy, providers=providers)
