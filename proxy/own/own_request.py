"""A request for one of the proxy's own addresses, with the visitor's decision."""

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
    """A request for one of the proxy's own addresses, with the visitor's decision."""

    __slots__ = ("decision", "message", "reading", "request", "site")

    def __init__(self, site: Site, request: Request, message: IncomingMessage) -> None:
        self.site = site
        self.request = request
        self.message = message
        self.reading: ConsentReading
        self.decision: Decision
        self.reading, self.decision = site.look_up_consent(request)

    @property
    def words(self) -> Words:
        """The texts in the `language` of the query, else in one that the browser accepts."""
        found = _LANGUAGE.search(self.request.query)
        page = found[1].decode() if found else ""
        return self.site.renderer.languages.choose(page=page, accept=self.request.first(b"accept-language"))

    @property
    def wants_json(self) -> bool:
        """True when the client accepts JSON."""
        return b"application/json" in (self.request.first(b"accept") or b"")
