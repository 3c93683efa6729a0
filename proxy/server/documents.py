"""What an answer's body is: found out from its headers, or else from its first bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from proxy.errors import Unreadable
from proxy.filter.body import first_bytes
from proxy.filter.document import SNIFF, Sort, forbids_sniffing, sort_of
from proxy.filter.fields import Headers
from proxy.server.exchange import Reply
from proxy.server.names import answered_fate

ENOUGH = 65_536
"""Coded bytes after which a body that still unfolds to next to nothing is no page."""

PAGES = frozenset({Sort.HTML, Sort.XML, Sort.RULES})
"""Sorts whose bodies are read and rewritten."""

WORKERS = frozenset({b"worker", b"sharedworker", b"serviceworker"})
"""Destinations of scripts that run under the policy of their own answer: they are fenced too (T25)."""


@dataclass(slots=True)
class _Told:
    """What an answer's headers say of its body."""

    types: tuple[bytes, ...] = ()
    options: tuple[bytes, ...] = ()
    disposition: bytes | None = None
    coding: tuple[bytes, ...] = ()


@lru_cache(maxsize=1024)
def _by_headers(
    types: tuple[bytes, ...], options: tuple[bytes, ...], dest: bytes | None, disposition: bytes | None
) -> tuple[Sort | None, bool]:
    """Return what the headers alone tell, and whether they forbid to look on: sites repeat themselves."""
    nosniff = forbids_sniffing(list(options))
    found = sort_of(list(types), nosniff=nosniff, dest=dest, first=None, disposition=disposition)
    return found, nosniff


def _told(headers: Headers) -> _Told:
    told = _Told()
    for name, value in headers:
        match answered_fate(name)[0]:
            case b"content-type":
                told.types += (value,)
            case b"x-content-type-options":
                told.options += (value,)
            case b"content-disposition" if told.disposition is None:
                told.disposition = value
            case b"content-encoding":
                told.coding += (value,)
            case _:
                pass
    return told


async def sort_body(reply: Reply, dest: bytes | None) -> tuple[Sort, bytes, bool]:
    """Return what the body is, and what has arrived of it (all of it, when the last is True).

    Waits for first bytes only where nothing but they can tell.
    """
    told = _told(reply.headers)
    data, complete = reply.arrived()
    sort, nosniff = _by_headers(told.types, told.options, dest, told.disposition)
    if sort is None and reply.bodiless:
        return Sort.HTML, data, complete  # HEAD: it may be a page, so its headers are a page's
    coding = b",".join(told.coding)
    types, disposition = list(told.types), told.disposition
    while sort is None:
        try:
            first = first_bytes(data, coding)
        except Unreadable:
            return Sort.HTML, data, complete  # perhaps a page, in a coding that has to be asked for otherwise
        more = not complete and len(first) < SNIFF and len(data) < ENOUGH
        sort = sort_of(types, nosniff=nosniff, dest=dest, first=first, disposition=disposition, more=more)
        if sort is None and not more:
            sort = Sort.OTHER
        elif sort is None:
            piece = await reply.read()
            data, complete = data + piece, not piece
    return sort, data, complete
