"""Takes an answer that was given to another consent tool: recorded first, then put into our cookie.

The same rules hold as for a choice on our own panel: the limits of its network, and proof before yes.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.consent.answer import Answer, Declared
from proxy.consent.cookie import ConsentReading
from proxy.http.request import Request
from proxy.own.choice_limits import ChoiceLimits
from proxy.own.consent_commit import CommitOutcome, Committed, commit_declared
from proxy.records.store import RecordStore
from proxy.snapshot.sites import Site
from proxy.telemetry.logs import log
from proxy.telemetry.metrics import Tally


@dataclass(frozen=True, slots=True)
class DeclaredAnswers:
    """Takes them into one store, within the limits that hold for choices."""

    store: RecordStore
    limits: ChoiceLimits
    tally: Tally

    async def take(
        self, site: Site, request: Request, reading: ConsentReading, declared: Declared
    ) -> Answer | None:
        """Return the answer that holds now and goes into our cookie; None where it cannot be taken yet."""
        due = declared.due
        if due is None:
            return None
        widens = not due.grants() <= site.decide(request, reading.answer).grants
        if widens and not self.limits.takes(request):
            self.tally.add("answers", site.name, "declared", "limited")
            return None
        words = site.renderer.languages.choose(accept=request.first(b"accept-language"))
        committed = await commit_declared(
            self.store,
            site,
            request,
            reading.answer,
            declared,
            language=words.code,
            stores=lambda: self.limits.stores(request),
        )
        self._report(site, request, declared, committed)
        return committed.answer

    def _report(self, site: Site, request: Request, declared: Declared, committed: Committed) -> None:
        self.tally.add("answers", site.name, "declared", committed.outcome.value)
        fields = {
            "site": site.name,
            "declared_by": declared.tool,
            "granted": sorted(declared.due.granted) if declared.due is not None else [],
            "outcome": committed.outcome.value,
            "record": committed.record.id if committed.record else None,
            "request_id": request.id.decode("latin-1"),
        }
        if committed.outcome is CommitOutcome.UNPROVEN:
            log().error("consent_unproven", why=self.store.trouble or "it did not respond in time", **fields)
        else:
            counted = committed.outcome is CommitOutcome.COUNTED
            log().info("consent_counted" if counted else "consent_recorded", **fields)
