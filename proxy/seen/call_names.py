"""Whose a provider's function is: the global queue that its snippet makes and the site's code calls.

Rules name such functions as words of inline scripts (`text:`) and by stand-ins; the catalogue's blocks
also by the snippets among their tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache

from proxy.catalogue import providers
from proxy.policy.catalogue_schema import CatalogueShape
from proxy.policy.model import Policy, TagRule
from proxy.policy.stand_ins import STAND_INS, StandIn, brought_by

_NAME = re.compile(r"(?:window\.)?([A-Za-z_$][\w$]*)\(?", re.ASCII)
_MADE = re.compile(r"\b([A-Za-z_$][\w$]*)=(?:window\.)?\1\|\|", re.ASCII)
_WORDS = re.compile(r"[\w$]+", re.ASCII)
_SHORT = 3  # letters of a name that says nothing


def caller(name: str, policy: Policy) -> str:
    """Return the id of the provider of a policy whose function that is; empty for nobody's."""
    for provider in policy.providers:
        if any(name in _of_rule(rule) for rule in provider.tags):
            return provider.id
    known = catalogue_caller(name)
    return known if any(provider.id == known for provider in policy.providers) else ""


def catalogue_caller(name: str) -> str:
    """Return the id of the catalogue's provider whose function that is; empty for nobody's."""
    return _catalogue().get(name, "")


def _of_rule(rule: TagRule) -> set[str]:
    words = (*rule.text.all, *rule.text.any) if rule.text is not None else ()
    match rule.stand_in:
        case StandIn() as own:
            return _of_stand_ins(rule.hosts, own) | _of_words(words)
        case str(named):
            return _of_stand_ins(rule.hosts, STAND_INS[named]) | _of_words(words)
        case None:
            return _of_stand_ins(rule.hosts) | _of_words(words)


def _of_words(words: Iterable[str]) -> set[str]:
    """Return what is a whole name; a host or a file is none."""
    return {match[1] for word in words if (match := _NAME.fullmatch(word)) and len(match[1]) >= _SHORT}


def _of_stand_ins(hosts: Iterable[str], *more: StandIn) -> set[str]:
    all_ = [*(STAND_INS[id_] for host in hosts for id_ in brought_by(host)), *more]
    names = (name for one in all_ for name in (*one.objects, *one.functions, *one.queues, *one.ready))
    return {name.partition("=")[0].partition(".")[0] for name in names}


@cache
def _catalogue() -> dict[str, str]:
    """Return the providers of the catalogue by their functions, first those with a snippet of it."""
    in_snippets: dict[str, str] = {}
    named: dict[str, str] = {}
    for id_, shape in providers().items():
        snippets = "\n".join(text for test in shape.tests for text in test.html or () if "<script" in text)
        names = _of_shape(shape) | {name for name in _MADE.findall(snippets) if len(name) >= _SHORT}
        words = set(_WORDS.findall(snippets))
        for name in names:
            (in_snippets if name in words else named).setdefault(name, id_)
    return named | in_snippets


def _of_shape(shape: CatalogueShape) -> set[str]:
    names: set[str] = set()
    for tag in shape.tags:
        words = (*(tag.text.all or ()), *(tag.text.any or ())) if tag.text is not None else ()
        names |= _of_words(words) | _of_stand_ins(tag.from_ or ())
        names |= {name.partition(".")[0] for name in tag.stand_in or {} if name not in STAND_INS}
    return names
