"""Heads of requests that came before, so that the same one need not be read twice.

A browser asks for the files of a page with a handful of heads that differ in nothing but
their first line, and in the fields that are new in every request where somebody before us adds one:
a trace, the Ray of Cloudflare. What llhttp found in such a head is remembered by its very
bytes, without what those fields say; of the first line and of them only what is beyond any
doubt is read here, all else is llhttp's.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from proxy.filter.cache import Cache
from proxy.filter.headers.fields import Headers
from proxy.http.header_names import ASKED, Fields, fields_of

if TYPE_CHECKING:
    from aiohttp.http_parser import RawRequestMessage

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

_NEWS = (
    "cf-ray", "traceparent", "tracestate", "x-request-id", "x-correlation-id", "request-id", "x-trace-id",
    "x-amzn-trace-id", "x-amz-cf-id", "x-azure-ref", "x-cloud-trace-context", "x-b3-traceid", "x-b3-spanid",
)  # fmt: skip
"""Fields that CDNs, load balancers and tracing (W3C Trace Context, B3) make anew for each request."""

_NEW = re.compile(rf"\r\n((?i:{'|'.join(_NEWS)})): ([!-~]{{1,256}})(?=\r\n)".encode())
"""One of them whose value is one word: no two parsers read it differently."""

_GAP = b"\0"
"""What stands in a key where a value was: no head that llhttp takes has one."""


@dataclass(slots=True)
class RequestHead:
    """All but the first line of a head: its fields as they came and by name; and what follows from them.

    Where values are new each time, `words` stand for them: words of ours that nobody can send us.
    """

    headers: Headers
    fields: Fields
    places: tuple[int, ...] = ()  # of the fields whose values are new each time
    words: tuple[bytes, ...] = ()
    template: object | None = None  # what the fast path derived from it: only that reads it

    def filled(self, news: tuple[bytes, ...]) -> tuple[Headers, Fields]:
        """Return the fields with the values that are new in this one."""
        headers, fields, known = self.headers.copy(), self.fields.copy(), ASKED
        for place, value in zip(self.places, news, strict=True):
            name = headers[place][0]
            headers[place] = (name, value)
            fields[known[name][0]] = [value]
        return headers, fields


class RequestHeadCache(Cache[bytes, RequestHead]):
    """The heads that came lately, by their bytes from the end of the first line on."""

    def __init__(self) -> None:
        super().__init__(limit=KEPT, longest=LONGEST)

    def find(self, data: bytes) -> tuple[RequestHead, bytes, tuple[bytes, ...]] | None:
        """Return head, target, and what is new in it, of a request that is all of `data`.

        None for what llhttp has to read.
        """
        end = data.find(b"\r\n")
        rest = data[end:]
        head = self.get(rest)
        news: tuple[bytes, ...] = ()
        if head is None:
            key, news = _without_news(rest)
            head = self.get(key) if news else None
        if head is None or len(head.places) != len(news):
            return None  # no head that came had a gap of its own
        line = _LINE(data, 0, end)
        return None if line is None else (head, line[1], news)

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
        key, news = _without_news(rest)
        if (
            not _NOT_PLAIN.isdisjoint(fields) or key in self
        ):  # it may be known, and its request have gone the ordinary route
            return
        head = RequestHead(headers, fields)
        if news:
            places = tuple(rest.count(b"\r\n", 0, found.start()) for found in _NEW.finditer(rest))
            names = [headers[place][0] for place in places]
            if any(len(fields[name.lower()]) > 1 for name in names):
                return
            words = tuple(secrets.token_hex(16).encode() for _ in places)
            head = RequestHead(headers, fields, places, words)
            head.headers, head.fields = head.filled(words)
        self.store(key, head)


def _without_news(rest: bytes) -> tuple[bytes, tuple[bytes, ...]]:
    """Return a head with a gap for each value that is new, and these values, in order."""
    parts = _NEW.split(rest)
    if len(parts) == 1:
        return rest, ()
    news = tuple(parts[2::3])
    parts[1::3] = [b"\r\n%b: %b" % (name, _GAP) for name in parts[1::3]]
    del parts[2::3]
    return b"".join(parts), news
