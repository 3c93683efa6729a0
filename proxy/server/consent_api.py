"""Our own addresses, under /.consent/ on every site: the panel, choices, the policy, proofs.

Pages of ours hold nothing of anybody else, are never kept by caches and never framed.
GET changes nothing (threats T35).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from proxy.banner.words import Words
from proxy.consent.answer import How
from proxy.consent.decision import Decision
from proxy.consent.record import Receipt
from proxy.errors import BadRequest, RecordsError
from proxy.filter.headers import Headers
from proxy.filter.sweep import sweep
from proxy.server.answering import Answered, Outcome, settle
from proxy.server.call import Call
from proxy.server.choice import Choice, beside, is_theirs, read_choice, return_path
from proxy.server.choice_limits import ChoiceLimits
from proxy.server.config import Config
from proxy.server.files import page_file
from proxy.server.form_relay import FormRelay
from proxy.server.ground import Ground
from proxy.server.incoming import Incoming
from proxy.server.logs import log
from proxy.server.offers import agree_once, embed_page, form_page, offer_part, spoken
from proxy.server.ours import HTML, OURS, as_json, state_of
from proxy.server.proofs import forgotten, proofs_json, proofs_of
from proxy.server.reports import read_reports
from proxy.server.response import RawResponse
from proxy.server.sites import Site, Sites
from proxy.server.visit import Visit

GPC = b"/.well-known/gpc.json"
GPC_SINCE = "2026-11-01"
"""When the meaning of the signal on these sites last changed (W3C GPC, `lastUpdate`)."""

Answer = Callable[[Call], Awaitable[RawResponse]]


class OwnAddresses:
    """Answers every request for an address of ours."""

    def __init__(self, config: Config, sites: Sites, ground: Ground) -> None:
        self._path = config.consent.path.encode()
        self._form = config.limits.form
        self._sites = sites
        self._renderer = sites.all[0].renderer  # errors look the same on all of them
        self._store = ground.store
        self._tally = ground.tally
        self._limits = ChoiceLimits(ground, config.consent)
        self._relay = FormRelay(
            sites.all[0].policy, ground.reach.forms, ground.tally, f"{config.consent.path}relay/"
        )
        self._get: Mapping[bytes, Answer] = {
            b"": self._panel,
            b"policy": self._policy,
            b"policy.json": self._policy_json,
            b"receipt": self._receipt,
            b"state": self._state,
            b"embed": embed_page,
            b"form": form_page,
            b"offer": offer_part,
        }
        self._post: Mapping[bytes, Answer] = {
            b"choice": self._choose,
            b"receipt": self._erase,
            b"reports": self._reports,
        }

    def owns(self, visit: Visit) -> bool:
        """True for an address of ours, byte for byte; anything like it is the site's (threats T40)."""
        path = visit.path
        return path.startswith(self._path) or path == GPC

    async def answer(self, site: Site, visit: Visit, incoming: Incoming) -> RawResponse:
        """Return what one of our addresses says."""
        if visit.path == GPC:
            return as_json({"gpc": True, "lastUpdate": GPC_SINCE}, kept=True)
        name = visit.path.removeprefix(self._path)
        if name.startswith(b"relay/"):
            return await self._relay.answer(site.name, visit, incoming)
        if visit.method in (b"GET", b"HEAD"):
            table = self._get
        else:
            table = self._post if visit.method == b"POST" else {}
        chosen = table.get(name)
        if chosen is None and table is self._get:
            file = page_file(Call(site, visit, incoming), name.decode("latin-1"))
            if file is not None:
                return file
        if chosen is not None:
            try:
                return await chosen(Call(site, visit, incoming))
            except RecordsError:
                return self._said(visit, 503, [(b"Retry-After", b"30")])
        if name in self._get or name in self._post:
            allowed = b"GET, HEAD" if name in self._get else b"POST"
            return self._said(visit, 405, [(b"Allow", allowed)])
        return self._said(visit, 404)

    # -- what is shown -------------------------------------------------------------------------------

    async def _panel(self, call: Call) -> RawResponse:
        return self._panel_page(call, 200, None, return_path(call.visit, None))

    def _panel_page(self, call: Call, status: int, problem: str | None, back: str) -> RawResponse:
        words = call.words
        page = call.site.renderer.panel(
            words,
            call.decision,
            back=back,
            host=call.visit.host,
            problem=problem,
        )
        return self._page(page, status)

    async def _policy(self, call: Call) -> RawResponse:
        return self._page(call.site.renderer.table(call.words, host=call.visit.host))

    async def _policy_json(self, call: Call) -> RawResponse:
        return as_json(call.site.renderer.table_json(call.words))

    async def _receipt(self, call: Call) -> RawResponse:
        """Show every proof of a visitor to whoever holds their cookie."""
        kept = await proofs_of(self._store, call.decision.answer)
        if call.wants_json:
            return as_json(proofs_json(kept))
        newest, earlier = (kept[0], kept[1:]) if kept else (None, [])
        page = call.site.renderer.receipt(call.words, newest, earlier=earlier, host=call.visit.host)
        return self._page(page)

    async def _erase(self, call: Call) -> RawResponse:
        """Erase a visitor's proofs, and with them the answer they proved."""
        visit, answer = call.visit, call.decision.answer
        if not is_theirs(visit, self._sites.ours):
            return self._said(visit, 403)
        count = await self._store.erase_visitor(answer.visitor) if answer is not None else 0
        log().info("proofs_erased", site=call.site.name, records=count)
        headers = forgotten(call.site, visit)
        headers += [(b"Set-Cookie", line) for line in self._sweep(call, call.site.decide(visit, None))]
        if call.wants_json:
            return as_json({"erased": count}, headers)
        return RawResponse(303, [(b"Location", self._path + b"receipt"), *OURS, *headers])

    async def _state(self, call: Call) -> RawResponse:
        """Say what holds, and the words for a page that is no longer made for it.

        A page that asks has heard of a new answer and may have written by the old one.
        """
        lines = [] if call.decision.withheld else self._sweep(call, call.decision)
        said = {**state_of(call.decision, call.site), **_outdated(call.words)}
        return as_json(said, [(b"Set-Cookie", line) for line in lines])

    # -- what is taken in ----------------------------------------------------------------------------

    async def _choose(self, call: Call) -> RawResponse:
        """Let a choice take effect, or say why not; nothing is set and nothing kept then."""
        visit = call.visit
        if not is_theirs(visit, self._sites.ours):
            return self._said(visit, 403)
        try:
            choice = read_choice(visit, await call.incoming.whole_body(self._form), call.site.scope)
            choice = beside(choice, call.decision, call.site.scope)
        except BadRequest as error:
            return self._said(visit, error.status)
        if _widens(choice, call) and not self._limits.takes(visit):
            self._tally.add("answers", call.site.name, choice.how.value, "limited")
            return self._refused(call, 429, "panel.busy", choice)
        if choice.how is How.ONCE:
            return await self._once(call, choice)
        words = spoken(call, choice.language)
        answered = await settle(
            self._store,
            call.site,
            visit,
            choice,
            call.decision,
            shown=call.site.renderer.shown(words),
            language=words.code,
            stores=lambda: self._limits.stores(visit),
        )
        self._note(call, choice, answered)
        if answered.outcome is Outcome.UNPROVEN or answered.answer is None:
            return self._refused(call, 503, "panel.unproven", choice)
        return self._done(call, choice, answered)

    async def _once(self, call: Call, choice: Choice) -> RawResponse:
        """Let one view take effect: no answer changes, no cookie is set."""
        try:
            once = await agree_once(self._store, call, choice, self._path.decode())
        except BadRequest as error:
            return self._said(call.visit, error.status)
        self._note(call, choice, once.answered)
        if once.frame is None or once.answered.record is None:
            return self._refused(call, 503, "panel.unproven", choice)
        return as_json({"frame": once.frame, "receipt": Receipt(once.answered.record).to_json()})

    def _done(self, call: Call, choice: Choice, answered: Answered) -> RawResponse:
        """Return the answer to a choice that took effect: its cookie, and the end of what it refused."""
        visit, site = call.visit, call.site
        assert answered.answer is not None
        decision = site.decide(visit, answered.answer)
        headers: Headers = [(b"Set-Cookie", site.cookie_line(visit, answered.answer))]
        headers += [(b"Set-Cookie", line) for line in self._sweep(call, decision)]
        if call.wants_json:
            record = Receipt(answered.record).to_json() if answered.record is not None else None
            return as_json(
                {
                    **state_of(decision, site),
                    **(record or {}),
                    "receipt": record,
                    "outcome": answered.outcome.value,
                    "files": site.renderer.files(decision),
                    **_outdated(spoken(call, choice.language)),
                },
                headers,
            )
        return RawResponse(303, [(b"Location", choice.back.encode("ascii")), *OURS, *headers])

    def _sweep(self, call: Call, decision: Decision) -> list[bytes]:
        """Return the lines that expire refused cookies the visitor still holds (SAN-2025-005)."""
        visit, site = call.visit, call.site
        held = site.refused_names(visit, decision.grants)
        secure = visit.visitor.secure
        lines = sweep(held, host=visit.host, path=visit.path, domain=site.own.domain, secure=secure)
        return lines + (site.expire_doubles(visit) if call.reading.doubled else [])

    def _refused(self, call: Call, status: int, problem: str, choice: Choice) -> RawResponse:
        if call.wants_json:
            return as_json({**state_of(call.decision, call.site), "problem": problem}, [], status=status)
        return self._panel_page(call, status, problem, choice.back)

    def _note(self, call: Call, choice: Choice, answered: Answered) -> None:
        self._tally.add("answers", call.site.name, choice.how.value, answered.outcome.value)
        said = {
            "site": call.site.name,
            "how": choice.how.value,
            "granted": sorted(choice.granted),
            "outcome": answered.outcome.value,
            "record": answered.record.id if answered.record else None,
            "request_id": call.visit.id.decode("latin-1"),
        }
        if answered.outcome is Outcome.UNPROVEN:
            log().error("consent_unproven", why=self._store.trouble or "it did not answer in time", **said)
        else:
            counted = answered.outcome is Outcome.COUNTED
            log().info("consent_counted" if counted else "consent_recorded", **said)

    async def _reports(self, call: Call) -> RawResponse:
        """Count what a browser reports, keep nothing of it."""
        try:
            body = await call.incoming.whole_body(self._form * 8)
        except BadRequest as error:
            return self._said(call.visit, error.status)
        for report in read_reports(body, call.site.rules, call.site.cookies):
            self._tally.add("reports", call.site.name, report.kind, report.provider)
        return RawResponse(204, list(OURS))

    # -- pages of ours -------------------------------------------------------------------------------

    def error(self, visit: Visit, status: int, *, unheard: bool = False) -> RawResponse:
        """Return our own page for an upstream that failed: no provider, no cookie touched (T50)."""
        more = [(b"Retry-After", b"10")] if status in (503, 504) else []
        return self._said(visit, status, more, words_of=503 if unheard and status == 502 else status)

    def refusal(self, status: int, incoming: Incoming) -> RawResponse:
        """Return our own page where a request went wrong before its site was known."""
        accept = next(iter(incoming.fields.get(b"accept-language", ())), None)
        words = self._renderer.languages.choose(accept=accept)
        return self._page(self._renderer.error(words, status), status)

    def _said(
        self, visit: Visit, status: int, more: Headers | None = None, *, words_of: int = 0
    ) -> RawResponse:
        reference = visit.id.decode("latin-1")
        words = self._renderer.languages.choose(accept=visit.first(b"accept-language"))
        page = self._renderer.error(words, words_of or status, reference=reference, host=visit.host)
        return self._page(page, status, more)

    def _page(self, page: bytes, status: int = 200, more: Headers | None = None) -> RawResponse:
        headers: Headers = [(b"Content-Type", HTML), *OURS]
        headers += [(b"Content-Security-Policy", self._renderer.csp), (b"X-Frame-Options", b"DENY")]
        return RawResponse(status, [*headers, *(more or [])], page)


def _outdated(words: Words) -> dict[str, str]:
    """Return the words for a page that was made for an earlier answer."""
    return {"stale": words.plain("foot.stale"), "reload": words.plain("foot.reload")}


def _widens(choice: Choice, call: Call) -> bool:
    """True when a choice grants what does not hold already: only that needs a proof first."""
    grants = call.site.scope.granted(choice.granted)
    return choice.how is How.ONCE or not grants <= call.decision.grants
