"""The field that tells a site's server what its visitor agreed to, signed: `consent.upstream_header`.

    v=1; site=callkom.io; purposes=functional performance; until=1795428060; sig=...

`sig` is the HMAC-SHA256, in hex, of all before `; sig=`, by a key of its own: a server that holds
it can forge no consent cookie. docs/signals.md has the code that verifies it.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

VALID = 60
"""Seconds that a value is good for, at least; it ends with a minute, so that one serves many requests."""


@dataclass(frozen=True, slots=True)
class UpstreamHeader:
    """The field's name as it is sent, and the key that signs it."""

    name: bytes
    key: bytes

    def is_named(self, field: bytes) -> bool:
        """True for the field's own name; to a server that speaks CGI, `_` and `-` are the same."""
        return len(field) == len(self.name) and field.lower().replace(b"_", b"-") == self.name.lower()

    def value(self, site: str, purposes: Iterable[str], now: int) -> bytes:
        """Return what is sent for a visitor who agreed to these purposes."""
        until = (now // VALID + 2) * VALID
        said = f"v=1; site={site}; purposes={' '.join(sorted(purposes))}; until={until}".encode()
        return b"%b; sig=%b" % (said, hmac.new(self.key, said, "sha256").hexdigest().encode())
