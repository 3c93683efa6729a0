"""Whose a name probably is: by the catalogue where it knows, else by public lists, which only guess."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache

from proxy.catalogue.public_lists import CookieGuess, cookie_guess, owner_of
from proxy.catalogue.shipped import providers
from proxy.policy.hosts import covers, registrable
from proxy.policy.model import OWN
from proxy.seen.call_names import catalogue_caller
from proxy.seen.declaration import matches_any
from proxy.seen.names import Kind

UNKNOWN = "not known"


@dataclass(frozen=True, slots=True)
class Ownership:
    """Whose a name is. `catalogue` is the id of a provider whose block speaks of it; else it is a guess."""

    owner: str
    catalogue: str = ""
    category: str = ""  # as third-party-web or the Open Cookie Database has it
    homepage: str = ""
    guess: CookieGuess | None = None

    @property
    def is_known(self) -> bool:
        """True when somebody says whose it is."""
        return self.owner != UNKNOWN


def ownership(kind: Kind, name: str, setters: Iterable[str] = ()) -> Ownership:
    """Return whose a name probably is; `setters` are hosts whose scripts wrote it."""
    if kind is Kind.HOST:
        return _of_host(name)
    if kind is Kind.CALL:
        return _of_call(name)
    known = _catalogue_of(kind, name)
    if known is not None:
        return known
    guess = cookie_guess(name)
    for host in sorted(setters):
        if "." in host and (found := _of_host(host)).is_known:
            return replace(found, catalogue="", guess=guess)
    if guess is not None:
        return Ownership(guess.platform, category=guess.category.lower(), guess=guess)
    return Ownership(UNKNOWN)


def _of_host(host: str) -> Ownership:
    found = next((id_ for id_, hosts in _catalogue_hosts() if any(covers(one, host) for one in hosts)), None)
    if found is not None:
        return Ownership(providers()[found].name, found, providers()[found].kind)
    listed = owner_of(host)
    if listed is not None:
        return Ownership(listed.name, category=listed.category, homepage=listed.homepage)
    return Ownership(registrable(host.removeprefix("*.")) or UNKNOWN)


def _of_call(name: str) -> Ownership:
    id_ = catalogue_caller(name)
    return Ownership(providers()[id_].name, id_, providers()[id_].kind) if id_ else Ownership(UNKNOWN)


def _catalogue_of(kind: Kind, name: str) -> Ownership | None:
    for id_, shape in providers().items():
        rows: Iterable[Iterable[str]] = (
            (row.name for row in shape.cookies)
            if kind is Kind.COOKIE
            else (rule.key for rule in shape.storage)
        )
        if any(matches_any(globs, name) for globs in rows):
            return Ownership(shape.name, id_, shape.kind)
    return None


@cache
def _catalogue_hosts() -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the hosts of each provider; those with a rule for all of a host come first."""
    whole, parts = [], []
    for id_, shape in providers().items():
        hosts = [host for tag in shape.tags if not tag.path for host in tag.from_ or () if host != OWN]
        some = [host for tag in shape.tags if tag.path for host in tag.from_ or () if host != OWN]
        whole.append((id_, (*hosts, *(host for host in shape.connect if ":" not in host))))
        parts.append((id_, tuple(some)))
    return (*whole, *parts)
