"""The hash chain of the records: without the key no record can be changed, dropped or swapped unseen.

Each writer (a process that recorded) has a chain: record n carries a keyed hash of its
content and of record n-1. The writer's row seals the head, so a missing end shows, and the
base, so only a purge may take the beginning. Writers are chained to one another by `root`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.consent.record import ConsentRecord, Content, chain_link, content_digest, keyed

_ID = 8
"""Bytes of a key's id in front of a seal: enough to tell a handful of keys apart."""
_KEY = 32


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The last record of a writer, to be kept outside the store."""

    writer: str
    position: int
    link: bytes
    time: int


class Keyring:
    """The keys of the chain, derived from the keys that sign the consent cookie.

    The first seals, all are believed. Records outlive signing keys by years, so the store
    keeps each older chain key wrapped under the newer one: what was sealed before a
    rotation verifies after the old line is gone from the key file.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        derived = [keyed(key, "consent-proxy records") for key in keys]
        self._keys = {keyed(key, "id")[:_ID]: key for key in derived}
        self.newest = next(iter(self._keys))

    def key(self, key_id: bytes) -> bytes | None:
        """Return the key of that id, or None when it was not given to us."""
        return self._keys.get(key_id)

    def seal(self, label: str, *parts: bytes | str | int) -> bytes:
        """Return a seal by the newest key, its id in front."""
        return self.newest + keyed(self._keys[self.newest], label, *parts)

    def holds(self, seal: bytes | None, label: str, *parts: bytes | str | int) -> bool:
        """True when the seal was made over these parts by a key that we have."""
        key = self._keys.get(seal[:_ID]) if seal else None
        return key is not None and seal == seal[:_ID] + keyed(key, label, *parts)  # type: ignore[index]

    def wrapped(self) -> list[tuple[bytes, bytes, bytes]]:
        """Return (id, wrapped by, wrapped) of each older key under the newest."""
        return [
            (key_id, self.newest, self._wrap(self.newest, key_id, key))
            for key_id, key in self._keys.items()
            if key_id != self.newest
        ]

    def unwrap(self, key_id: bytes, by: bytes, wrapped: bytes) -> bool:
        """Learn an older key; False when it is not one that our keys wrapped."""
        if by not in self._keys or len(wrapped) != _KEY:
            return False
        key = self._wrap(by, key_id, wrapped)
        if keyed(key, "id")[:_ID] != key_id:
            return False
        self._keys.setdefault(key_id, key)
        return True

    def _wrap(self, by: bytes, key_id: bytes, key: bytes) -> bytes:
        """Return the key under a one-time pad that only `by` can make; the way back is the same."""
        pad = keyed(self._keys[by], "wrap", key_id)
        return bytes(a ^ b for a, b in zip(key, pad, strict=True))

    def knows(self, seal: bytes | None) -> bool:
        """True when the key that made a seal is among ours."""
        return bool(seal) and seal[:_ID] in self._keys  # type: ignore[index]


def root(key: bytes, name: str, number: int, before: bytes) -> bytes:
    """Return where a writer's chain begins: bound to the writer before it."""
    return keyed(key, "writer", name, number, before)


@dataclass(slots=True)
class Chain:
    """The end of a writer's chain: makes the next record."""

    key: bytes
    writer: str
    position: int
    link: bytes

    def append(self, record_id: str, time: int, content: Content) -> ConsentRecord:
        """Return the record that follows, and move the end on to it."""
        digest = content_digest(self.key, record_id, time, content)
        self.position += 1
        self.link = chain_link(self.key, self.writer, self.position, self.link, digest)
        return ConsentRecord(record_id, time, self.writer, self.position, digest, self.link, content)
