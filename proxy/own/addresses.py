"""Dispatches requests for /.consent/ and /.well-known/gpc.json: panel, choices, policy, proofs.

These pages hold no third-party content, are never cached and never framed. GET changes
nothing (threats T35).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from urllib.parse import parse_qs

from proxy.banner.words import Words
from proxy.config.types import Config
from proxy.consent.answer import Answer, Declared, Gesture, How
from proxy.consent.cookie import ConsentReading
from proxy.consent.decision import Decision
from proxy.consent.record import Receipt
from proxy.errors import BadRequest, RecordsError
from proxy.filter.body.encoding import choose, encoder
from proxy.filter.headers.fields import Headers
from proxy.filter.headers.sweep import sweep
from proxy.http.message import IncomingMessage
from proxy.http.request import Request
from proxy.http.response import NOTHING_LOADS, Response
from proxy.own.browser_reports import read_reports
from proxy.own.choice import SubmittedChoice, is_from_site, merge_placeholder_choice, read_choice, return_path
from proxy.own.choice_limits import ChoiceLimits
from proxy.own.consent_commit import CommitOutcome, Committed, commit
from proxy.own.declared_answers import DeclaredAnswers
from proxy.own.embed_views import (
    embed_page,
    failed_form,
    failed_frame,
    form_page,
    grant_one_view,
    is_for_frame,
    offer_part,
    page_language,
)
from proxy.own.files import file_response
from proxy.own.form_relay import FormRelays
from proxy.own.gesture import gesture_of, needs_person
from proxy.own.own_request import OwnRequest
from proxy.own.own_response import HTML, OWN_HEADERS, again_page, answered_page, consent_state, json_response
from proxy.own.receipts import expire_consent_cookie, proofs_json, proofs_of
from proxy.policy.model import CookieRule
from proxy.snapshot.shared_resources import SharedResources
from proxy.snapshot.sites import Site, Sites
from proxy.telemetry.logs import log
from proxy.telemetry.visitor_network import network_of

GPC = b"/.well-known/gpc.json"
GPC_SINCE = "2026-11-01"
"""When the meaning of the signal on these sites last changed (W3C GPC, `lastUpdate`)."""

Endpoint = Callable[[OwnRequest], Awaitable[Response]]


_CLEAR_PREFETCHED = (b"Clear-Site-Data", b'"prefetchCache", "prerenderCache"')
"""Pages that a browser prefetched or prerendered were made for the earlier answer."""


class OwnAddresses:
    """Responds to every request for one of the proxy's own addresses."""

    def __init__(self, config: Config, sites: Sites, shared: SharedResources) -> None:
        self.path = config.consent.path.encode()  # of all of them but GPC
        self._form = config.limits.form
        self._sites = sites
        self._renderer = sites.all[0].renderer  # errors look the same on all of them
        self._store = shared.store
        self._presumed = shared.presumed
        self._tally = shared.tally
        self._sightings = shared.sightings
        self._limits = ChoiceLimits(shared, config.consent)
        self._relays = FormRelays(sites, shared, f"{config.consent.path}relay/")
        self._get: Mapping[bytes, Endpoint] = {
            b"": self._panel,
            b"policy": self._policy,
            b"policy.json": self._policy_json,
            b"receipt": self._receipt,
            b"state": self._state,
            b"embed": embed_page,
            b"form": form_page,
            b"offer": offer_part,
        }
        self._post: Mapping[bytes, Endpoint] = {
            b"choice": self._choose,
            b"receipt": self._erase,
            b"reports": self._reports,
        }

    async def respond(self, site: Site, request: Request, message: IncomingMessage) -> Response:
        """Return the response of one of the own addresses; what is no page of ours loads nothing."""
        response = await self._respond(site, request, message)
        if all(name != NOTHING_LOADS[0] for name, _ in response.headers):
            response.headers.append(NOTHING_LOADS)
        return response

    async def take(
        self, site: Site, request: Request, reading: ConsentReading, declared: Declared
    ) -> Answer | None:
        """Return the answer to another consent tool once it is recorded; None where it cannot be taken."""
        declared_answers = DeclaredAnswers(self._store, self._limits, self._tally)
        return await declared_answers.take(site, request, reading, declared)

    async def _respond(self, site: Site, request: Request, message: IncomingMessage) -> Response:
        if request.path == GPC:
            return json_response({"gpc": True, "lastUpdate": GPC_SINCE}, cacheable=True)
        name = request.path.removeprefix(self.path)
        if name.startswith(b"relay/"):
            response = await self._relays.of(site).respond(site.name, request, message)
            if response.status < 500 or not is_for_frame(request):
                return response
            return failed_form(OwnRequest(site, request, message), response.status)
        if request.method in (b"GET", b"HEAD"):
            table = self._get
        else:
            table = self._post if request.method == b"POST" else {}
        chosen = table.get(name)
        if chosen is None and table is self._get:
            file = file_response(OwnRequest(site, request, message), name.decode("latin-1"))
            if file is not None:
                return file
        if chosen is not None:
            try:
                return await chosen(OwnRequest(site, request, message))
            except RecordsError:
                return self._error_page(request, 503, [(b"Retry-After", b"30")])
        if name in self._get or name in self._post:
            allowed = b"GET, HEAD" if name in self._get else b"POST"
            return self._error_page(request, 405, [(b"Allow", allowed)])
        return self._error_page(request, 404)

    # -- GET ------------------------------------------------------------------------------------------

    async def _panel(self, own: OwnRequest) -> Response:
        return self._panel_page(own, 200, None, return_path(own.request, None))

    def _panel_page(self, own: OwnRequest, status: int, problem: str | None, back: str) -> Response:
        words = own.words
        page = own.site.renderer.panel(
            words,
            own.decision,
            back=back,
            host=own.request.host,
            problem=problem,
            presumed=self._presumed_rows(own.site),
        )
        return self._coded_page(own.request, page, status)

    async def _policy(self, own: OwnRequest) -> Response:
        presumed = self._presumed_rows(own.site)
        page = own.site.renderer.table(own.words, host=own.request.host, presumed=presumed)
        return self._coded_page(own.request, page)

    async def _policy_json(self, own: OwnRequest) -> Response:
        presumed = self._presumed_rows(own.site)
        return json_response(own.site.renderer.table_json(own.words, presumed))

    async def _receipt(self, own: OwnRequest) -> Response:
        """Return every consent record of the visitor whose cookie is sent."""
        kept = await proofs_of(self._store, own.reading.answer)
        if own.wants_json:
            return json_response(proofs_json(kept))
        newest, earlier = (kept[0], kept[1:]) if kept else (None, [])
        erased = b"erased" in own.request.query.split(b"&")
        host = own.request.host
        page = own.site.renderer.receipt(own.words, newest, earlier=earlier, host=host, erased=erased)
        return self._page(page)

    async def _erase(self, own: OwnRequest) -> Response:
        """Erase a visitor's records, and with them the answer they prove."""
        request, answer = own.request, own.reading.answer
        if not is_from_site(request, self._sites.is_configured):
            return self._error_page(request, 403)
        count = await self._store.erase_visitor(answer.visitor) if answer is not None else 0
        log().info("proofs_erased", site=own.site.name, records=count)
        headers = expire_consent_cookie(own.site, request)
        headers += [(b"Set-Cookie", line) for line in own.site.expire_taken_over(request)]
        headers += [(b"Set-Cookie", line) for line in self._sweep(own, own.site.decide(request, None))]
        if own.wants_json:
            return json_response({"erased": count}, headers)
        language = await self._form_language(own)
        query = b"?language=%b&erased" % language.code.encode() if count else b""
        return Response(303, [(b"Location", self.path + b"receipt" + query), *OWN_HEADERS, *headers])

    async def _form_language(self, own: OwnRequest) -> Words:
        """Return the language of the page that a form was sent from."""
        try:
            fields = parse_qs((await own.message.whole_body(self._form)).decode("latin-1"))
        except BadRequest:
            fields = {}
        return page_language(own, fields.get("language", [""])[0])

    async def _state(self, own: OwnRequest) -> Response:
        """Return what holds now, and the texts for a page that was made for an older answer.

        A page asks after another tab's answer; it may have set cookies meanwhile, which are expired.
        """
        lines = [] if own.decision.withheld else self._sweep(own, own.decision)
        payload = {**consent_state(own.decision, own.site), **_outdated(own.words)}
        return json_response(payload, [(b"Set-Cookie", line) for line in lines])

    def _presumed_rows(self, site: Site) -> tuple[CookieRule, ...]:
        return self._presumed.rows(site.cookies, site.rules_hosts)

    # -- POST ---------------------------------------------------------------------------------------

    async def _choose(self, own: OwnRequest) -> Response:
        """Commit a choice, or return the error; then nothing is set and nothing recorded."""
        request = own.request
        if not is_from_site(request, self._sites.is_configured):
            return self._error_page(request, 403)
        try:
            choice = read_choice(request, await own.message.whole_body(self._form), own.site.scope)
            choice = merge_placeholder_choice(choice, own.decision, own.site.scope)
        except BadRequest as error:
            return self._error_page(request, error.status)
        gesture = gesture_of(request)
        if gesture is None and needs_person(choice, own.decision, own.site.scope):
            self._tally.add("answers", own.site.name, choice.how.value, "scripted")
            return self._failed_response(own, 409, "panel.gesture", choice)
        if _widens(choice, own) and not self._limits.takes(request):
            self._tally.add("answers", own.site.name, choice.how.value, "limited")
            return self._failed_response(own, 429, "panel.busy", choice)
        if choice.how is How.ONCE:
            return await self._once(own, choice, gesture or Gesture.UNKNOWN)
        words = page_language(own, choice.language)
        committed = await commit(
            self._store,
            own.site,
            request,
            choice,
            own.decision,
            shown=own.site.renderer.shown(words),
            language=words.code,
            stores=lambda: self._limits.stores(request),
            gesture=gesture,
        )
        self._report_choice(own, choice, committed)
        if committed.outcome is CommitOutcome.UNPROVEN or committed.answer is None:
            return self._failed_response(own, 503, "panel.unproven", choice)
        return self._effective_response(own, choice, committed)

    async def _once(self, own: OwnRequest, choice: SubmittedChoice, gesture: Gesture) -> Response:
        """Grant one view of an embed: the answer stays, no cookie is set."""
        try:
            once = await grant_one_view(self._store, own, choice, self.path.decode(), gesture)
        except BadRequest as error:
            return self._error_page(own.request, error.status)
        self._report_choice(own, choice, once.committed)
        if once.frame is None or once.committed.record is None:
            return self._failed_response(own, 503, "panel.unproven", choice)
        if not own.wants_json:
            return Response(303, [(b"Location", once.frame.encode("ascii")), *OWN_HEADERS])
        return json_response({"frame": once.frame, "receipt": Receipt(once.committed.record).to_json()})

    def _effective_response(self, own: OwnRequest, choice: SubmittedChoice, committed: Committed) -> Response:
        """Return the response to a committed choice: its cookie, and expired cookies it refused."""
        request, site = own.request, own.site
        assert committed.answer is not None
        decision = site.decide(request, committed.answer)
        deleted = sorted({name.decode("latin-1") for name in site.refused_names(request, decision.grants)})
        answer = replace(committed.answer, deleted=len(deleted))
        headers: Headers = [(b"Set-Cookie", site.cookie_line(request, answer)), _CLEAR_PREFETCHED]
        headers += [(b"Set-Cookie", line) for line in self._sweep(own, decision)]
        if own.wants_json:
            record = Receipt(committed.record).to_json() if committed.record is not None else None
            return json_response(
                {
                    **consent_state(decision, site),
                    **(record or {}),
                    "receipt": record,
                    "outcome": committed.outcome.value,
                    "files": site.renderer.files(decision),
                    **_outdated(page_language(own, choice.language)),
                    "deleted": deleted,
                    "saved": page_language(own, choice.language).saved(len(deleted)),
                },
                headers,
            )
        if is_for_frame(request):  # our script sent the form into a frame that nobody sees
            return answered_page(decision, headers)
        return Response(303, [(b"Location", choice.back.encode("ascii")), *OWN_HEADERS, *headers])

    def _sweep(self, own: OwnRequest, decision: Decision) -> list[bytes]:
        """Return the Set-Cookie values that expire refused cookies of the visitor (SAN-2025-005)."""
        request, site = own.request, own.site
        held = site.refused_names(request, decision.grants)
        secure = request.visitor.secure
        lines = sweep(held, host=request.host, path=request.path, domain=site.own.domain, secure=secure)
        return lines + (site.expire_doubles(request) if own.reading.doubled else [])

    def _failed_response(
        self, own: OwnRequest, status: int, problem: str, choice: SubmittedChoice
    ) -> Response:
        if own.wants_json:
            payload = {"problem": problem, "form": self.path.decode()}
            return json_response({**consent_state(own.decision, own.site), **payload}, [], status=status)
        if is_for_frame(own.request):
            if choice.is_view:
                return failed_frame(own, status, choice.language)
            return again_page(choice.how.value, status)
        return self._panel_page(own, status, problem, choice.back)

    def _report_choice(self, own: OwnRequest, choice: SubmittedChoice, committed: Committed) -> None:
        self._tally.add("answers", own.site.name, choice.how.value, committed.outcome.value)
        fields = {
            "site": own.site.name,
            "how": choice.how.value,
            "granted": sorted(choice.granted),
            "outcome": committed.outcome.value,
            "record": committed.record.id if committed.record else None,
            "request_id": own.request.id.decode("latin-1"),
        }
        if committed.outcome is CommitOutcome.UNPROVEN:
            log().error("consent_unproven", why=self._store.trouble or "it did not respond in time", **fields)
        else:
            counted = committed.outcome is CommitOutcome.COUNTED
            log().info("consent_counted" if counted else "consent_recorded", **fields)

    async def _reports(self, own: OwnRequest) -> Response:
        """Count what a browser reports; of it only names are kept (proxy/seen)."""
        try:
            body = await own.message.whole_body(self._form * 8)
        except BadRequest as error:
            return self._error_page(own.request, error.status)
        reports = read_reports(body, own.site.rules, own.site.cookies)
        for report in reports:
            self._tally.add("reports", own.site.name, report.kind, report.provider)
        named = [report.named for report in reports if report.named is not None]
        if named:
            network = network_of(own.request.visitor.address)
            self._sightings.report(own.site.name, named, network, own.request.now)
        return Response(204, list(OWN_HEADERS))

    # -- error pages -----------------------------------------------------------------------------------

    def error(self, request: Request, status: int, *, unheard: bool = False) -> Response:
        """Return the error page for an upstream that failed: no provider, no cookie touched (T50)."""
        more = [(b"Retry-After", b"10")] if status in (503, 504) else []
        return self._error_page(request, status, more, words_of=503 if unheard and status == 502 else status)

    def refusal(self, status: int, message: IncomingMessage) -> Response:
        """Return the error page for a request that was refused before its site was known."""
        accept = next(iter(message.fields.get(b"accept-language", ())), None)
        words = self._renderer.languages.choose(accept=accept)
        return self._page(self._renderer.error(words, status), status)

    def _error_page(
        self, request: Request, status: int, more: Headers | None = None, *, words_of: int = 0
    ) -> Response:
        reference = request.id.decode("latin-1")
        words = self._renderer.languages.choose(accept=request.first(b"accept-language"))
        page = self._renderer.error(words, words_of or status, reference=reference, host=request.host)
        return self._page(page, status, more)

    def _page(self, page: bytes, status: int = 200, more: Headers | None = None) -> Response:
        headers: Headers = [(b"Content-Type", HTML), *OWN_HEADERS]
        headers += [(b"Content-Security-Policy", self._renderer.csp), (b"X-Frame-Options", b"DENY")]
        return Response(status, [*headers, *(more or [])], page)

    def _coded_page(self, request: Request, page: bytes, status: int = 200) -> Response:
        """Return a page in a coding that the visitor reads.

        For panel and policy, in which nothing is secret: no id, no token; what was answered shows in the
        length, coded or not. A receipt leaves plain: its id must not be guessed by lengths (BREACH).
        """
        coding = choose(b",".join(request.fields.get(b"accept-encoding", ())) or None)
        more: Headers = [(b"Vary", b"Accept-Encoding")]
        if coding is None:
            return self._page(page, status, more)
        write = encoder(coding)
        return self._page(write.add(page) + write.close(), status, [*more, (b"Content-Encoding", coding)])


def _outdated(words: Words) -> dict[str, str]:
    """Return the texts for a page that was made for an earlier answer."""
    return {"stale": words.plain("foot.stale"), "reload": words.plain("foot.reload")}


def _widens(choice: SubmittedChoice, own: OwnRequest) -> bool:
    """True when a choice grants more than holds already: only that needs a durable record first."""
    grants = own.site.scope.granted(choice.granted)
    return choice.how is How.ONCE or not grants <= own.decision.grants
