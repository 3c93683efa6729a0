"""What a visitor said, when, and to which question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from proxy.policy.scope import Pair, Scope


class How(Enum):
    """By which control the visitor answered; kept in the proof."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    SAVE = "save"
    WITHDRAW = "withdraw"
    ONCE = "once"
    PLACEHOLDER = "placeholder"


@dataclass(frozen=True, slots=True)
class Answer:
    """A visitor's standing answer, as their cookie carries it.

    `visitor` is a random id (also the id under which their proofs are found), `at` the
    time of the answer in whole seconds since 1970, `since` for each granted purpose the
    day (days since 1970) since which it has been granted without interruption.
    """

    visitor: str
    at: int
    granted: frozenset[str]
    scope: Scope
    policy_version: str
    since: Mapping[str, int] = field(default_factory=dict)

    def grants(self) -> frozenset[Pair]:
        """Return the pairs agreed to: granted purposes of providers that were shown."""
        return self.scope.granted(self.granted)
