"""One request on its way, with all that was decided about it; how it is counted and logged at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from proxy.config.types import Config, Mode
from proxy.consent.answer import Answer
from proxy.consent.cookie import ConsentReading
from proxy.consent.decision import Ask, Decision
from proxy.filter.headers.cookie_names import without_ids
from proxy.filter.verdict import Does, Verdict
from proxy.http.message import IncomingMessage
from proxy.http.request import Request
from proxy.snapshot.site_paths import WHOLE
from proxy.snapshot.sites import Site, Variant
from proxy.snapshot.snapshot import Snapshot
from proxy.telemetry.logs import json_text, log, log_request
from proxy.telemetry.metrics import Judgement, Tally, status_class, summary_of, summary_of_tags
from proxy.telemetry.visitor_network import network_of

FRAMES = frozenset({b"iframe", b"frame", b"object", b"embed", b"fencedframe"})
"""Destinations of pages that fill a frame: guarded, without banner and link."""

SILENT = (Ask.NO, Ask.OFF)
"""Decisions by which a page has neither banner nor notice."""


@dataclass(slots=True)
class RequestContext:
    """A request for a site, the decision that holds for it, and what was done meanwhile."""

    snapshot: Snapshot
    message: IncomingMessage
    request: Request
    site: Site
    reading: ConsentReading
    decision: Decision
    variant: Variant
    began: float
    mode: Mode = Mode.ENFORCE  # of the site for this visitor, or of this part of it
    verdicts: list[Judgement] = field(default_factory=list)  # on the request and on the head of its response
    tags: Sequence[Verdict] = ()  # on what stands in the page
    kind: str = "other"
    upstream_seconds: float = 0.0
    read: int = 0  # bytes of a body that has left, or of a page that was read
    asks: bool = False  # the page carries the banner
    language: str = ""  # of the banner in it
    tag_: bytes = b""  # `tag`, once it is known
    taken: Answer | None = None  # another consent tool's, recorded for this request: our cookie carries it

    @property
    def tag(self) -> bytes:
        """The name of the page this visitor gets, for validators: equal tag, equal page."""
        if not self.tag_:
            self.tag_ = (
                self.site.tag(self.variant, ("observed",))
                if self.observes
                else page_tag(self.site, self.variant, self.request, self.decision)
            )
        return self.tag_

    @property
    def shows_banner(self) -> bool:
        """True when the page carries the banner, or the notice in its place."""
        return self.decision.ask not in SILENT and self.request.destination not in FRAMES

    @property
    def observes(self) -> bool:
        """True where nothing is refused: observed, or switched off."""
        return self.mode is not Mode.ENFORCE

    @property
    def rewrites(self) -> bool:
        """True where pages leave with other bytes than they came: filtered, or with our script added."""
        return self.mode is Mode.ENFORCE or (self.mode is Mode.OBSERVE and self.site.observes_pages)

    @property
    def may_ask_again(self) -> bool:
        """True when a second, plainer request does no harm: pages are rewritten, the method safe."""
        return self.rewrites and self.request.method in (b"GET", b"HEAD")

    def take(self, answer: Answer) -> None:
        """Go on with the answer that another consent tool was given and that is recorded now."""
        decision = self.site.decide(self.request, answer)
        part = self.site.paths.part(self.request.path) if self.site.paths is not None else WHOLE
        self.taken, self.decision = answer, part.decision(decision)
        self.variant = self.site.variant(decision.grants, secure=self.request.visitor.secure)

    def note_presumed(self, line: bytes) -> None:
        """Log a cookie that was presumed necessary, the first time its name is seen."""
        found = self.snapshot.presumed.note(self.site.cookies, line, self.request.host, self.request.now)
        if found is not None:
            log().info(
                "cookie_presumed",
                site=self.site.name,
                name=found.name,
                purpose=found.purpose,
                platform=found.platform or None,
                lasts=found.lasts,
                note="no rule describes it; it passes until somebody has looked",
            )

    def note_unread(self) -> None:
        """Note that this page cannot be read."""
        self.snapshot.sightings.note_unread(self.site.name, self.request.path, self.request.now)

    def _report_unserved(self, unserved: dict[str, bool]) -> None:
        """Log hosts of the site's domain that pages load from and this proxy does not serve, each once."""
        for host in [host for host, reported in unserved.items() if not reported]:
            unserved[host] = True
            self.snapshot.sightings.note_host(self.site.name, host, self.request.now)
            log().info(
                "own_host_seen",
                site=self.site.name,
                host=host,
                note="it bears the site's name and does not pass this proxy: what it sets is not filtered; "
                "serve it here, or name it in a tag rule (`from:`) if it collects for somebody else",
            )

    def _note_called(self, called: dict[str, bool]) -> None:
        """Note the functions that inline scripts of pages call and no rule speaks of, each once."""
        for name in [name for name, noted in called.items() if not noted]:
            called[name] = True
            self.snapshot.sightings.note_call(self.site.name, name, self.request.path, self.request.now)

    def warn_of_drop(self, line: bytes, verdict: Verdict) -> None:
        """Log a cookie that the response to a POST lost: a form may not work without it."""
        name = line.partition(b";")[0].partition(b"=")[0].strip().decode("latin-1")
        log().warning(
            "cookie_dropped",
            site=self.site.name,
            path=self.request.path.decode("latin-1"),
            name=without_ids(name),
            provider=verdict.provider,
            purpose=list(verdict.needs),
            rule=verdict.because.rule if verdict.because else None,
            note="in the response to a POST: if a form or a sign-in needs it, describe it in rules.yaml",
            observed=self.observes or None,
            request_id=self.request.id.decode("latin-1"),
        )

    def tell(self, tally: Tally, status: int, outcome: str = "") -> None:
        """Count the request and write its record: path only, no query, no cookie, no whole address."""
        site = self.site.name
        took = time.perf_counter() - self.began
        tally.count_request(
            site, self.kind, status, max(0.0, took - self.upstream_seconds), self.upstream_seconds
        )
        if unserved := self.site.rules.unserved:
            self._report_unserved(unserved)
        if called := self.site.foreign_calls.found:
            self._note_called(called)
        counts = tally.counts
        if self.read and self.kind == "document":
            counts["rewritten_bytes", site] += self.read
        if self.asks:
            counts["asked", site, self.decision.ask.value, self.language] += 1
        sightings, words = self.snapshot.sightings, ""
        if self.kind == "document":
            for line in self.request.fields.get(b"cookie", ()):
                sightings.note_sent_cookies(site, line, self.request.path)
        if self.verdicts:
            said = summary_of(self.verdicts)
            tally.count_verdicts(site, said)
            sightings.note_tags(site, said, self.request.path)
            words = said.words
        if self.tags:
            said = summary_of_tags(self.tags)
            tally.count_verdicts(site, said)
            sightings.note_tags(site, said, self.request.path)
            words = f"{words},{said.words}" if words else said.words
        if self.snapshot.config.log.requests:
            self._write(status, took, outcome, words)

    def _write(self, status: int, took: float, outcome: str, said: str) -> None:
        more = f',"outcome":{json_text(outcome)}' if outcome else ""
        if self.observes:
            more += ',"off":true' if self.mode is Mode.OFF else ',"observed":true'
        if said:
            more += f',"verdicts":{{{said}}}'
        log_request(
            f'{_asked(self.site, self.request)},"status":{status},"kind":"{self.kind}"'
            f',"granted":{self.variant.granted},"ms":{took * 1000:.2f}{more}'
        )
        if self.snapshot.config.log.level == "debug":
            self._write_each()

    def _write_each(self) -> None:
        """Write a record for each verdict: what, whose, which rule, on which page."""
        for kind, verdict in [*self.verdicts, *(("tag", verdict) for verdict in self.tags)]:
            log().debug(
                _event(kind, verdict),
                site=self.site.name,
                path=self.request.path.decode("latin-1"),
                does=verdict.does.value,
                provider=verdict.provider,
                purpose=list(verdict.needs),
                rule=verdict.because.rule if verdict.because else None,
                note=verdict.note or None,
                request_id=self.request.id.decode("latin-1"),
            )


def context_of(snapshot: Snapshot, message: IncomingMessage, began: float) -> RequestContext:
    """Return the request with its site, the decision that holds for it, and what is compiled for that.

    BadRequest where the request contradicts itself (400) or is for no site of ours (421).
    """
    request = snapshot.request(message)
    site = snapshot.sites.match(request.host)
    reading, decision = site.look_up_consent(request)
    variant = site.variant(decision.grants, secure=request.visitor.secure)
    part = site.paths.part(request.path) if site.paths is not None else WHOLE
    return RequestContext(
        snapshot,
        message,
        request,
        site,
        reading,
        part.decision(decision),
        variant,
        began,
        mode=site.mode_for(request, decision).milder(part.mode),
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


def tell_own(tally: Tally, config: Config, site: Site, request: Request, status: int) -> None:
    """Count a request for an address of ours and write its record."""
    tally.add("requests", site.name, "own", status_class(status))
    if config.log.requests:
        log_request(f'{_asked(site, request)},"status":{status},"kind":"own"')


def _asked(site: Site, request: Request) -> str:
    """Return what a record says of a request, as JSON without braces."""
    who = _who(site.name, request.host, request.method, request.visitor.address)
    path = json_text(request.path.decode("latin-1"))
    return f'{who},"path":{path},"request_id":"{request.id.decode("ascii")}"'


@lru_cache(maxsize=4096)
def _who(site: str, host: str, method: bytes, address: str) -> str:
    return (
        f'"site":{json_text(site)},"host":{json_text(host)},"method":{json_text(method.decode("latin-1"))}'
        f',"visitor":"{network_of(address)}"'
    )


def page_tag(site: Site, variant: Variant, request: Request, decision: Decision) -> bytes:
    """Return the name of the page that a visitor gets with this decision."""
    return site.tag(variant, page_facts(request, decision))


def page_facts(request: Request, decision: Decision) -> tuple[object, ...]:
    """Return all, beside grants, rules and address, on which the bytes of a page depend."""
    answer = decision.answer
    return (
        decision.ask,
        tuple(sorted(decision.new.pairs)),  # sets are written out in another order by each process
        decision.withheld,
        request.destination in FRAMES,
        request.opens,
        tuple(sorted(answer.since.items())) if answer is not None else (),
        request.first(b"accept-language"),
        decision.saved(request.now) if answer is not None else None,
    )
