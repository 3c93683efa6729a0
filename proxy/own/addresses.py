"""Our own addresses, under /.consent/ on every site: the panel, choices, the policy, proofs.

Pages of ours hold nothing of anybody else, are never kept by caches and never framed.
GET changes nothing (threats T35).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from proxy.banner.words import Words
from proxy.config.types import Config
from proxy.consent.answer import How
from proxy.consent.decision import Decision
from proxy.consent.record import Receipt
from proxy.errors import BadRequest, RecordsError
from proxy.filter.headers.judged import Headers
from proxy.filter.headers.sweep import sweep
from proxy.http.message import IncomingMessage
from proxy.http.request import Request
from proxy.http.response import Response
from proxy.own.choice import Choice, beside, is_theirs, read_choice, return_path
from proxy.own.choice_limits import ChoiceLimits
from proxy.own.consent_commit import CommitOutcome, Committed, commit
from proxy.own.embed_views import agree_once, embed_page, form_page, offer_part, spoken
from proxy.own.files import page_file
from proxy.own.form_relay import FormRelay
from proxy.own.own_request import OwnRequest
from proxy.own.own_response import HTML, OURS, as_json, state_of
from proxy.own.receipts import forgotten, proofs_json, proofs_of
from proxy.own.reports import read_reports
from proxy.snapshot.shared_resources import SharedResources
from proxy.snapshot.sites import Site, Sites
from proxy.telemetry.logs import log

GPC = b"/.well-known/gpc.json"
GPC_SINCE = "2026-11-01"
"""When the meaning of the signal on these sites last changed (W3C GPC, `lastUpdate`)."""

Answer = Callable[[OwnRequest], Awaitable[Response]]


class OwnAddresses:
    """Answers every request for an address of ours."""

    def __init__(self, config: Config, sites: Sites, shared: SharedResources) -> None:
        self._path = config.consent.path.encode()
        self._form = config.limits.form
        self._sites = sites
        self._renderer = sites.all[0].renderer  # errors look the same on all of them
        self._store = shared.store
        self._tally = shared.tally
        self._limits = ChoiceLimits(shared, config.consent)
        self._relay = FormRelay(
            sites.all[0].policy, shared.reach.forms, shared.tally, f"{config.consent.path}relay/"
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

    def owns(self, request: Request) -> bool:
        """True for an address of ours, byte for byte; anything like it is the site's (threats T40)."""
        path = request.path
        return path.startswith(self._path) or path == GPC

    async def answer(self, site: Site, request: Request, message: IncomingMessage) -> Response:
        """Return what one of our addresses says."""
        if request.path == GPC:
            return as_json({"gpc": True, "lastUpdate": GPC_SINCE}, kept=True)
        name = request.path.removeprefix(self._path)
        if name.startswith(b"relay/"):
            return await self._relay.answer(site.name, request, message)
        if request.method in (b"GET", b"HEAD"):
            table = self._get
        else:
            table = self._post if request.method == b"POST" else {}
        chosen = table.get(name)
        if chosen is None and table is self._get:
            file = page_file(OwnRequest(site, request, message), name.decode("latin-1"))
            if file is not None:
                return file
        if chosen is not None:
            try:
                return await chosen(OwnRequest(site, request, message))
            except RecordsError:
                return self._said(request, 503, [(b"Retry-After", b"30")])
        if name in self._get or name in self._post:
            allowed = b"GET, HEAD" if name in self._get else b"POST"
            return self._said(request, 405, [(b"Allow", allowed)])
        return self._said(request, 404)

    # -- what is shown -------------------------------------------------------------------------------

    async def _panel(self, call: OwnRequest) -> Response:
        return self._panel_page(call, 200, None, return_path(call.request, None))

    def _panel_page(self, call: OwnRequest, status: int, problem: str | None, back: str) -> Response:
        words = call.words
        page = call.site.renderer.panel(
            words,
            call.decision,
            back=back,
            host=call.request.host,
            problem=problem,
        )
        return self._page(page, status)

    async def _policy(self, call: OwnRequest) -> Response:
        return self._page(call.site.renderer.table(call.words, host=call.request.host))

    async def _policy_json(self, call: OwnRequest) -> Response:
        return as_json(call.site.renderer.table_json(call.words))

    async def _receipt(self, call: OwnRequest) -> Response:
        """Show every proof of a visitor to whoever holds their cookie."""
        kept = await proofs_of(self._store, call.decision.answer)
        if call.wants_json:
            return as_json(proofs_json(kept))
        newest, earlier = (kept[0], kept[1:]) if kept else (None, [])
        page = call.site.renderer.receipt(call.words, newest, earlier=earlier, host=call.request.host)
        return self._page(page)

    async def _erase(self, call: OwnRequest) -> Response:
        """Erase a visitor's proofs, and with them the answer they proved."""
        request, answer = call.request, call.decision.answer
        if not is_theirs(request, self._sites.ours):
            return self._said(request, 403)
        count = await self._store.erase_visitor(answer.visitor) if answer is not None else 0
        log().info("proofs_erased", site=call.site.name, records=count)
        headers = forgotten(call.site, request)
        headers += [(b"Set-Cookie", line) for line in self._sweep(call, call.site.decide(request, None))]
        if call.wants_json:
            return as_json({"erased": count}, headers)
        return Response(303, [(b"Location", self._path + b"receipt"), *OURS, *headers])

    async def _state(self, call: OwnRequest) -> Response:
        """Say what holds, and the words for a page that is no longer made for it.

        A page that asks has heard of a new answer and may have written by the old one.
        """
        lines = [] if call.decision.withheld else self._sweep(call, call.decision)
        said = {**state_of(call.decision, call.site), **_outdated(call.words)}
        return as_json(said, [(b"Set-Cookie", line) for line in lines])

    # -- what is taken in ----------------------------------------------------------------------------

    async def _choose(self, call: OwnRequest) -> Response:
        """Let a choice take effect, or say why not; nothing is set and nothing kept then."""
        request = call.request
        if not is_theirs(request, self._sites.ours):
            return self._said(request, 403)
        try:
            choice = read_choice(request, await call.message.whole_body(self._form), call.site.scope)
            choice = beside(choice, call.decision, call.site.scope)
        except BadRequest as error:
            return self._said(request, error.status)
        if _widens(choice, call) and not self._limits.takes(request):
            self._tally.add("answers", call.site.name, choice.how.value, "limited")
            return self._refused(call, 429, "panel.busy", choice)
        if choice.how is How.ONCE:
            return await self._once(call, choice)
        words = spoken(call, choice.language)
        answered = await commit(
            self._store,
            call.site,
            request,
            choice,
            call.decision,
            shown=call.site.renderer.shown(words),
            language=words.code,
            stores=lambda: self._limits.stores(request),
        )
        self._note(call, choice, answered)
        if answered.outcome is CommitOutcome.UNPROVEN or answered.answer is None:
            return self._refused(call, 503, "panel.unproven", choice)
        return self._done(call, choice, answered)

    async def _once(self, call: OwnRequest, choice: Choice) -> Response:
        """Let one view take effect: no answer changes, no cookie is set."""
        try:
            once = await agree_once(self._store, call, choice, self._path.decode())
        except BadRequest as error:
            return self._said(call.request, error.status)
        self._note(call, choice, once.answered)
        if once.frame is None or once.answered.record is None:
            return self._refused(call, 503, "panel.unproven", choice)
        return as_json({"frame": once.frame, "receipt": Receipt(once.answered.record).to_json()})

    def _done(self, call: OwnRequest, choice: Choice, answered: Committed) -> Response:
        """Return the answer to a choice that took effect: its cookie, and the end of what it refused."""
        request, site = call.request, call.site
        assert answered.answer is not None
        decision = site.decide(request, answered.answer)
        headers: Headers = [(b"Set-Cookie", site.cookie_line(request, answered.answer))]
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
        return Response(303, [(b"Location", choice.back.encode("ascii")), *OURS, *headers])

    def _sweep(self, call: OwnRequest, decision: Decision) -> list[bytes]:
        """Return the lines that expire refused cookies the visitor still holds (SAN-2025-005)."""
        request, site = call.request, call.site
        held = site.refused_names(request, decision.grants)
        secure = request.visitor.secure
        lines = sweep(held, host=request.host, path=request.path, domain=site.own.domain, secure=secure)
        return lines + (site.expire_doubles(request) if call.reading.doubled else [])

    def _refused(self, call: OwnRequest, status: int, problem: str, choice: Choice) -> Response:
        if call.wants_json:
            return as_json({**state_of(call.decision, call.site), "problem": problem}, [], status=status)
        return self._panel_page(call, status, problem, choice.back)

    def _note(self, call: OwnRequest, choice: Choice, answered: Committed) -> None:
        self._tally.add("answers", call.site.name, choice.how.value, answered.outcome.value)
        said = {
            "site": call.site.name,
            "how": choice.how.value,
            "granted": sorted(choice.granted),
            "outcome": answered.outcome.value,
            "record": answered.record.id if answered.record else None,
            "request_id": call.request.id.decode("latin-1"),
        }
        if answered.outcome is CommitOutcome.UNPROVEN:
            log().error("consent_unproven", why=self._store.trouble or "it did not answer in time", **said)
        else:
            counted = answered.outcome is CommitOutcome.COUNTED
            log().info("consent_counted" if counted else "consent_recorded", **said)

    async def _reports(self, call: OwnRequest) -> Response:
        """Count what a browser reports, keep nothing of it."""
        try:
            body = await call.message.whole_body(self._form * 8)
        except BadRequest as error:
            return self._said(call.request, error.status)
        for report in read_reports(body, call.site.rules, call.site.cookies):
            self._tally.add("reports", call.site.name, report.kind, report.provider)
        return Response(204, list(OURS))

    # -- pages of ours -------------------------------------------------------------------------------

    def error(self, request: Request, status: int, *, unheard: bool = False) -> Response:
        """Return our own page for an upstream that failed: no provider, no cookie touched (T50)."""
        more = [(b"Retry-After", b"10")] if status in (503, 504) else []
        return self._said(request, status, more, words_of=503 if unheard and status == 502 else status)

    def refusal(self, status: int, message: IncomingMessage) -> Response:
        """Return our own page where a request went wrong before its site was known."""
        accept = next(iter(message.fields.get(b"accept-language", ())), None)
        words = self._renderer.languages.choose(accept=accept)
        return self._page(self._renderer.error(words, status), status)

    def _said(
        self, request: Request, status: int, more: Headers | None = None, *, words_of: int = 0
    ) -> Response:
        reference = request.id.decode("latin-1")
        words = self._renderer.languages.choose(accept=request.first(b"accept-language"))
        page = self._renderer.error(words, words_of or status, reference=reference, host=request.host)
        return self._page(page, status, more)

    def _page(self, page: bytes, status: int = 200, more: Headers | None = None) -> Response:
        headers: Headers = [(b"Content-Type", HTML), *OURS]
        headers += [(b"Content-Security-Policy", self._renderer.csp), (b"X-Frame-Options", b"DENY")]
        return Response(status, [*headers, *(more or [])], page)


def _outdated(words: Words) -> dict[str, str]:
    """Return the words for a page that was made for an earlier answer."""
    return {"stale": words.plain("foot.stale"), "reload": words.plain("foot.reload")}


def _widens(choice: Choice, call: OwnRequest) -> bool:
    """True when a choice grants what does not hold already: only that needs a proof first."""
    grants = call.site.scope.granted(choice.granted)
    return choice.how is How.ONCE or not grants <= call.decision.grants
