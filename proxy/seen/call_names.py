"""Whose a provider's function is: the global queue that its snippet makes and the site's code calls.

Rules name such functions as words of inline scripts (`text:`) and by stand-ins; the catalogue has a list.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from proxy.catalogue.provider_calls import SHORT, provider_calls
from proxy.policy.model import Policy, TagRule
from proxy.policy.stand_ins import STAND_INS, StandIn, brought_by

_NAME = re.compile(r"(?:window\.)?([A-Za-z_$][\w$]*)\(?", re.ASCII)
_COMMON = frozenset({"analytics"})
"""Names that sites give to objects of their own."""


def caller(name: str, policy: Policy) -> str:
    """Return the id of the provider of a policy whose function that is; empty for nobody's."""
    for provider in policy.providers:
        if any(name in _of_rule(rule) for rule in provider.tags):
            return provider.id
    known = catalogue_caller(name)
    return known if any(provider.id == known for provider in policy.providers) else ""


def catalogue_caller(name: str) -> str:
    """Return the id of the catalogue's provider whose function that is; empty for nobody's."""
    return provider_calls().get(name, "")


def unspoken(policy: Policy) -> list[str]:
    """Return the functions of the catalogue that no rule of a policy speaks of."""
    ours = {name for provider in policy.providers for rule in provider.tags for name in _of_rule(rule)}
    ids = {provider.id for provider in policy.providers}
    rest = (name for name, id_ in provider_calls().items() if id_ not in ids and name not in ours)
    return [name for name in rest if len(name) >= SHORT and name not in _COMMON]


def _of_rule(rule: TagRule) -> set[str]:
    words = (*rule.text.all, *rule.text.any) if rule.text is not None else ()
    match rule.stand_in:
        case StandIn() as own:
            return of_stand_ins(rule.hosts, own) | of_words(words)
        case str(named):
            return of_stand_ins(rule.hosts, STAND_INS[named]) | of_words(words)
        case None:
            return of_stand_ins(rule.hosts) | of_words(words)


def of_words(words: Iterable[str]) -> set[str]:
    """Return what is a whole name; a host or a file is none."""
    return {match[1] for word in words if (match := _NAME.fullmatch(word)) and len(match[1]) >= SHORT}


def of_stand_ins(hosts: Iterable[str], *more: StandIn) -> set[str]:
    """Return the names that these hosts bring by stand-ins, and those of more stand-ins."""
    all_ = [*(STAND_INS[id_] for host in hosts for id_ in brought_by(host)), *more]
    names = (name for one in all_ for name in (*one.objects, *one.functions, *one.queues, *one.ready))
    return {name.partition("=")[0].partition(".")[0] for name in names}
