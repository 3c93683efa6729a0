"""Tells of one address whether the fence lets a browser fetch it, and which rules decide that.

For people who write rules: `explain` and the tests in rules.yaml ask the very header that is sent.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.filter.headers.fence import claims, fence
from proxy.filter.syntax.urls import Url
from proxy.policy.hosts import covers, registrable
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair
from proxy.problems import Place


@dataclass(frozen=True, slots=True)
class FenceStop:
    """An address that the filter keeps and the fence stops.

    `kept` is the rule that keeps it, `closed` the one for which its host is closed; None where
    no rule speaks of it.
    """

    host: str
    kept: Place | None
    closed: Place | None

    def __str__(self) -> str:
        why = f"closed by {self.closed.rule}" if self.closed else "which no granted rule names by its host"
        return f"the fence stops {self.host}, {why}" + (f", kept by {self.kept.rule}" if self.kept else "")


class FenceCheck:
    """The fence of one policy for one set of grants, asked as a browser asks it."""

    def __init__(self, policy: Policy, own: OwnHosts, grants: frozenset[Pair]) -> None:
        self._policy = policy
        self._own = own
        self._grants = grants
        self._header = fence(policy, own, grants).decode("ascii")

    def stop(self, url: Url, kept: Place | None = None) -> FenceStop | None:
        """Return why the fence stops that address, or None where it lets it through."""
        if not self._header or not url.host or self._own.owns(url.host) or lets(self._header, url):
            return None
        neutral = (n.place for n in self._policy.neutral if any(covers(h, url.host) for h in n.hosts))
        kept = kept or next(neutral, None)
        return FenceStop(url.host, kept, self._closing(url.host, kept))

    def _closing(self, host: str, kept: Place | None) -> Place | None:
        """Return the rule for which the host is closed: one for it, else for its domain."""
        refused = [c for c in claims(self._policy, self._grants) if not c.granted and c.place != kept]
        domain = registrable(host) or host
        nearest = [c for c in refused if covers(c.pattern, host)] or [
            c for c in refused if covers(domain, c.pattern)
        ]
        return nearest[0].place if nearest else None


def lets(header: str, url: Url) -> bool:
    """True when the sources of `default-src` match an https address on another host (CSP3 6.7.2)."""
    path = url.path.partition("?")[0]
    for source in header.partition(";")[0].split()[1:]:
        scheme, _, rest = source.rpartition("://")
        if source.startswith("'") or scheme in ("ws", "wss"):
            continue
        name, _, where = rest.partition(":*")
        if name.startswith("*."):
            if not url.host.endswith(name[1:]):
                continue
        elif url.host != name:
            continue
        if not where or path == where or (where.endswith("/") and path.startswith(where)):
            return True
    return False
