"""One request on its way, with all that was decided about it; what is said of it at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING

from proxy.consent.cookie import Reading
from proxy.consent.decision import Decision
from proxy.filter.verdict import Does, Verdict
from proxy.server.config import Config
from proxy.server.incoming import Incoming
from proxy.server.logs import json_text, log, log_request, network_of
from proxy.server.observe import Tally, status_class
from proxy.server.said import Judgement, said_of, said_of_tags
from proxy.server.sites import Site, Variant
from proxy.server.visit import Visit

if TYPE_CHECKING:
    from proxy.server.house import House


FRAMES = frozenset({b"iframe", b"frame", b"object", b"embed", b"fencedframe"})
"""Destinations of pages that fill a frame: guarded, without banner and link."""


@dataclass(slots=True)
class Passage:
    """A visit to a site, the decision that holds for it, and what was done meanwhile."""

    house: House
    incoming: Incoming
    visit: Visit
    site: Site
    reading: Reading
    decision: Decision
    variant: Variant
    began: float
    verdicts: list[Judgement] = field(default_factory=list)  # on the request and on the head of its answer
    tags: Sequence[Verdict] = ()  # on what stands in the page
    kind: str = "other"
    upstream_seconds: float = 0.0
    read: int = 0  # bytes of a body that has left, or of a page that was read
    asks: bool = False  # the page carries the banner
    _tag: bytes = b""

    @property
    def tag(self) -> bytes:
        """The name of the page this visitor gets, for validators: equal tag, equal page."""
        if not self._tag:
            self._tag = self.site.tag(self.variant, page_facts(self.visit, self.decision))
        return self._tag

    @property
    def may_ask_again(self) -> bool:
        """True when a second, plainer request does no harm: the site is filtered, the method safe."""
        return not self.site.observes and self.visit.method in (b"GET", b"HEAD")

    def tell(self, tally: Tally, status: int, outcome: str = "") -> None:
        """Count the request and write its record: path only, no query, no cookie, no whole address."""
        site = self.site.name
        took = time.perf_counter() - self.began
        tally.relayed(site, self.kind, status, max(0.0, took - self.upstream_seconds), self.upstream_seconds)
        counts = tally.counts
        if self.read and self.kind == "document":
            counts["rewritten_bytes", site] += self.read
        if self.asks:
            counts["asked", site, self.decision.ask.value] += 1
        words = ""
        if self.verdicts:
            said = said_of(self.verdicts)
            tally.judged(site, said)
            words = said.words
        if self.tags:
            said = said_of_tags(self.tags)
            tally.judged(site, said)
            words = f"{words},{said.words}" if words else said.words
        if self.house.config.log.requests:
            self._write(status, took, outcome, words)

    def _write(self, status: int, took: float, outcome: str, said: str) -> None:
        more = f',"outcome":{json_text(outcome)}' if outcome else ""
        if self.site.observes:
            more += ',"observed":true'
        if said:
            more += f',"verdicts":{{{said}}}'
        log_request(
            f'{_asked(self.site, self.visit)},"status":{status},"kind":"{self.kind}"'
            f',"granted":{self.variant.granted},"ms":{took * 1000:.2f}{more}'
        )
        if self.house.config.log.level == "debug":
            self._write_each()

    def _write_each(self) -> None:
        """Write a record for each verdict: what, whose, which rule, on which page."""
        for kind, verdict in [*self.verdicts, *(("tag", verdict) for verdict in self.tags)]:
            log().debug(
                _event(kind, verdict),
                site=self.site.name,
                path=self.visit.path.decode("latin-1"),
                does=verdict.does.value,
                provider=verdict.provider,
                purpose=list(verdict.needs),
                rule=verdict.because.rule if verdict.because else None,
                note=verdict.note or None,
                request_id=self.visit.id.decode("latin-1"),
            )


def _event(kind: str, verdict: Verdict) -> str:
    match kind:
        case "cookie":
            return "cookie_capped" if verdict.does is Does.CAP else "cookie_dropped"
        case "header":
            return "header_dropped"
        case "request":
            return "request_answered"
        case _:
            return "tag_held"


def tell_own(tally: Tally, config: Config, site: Site, visit: Visit, status: int) -> None:
    """Count a request for an address of ours and write its record."""
    tally.add("requests", site.name, "own", status_class(status))
    if config.log.requests:
        log_request(f'{_asked(site, visit)},"status":{status},"kind":"own"')


def _asked(site: Site, visit: Visit) -> str:
    """Return what a record says of a request, as JSON without braces."""
    who = _who(site.name, visit.host, visit.method, visit.visitor.address)
    path = json_text(visit.path.decode("latin-1"))
    return f'{who},"path":{path},"request_id":"{visit.id.decode("ascii")}"'


@lru_cache(maxsize=4096)
def _who(site: str, host: str, method: bytes, address: str) -> str:
    return (
        f'"site":{json_text(site)},"host":{json_text(host)},"method":{json_text(method.decode("latin-1"))}'
        f',"visitor":"{network_of(address)}"'
    )


def page_facts(visit: Visit, decision: Decision) -> tuple[object, ...]:
    """Return all, beside grants, rules and address, on which the bytes of a page depend."""
    answer = decision.answer
    return (
        decision.ask,
        tuple(sorted(decision.new.pairs)),  # sets are written out in another order by each process
        decision.withheld,
        visit.destination in FRAMES,
        visit.opens,
        tuple(sorted(answer.since.items())) if answer is not None else (),
        visit.first(b"accept-language"),
    )
