"""One request on its way, with all that was decided about it; what is said of it at the end."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from proxy.consent.cookie import Reading
from proxy.consent.decision import Decision
from proxy.filter.verdict import Does, Verdict
from proxy.server.incoming import Incoming
from proxy.server.logs import log, network_of
from proxy.server.observe import Tally
from proxy.server.sites import Site, Variant
from proxy.server.visit import Visit

if TYPE_CHECKING:
    from proxy.server.house import House


Judgement = tuple[str, Verdict]
"""What was judged (tag, cookie, header, request), and how."""


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
    tag: bytes  # names the page this visitor gets, in validators: equal tag, equal page
    verdicts: list[Judgement] = field(default_factory=list)
    kind: str = "other"
    upstream_seconds: float = 0.0
    rewritten: int = 0

    @property
    def may_ask_again(self) -> bool:
        """True when a second, plainer request does no harm: the site is filtered, the method safe."""
        return not self.site.observes and self.visit.method in (b"GET", b"HEAD")

    def judged(self, verdicts: Iterable[Judgement]) -> None:
        """Take note of what was not kept."""
        self.verdicts += verdicts

    def tell(self, tally: Tally, status: int, outcome: str = "") -> None:
        """Count the request and write its record: path only, no query, no cookie, no whole address."""
        site = self.site.name
        took = time.perf_counter() - self.began
        tally.add("requests", site, self.kind, f"{status // 100}xx")
        tally.took("own_seconds", site, max(0.0, took - self.upstream_seconds))
        if self.upstream_seconds:
            tally.took("upstream_seconds", site, self.upstream_seconds)
        if self.rewritten:
            tally.add("rewritten_bytes", site, by=self.rewritten)
        for kind, verdict in self.verdicts:
            tally.verdicts(site, kind, (verdict,))
        if self.house.config.log.requests:
            self._write(status, took, outcome)

    def _write(self, status: int, took: float, outcome: str) -> None:
        visit = self.visit
        record: dict[str, object] = {
            "site": self.site.name,
            "host": visit.host,
            "method": visit.method.decode("latin-1"),
            "path": visit.path.decode("latin-1"),
            "status": status,
            "kind": self.kind,
            "granted": sorted(self.variant.granted),
            "ms": round(took * 1000, 2),
            "visitor": network_of(visit.visitor.address),
            "request_id": visit.id.decode("latin-1"),
        }
        if outcome:
            record["outcome"] = outcome
        if self.site.observes:
            record["observed"] = True
        if self.verdicts:
            counted = Counter(f"{kind} {_words(verdict)}" for kind, verdict in self.verdicts)
            record["verdicts"] = dict(counted)
        log().info("request_relayed", **record)
        if self.house.config.log.level == "debug":
            self._write_each()

    def _write_each(self) -> None:
        """Write a record for each verdict: what, whose, which rule, on which page."""
        for kind, verdict in self.verdicts:
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


def _words(verdict: Verdict) -> str:
    """Return what a log says of a verdict: what, whose, by which rule."""
    whose = verdict.provider or verdict.note or "undeclared"
    return f"{verdict.does.value} {whose}" + (f" {verdict.because.rule}" if verdict.because else "")
