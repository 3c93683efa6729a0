"""Upstream connections that belong to one visitor, because an upstream signs in by connection.

NTLM and Negotiate (RFC 4559) authenticate the connection, not the request: any later request on it would
act as that visitor. So it is pinned to the visitor's connection, and closed with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Protocol

from proxy.http.header_names import Fields

# as HAProxy does: `Nego2` is one of them, and one line may hold several challenges
_BY_CONNECTION = re.compile(rb"(?:^|,)[\t ]*(?:ntlm|nego|kerberos)", re.IGNORECASE).search
CHALLENGES = frozenset({b"www-authenticate", b"proxy-authenticate"})
"""Fields without which `asks_to_sign_in` is False: most responses have none."""


def signs_in(values: Iterable[bytes]) -> bool:
    """True when one of these credentials or challenges is about the connection it is sent on."""
    return any(_BY_CONNECTION(value) for value in values)


def asks_to_sign_in(fields: Fields) -> bool:
    """True when a response challenges the visitor to sign in by connection, or goes on with it."""
    return any(signs_in(fields.get(name, ())) for name in CHALLENGES)


class Pinnable(Protocol):
    """An upstream connection, as pinning uses it."""

    @property
    def is_free(self) -> bool:
        """True while it carries no exchange."""

    def is_quiet(self) -> bool:
        """True when nothing waits to be read on it."""

    def abort(self) -> None:
        """End it now."""


class Pinned(dict[tuple[object, str], Pinnable]):
    """The upstream connections pinned to one visitor's connection, by pool and visitor's address.

    By the address too: a proxy in front may send several visitors on one connection.
    """

    __slots__ = ("_ended",)

    def __init__(self) -> None:
        super().__init__()
        self._ended = False

    def find(self, pool: object, visitor: str) -> Pinnable | None:
        """Return the connection of that pool on which this visitor signed in, where it can be used."""
        connection = self.get((pool, visitor))
        return connection if connection is not None and connection.is_free and connection.is_quiet() else None

    def keep(self, pool: object, visitor: str, connection: Pinnable) -> bool:
        """Pin a connection in place of an older one; False when the visitor has gone."""
        if self._ended:
            return False
        old = self.get((pool, visitor))
        if old is not None and old is not connection and old.is_free:
            old.abort()
        self[pool, visitor] = connection
        return True

    def end(self) -> None:
        """The visitor's connection has ended: so do these, those in use as soon as they are released."""
        self._ended = True
        for connection in self.values():
            if connection.is_free:
                connection.abort()
        self.clear()
