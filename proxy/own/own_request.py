"""One request for an address of ours, with what its visitor decided."""

from __future__ import annotations

import re

from proxy.banner.words import Words
from proxy.consent.cookie import ConsentReading
from proxy.consent.decision import Decision
from proxy.http.message import IncomingMessage
from proxy.http.request import Request
from proxy.snapshot.sites import Site

_LANGUAGE = re.compile(rb"(?:^|&)language=([A-Za-z-]{2,35})(?:&|$)")


class OwnRequest:
    """One request for an address of ours, with the visitor's decision."""

    __slots__ = ("decision", "message", "reading", "request", "site")

    def __init__(self, site: Site, request: Request, message: IncomingMessage) -> None:
        self.site = site
        self.request = request
        self.message = message
        self.reading: ConsentReading
        self.decision: Decision
        self.reading, self.decision = site.settle(request)

    @property
    def words(self) -> Words:
        """The language of the page they come from, where its link says it, or what their browser asks for."""
        found = _LANGUAGE.search(self.request.query)
        page = found[1].decode() if found else ""
        return self.site.renderer.languages.choose(page=page, accept=self.request.first(b"accept-language"))

    @property
    def wants_json(self) -> bool:
        """True when a program asks."""
        return b"application/json" in (self.request.first(b"accept") or b"")
