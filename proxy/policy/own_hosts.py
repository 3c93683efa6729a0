"""Which hosts are the site's own: everything else is a third party."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """The configured hosts, every host under `domain` (consent.domain), and `own:` of the config.

    All lower-case, without port. `domain` is None where the hosts share no domain.
    """

    hosts: frozenset[str]
    domain: str | None = None

    def owns(self, host: str) -> bool:
        """True when that host (lower-case, no port) serves the site's own files."""
        if host in self.hosts:
            return True
        return self.domain is not None and (host == self.domain or host.endswith("." + self.domain))
