"""One request for an address of ours, with what its visitor decided."""

from __future__ import annotations

import re

from proxy.banner.words import Words
from proxy.consent.cookie import Reading
from proxy.consent.decision import Decision
from proxy.server.incoming import Incoming
from proxy.server.sites import Site
from proxy.server.visit import Visit

_LANGUAGE = re.compile(rb"(?:^|&)language=([A-Za-z-]{2,35})(?:&|$)")


class Call:
    """One request for an address of ours, with the visitor's decision."""

    __slots__ = ("decision", "incoming", "reading", "site", "visit")

    def __init__(self, site: Site, visit: Visit, incoming: Incoming) -> None:
        self.site = site
        self.visit = visit
        self.incoming = incoming
        self.reading: Reading
        self.decision: Decision
        self.reading, self.decision = site.settle(visit)

    @property
    def words(self) -> Words:
        """The language of the page they come from, where its link says it, or what their browser asks for."""
        found = _LANGUAGE.search(self.visit.query)
        page = found[1].decode() if found else ""
        return self.site.renderer.languages.choose(page=page, accept=self.visit.first(b"accept-language"))

    @property
    def wants_json(self) -> bool:
        """True when a program asks."""
        return b"application/json" in (self.visit.first(b"accept") or b"")
