"""Which of a site's upstreams gets the next request: those that work, the least busy first.

Passive: consecutive connection failures mark an upstream as down for a while. Active: a configured path is
requested regularly, and its status decides. When all are down, all are tried.
"""

from __future__ import annotations

from dataclasses import dataclass

FAILURES = 3  # in a row; nginx max_fails is 1, HAProxy fall is 3
COOL_OFF = 10.0  # nginx fail_timeout


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """Ask `path` of every upstream each `every` seconds; a status below 400 in time means healthy."""

    path: str
    every: float = 5.0
    timeout: float = 2.0
    fails: int = 2
    host: str = ""  # the Host that is asked for; the upstream's own name when empty


class UpstreamHealth:
    """The health of one upstream."""

    __slots__ = ("_down_until", "_why", "checked_fails", "failures", "well")

    def __init__(self) -> None:
        self.failures = 0
        self.checked_fails = 0
        self.well = True  # as the active check sees it
        self._down_until = 0.0
        self._why = ""

    def is_up(self, now: float) -> bool:
        """True when requests may go there."""
        return self.well and now >= self._down_until

    @property
    def responds(self) -> bool:
        """False from when it was taken for down until it responds again.

        Operators are told this. Once it has rested requests go there again, which proves nothing yet.
        """
        return self.well and self.failures < FAILURES

    @property
    def why(self) -> str:
        """Why it is down, or an empty string."""
        return "" if self.responds else self._why

    def worked(self) -> None:
        """Record a response."""
        self.failures = 0
        self._down_until = 0.0

    def failed(self, now: float, why: str) -> None:
        """Record a failed connection, or one that closed without a response."""
        self.failures += 1
        self._why = why
        if self.failures >= FAILURES:
            self._down_until = now + COOL_OFF

    def checked(self, well: bool, why: str, fails: int) -> None:
        """Record the result of an active check."""
        self.checked_fails = 0 if well else self.checked_fails + 1
        if well:
            self.well = True
            self.worked()
        else:
            self._why = why
            if self.checked_fails >= fails:
                self.well = False


def order(states: list[tuple[bool, int]], turn: int) -> list[int]:
    """Return the indices of (is up, busy) in the order to try: up first, then the least busy, in turns."""
    count = len(states)
    return sorted(range(count), key=lambda i: (not states[i][0], states[i][1], (i - turn) % count))
