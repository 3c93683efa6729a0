"""Heads of requests that came before, so that the same one need not be read twice.

A browser asks for the files of a page with a handful of heads that differ in nothing but
their first line. What llhttp found in such a head is remembered by its very bytes; of the
first line only what is beyond any doubt is read here, all else is llhttp's.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.filter.fields import Headers
from proxy.filter.memo import Memo
from proxy.server.names import Fields, fields_of

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

    from proxy.server.standing import Standing

END = b"\r\n\r\n"
LONGEST = 4096
"""Bytes of the longest head that is remembered."""

MOST = 64
"""Fields of a head that is remembered: browsers send some twenty, and each weighs more than its bytes."""

KEPT = 512 << 10
"""Bytes of heads remembered: they come from strangers."""

_LINE = re.compile(rb"GET (/[-A-Za-z0-9/._~%!$&'()*+,;=:@?]{0,2048}) HTTP/1\.1").fullmatch
_NOT_PLAIN = frozenset(
    b"upgrade expect te content-length transfer-encoding if-none-match if-modified-since if-match"
    b" if-unmodified-since range if-range".split()
)
"""Fields with which a request is more than the wish to see something, or is about one address."""


@dataclass(slots=True)
class Head:
    """All but the first line of a head: its fields as they came and by name; and what follows from them."""

    headers: Headers
    fields: Fields
    standing: Standing | None = None


class Heads(Memo[Head]):
    """The heads that came lately, by their bytes from the end of the first line on."""

    def __init__(self) -> None:
        super().__init__(KEPT, LONGEST)

    def find(self, data: bytes) -> tuple[Head, bytes] | None:
        """Return head and target of a request that is all of `data`; None for what llhttp has to read."""
        end = data.find(b"\r\n")
        head = self.get(data[end:])
        if head is None:
            return None
        line = _LINE(data, 0, end)
        return None if line is None else (head, line[1])

    def learn(self, data: bytes, message: RawRequestMessage) -> None:
        """Remember the head that llhttp found `data` to be: one request, all of it, without a body."""
        if data.find(END) != len(data) - len(END) or not data.startswith(b"GET "):
            return
        if message.should_close or message.upgrade or message.chunked or tuple(message.version) != (1, 1):
            return
        headers = list(message.raw_headers)
        if len(headers) > MOST or data.count(b"\r\n") != len(headers) + 2:
            return  # not each of its fields is one line here: it began before `data`, say
        fields = fields_of(headers)
        rest = data[data.find(b"\r\n") :]
        if _NOT_PLAIN.isdisjoint(fields) and rest not in self:  # it may be known, and have gone the long way
            self.keep(rest, Head(headers, fields))
