"""What a visitor is asked: the pairs (purpose, provider) shown, and nothing else.

Scope, not version, decides whether somebody is asked again: a new purpose or provider
does, a typo fix never (the policy: "in case of significant change (new purpose or new
provider)").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from proxy.policy.model import Policy


class Pair(NamedTuple):
    """One thing to agree to: a provider, for a purpose."""

    purpose: str
    provider: str


@dataclass(frozen=True, slots=True)
class Scope:
    """The pairs a visitor is asked about.

    `former` reads what was asked under other rules: the names a pair bore before (`was:`), and
    pairs of today's purposes and providers that are no longer asked, each as today's rules name it.
    `elsewhere` are pairs that other sites ask about under rules of their own, where one cookie holds
    the answers to both: read and kept with the answer, and nothing is asked about them here.
    """

    pairs: frozenset[Pair]
    former: frozenset[tuple[Pair, Pair]] = frozenset()
    exempt: frozenset[Pair] = frozenset()  # those of `pairs` that are on until somebody objects
    elsewhere: frozenset[Pair] = frozenset()

    def covers(self, other: Scope) -> bool:
        """True when everything in `other` was asked here: no reason to ask again."""
        return other.pairs <= self.pairs

    def missing_from(self, asked: Scope) -> Scope:
        """Return what is here and was not asked then: what the banner calls new."""
        return Scope(self.pairs - asked.pairs)

    @property
    def purposes(self) -> frozenset[str]:
        """The purposes that have a switch."""
        return frozenset(pair.purpose for pair in self.pairs)

    def new_for(self, asked: Scope, granted: frozenset[str]) -> Scope:
        """Return what here concerns somebody anew who was asked that, and granted these purposes.

        A provider that only moved to another purpose concerns nobody who was asked about both and
        refused that purpose: nothing of it runs for them, before and after.
        """
        moved = {pair.provider for pair in asked.pairs - self.pairs}
        refused = asked.purposes - granted
        new = self.missing_from(asked).pairs - self.exempt
        return Scope(frozenset(p for p in new if p.provider not in moved or p.purpose not in refused))

    def granted(self, purposes: Iterable[str]) -> frozenset[Pair]:
        """Return the pairs that somebody grants who agrees to these purposes."""
        chosen = frozenset(purposes)
        return frozenset(pair for pair in self.pairs if pair.purpose in chosen)


def scope_of(policy: Policy) -> Scope:
    """Return what a visitor has to be asked under this policy."""
    pairs: set[Pair] = set()
    for provider in policy.providers:
        if not provider.enabled:
            continue
        needed = [row.purpose for row in provider.cookies]
        needed += [rule.purpose for rule in provider.storage]
        needed += [purpose for rule in provider.tags for purpose in rule.purposes]
        needed += [purpose for rule in provider.requests for purpose in rule.purposes]
        pairs.update(Pair(p, provider.id) for p in needed if policy.needs_consent(p))
    exempt = frozenset(pair for pair in pairs if policy.is_exempt(pair.purpose))
    return Scope(frozenset(pairs), frozenset(_former(policy, pairs)), exempt)


def _former(policy: Policy, pairs: set[Pair]) -> Iterator[tuple[Pair, Pair]]:
    """Yield each pair that a visitor may have been asked about under other rules, and as today names it."""
    purposes = [purpose for purpose in policy.purposes if policy.needs_consent(purpose.id)]
    for provider in policy.providers:
        if not provider.enabled:
            continue
        for purpose in purposes:
            today = Pair(purpose.id, provider.id)
            for a in (purpose.id, *purpose.was):
                for b in (provider.id, *provider.was):
                    if Pair(a, b) not in pairs:
                        yield Pair(a, b), today
