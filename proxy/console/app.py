"""The addresses of the console, below /console on the admin address.

Whoever is not signed in gets the form and the files of the page, nothing else. What changes something
is asked for with POST and an Origin that is the asked host's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from proxy.config.types import ConsoleConfig
from proxy.console import page_data
from proxy.console.files import PAGE, SIGN_IN, listed_files
from proxy.console.metric_lines import Counted, counted
from proxy.console.minutes import MINUTE, Minutes
from proxy.console.sessions import Session, Sessions
from proxy.console.sign_in import SignIn, TooManyError
from proxy.console.source import ConsoleSource, UnavailableError
from proxy.console.stored import StoredFigures
from proxy.http.request import host_of
from proxy.telemetry.logs import log

COOKIE = "console_session"
_PATH = "/console"
_LONGEST_ID = 64
_BEFORE_THE_FIELD = '<label for="token">'
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    # with no-referrer browsers would send `Origin: null` with a form
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Console:
    """The console of one process: its sessions, its minutes, its addresses."""

    def __init__(
        self,
        settings: ConsoleConfig,
        source: ConsoleSource,
        rules_file: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._source = source
        self._rules_file = rules_file
        self._clock = clock
        self._began = int(clock())
        self._sign_in = SignIn(settings.tokens, clock)
        self._sessions = Sessions(clock)
        self._minutes = Minutes(clock())
        self._stored = StoredFigures(source, clock)
        self._files = listed_files()

    def app(self) -> web.Application:
        """Return the application, to be put below /console."""
        app = web.Application(middlewares=[self._guard])
        app.cleanup_ctx.append(self._note_minutes)
        app.router.add_get("", self._page)
        app.router.add_get("/", self._page)
        app.router.add_post("/sign-in", self._open)
        app.router.add_post("/sign-out", self._close)
        app.router.add_get("/files/{name}", self._file)
        app.router.add_get("/data", self._data)
        app.router.add_post("/record", self._record)
        app.router.add_post("/reload", self._reload)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Refuse what a page of somebody else has sent, and put our headers on everything."""
        response: web.StreamResponse
        if request.method not in ("GET", "HEAD") and not is_own_origin(
            request.headers.getall("Origin", []), request.headers.getall("Host", [])
        ):
            response = _said(403, "this has to come from the page of the console itself")
        else:
            try:
                response = await handler(request)
            except web.HTTPException as error:
                response = _said(error.status, error.reason.lower())
        response.headers.update(_HEADERS)
        return response

    async def _page(self, request: web.Request) -> web.StreamResponse:
        path = PAGE if self._session(request, acts=True) else SIGN_IN
        return web.Response(body=path.read_bytes(), content_type="text/html", charset="utf-8")

    async def _file(self, request: web.Request) -> web.StreamResponse:
        found = self._files.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        path, kind = found
        return web.Response(body=path.read_bytes(), headers={"Content-Type": kind})

    async def _open(self, request: web.Request) -> web.StreamResponse:
        token = (await _fields(request)).get("token", "")
        try:
            owner = await self._sign_in.owner(token)
        except TooManyError as error:
            log().warning("console_sign_in_refused", why="too many sign-ins failed")
            return _later(error)
        if owner is None:
            log().warning("console_sign_in_refused", why="nobody's token")
            return _see(f"{_PATH}?failed")
        self._sessions.end(request.cookies.get(COOKIE, ""))
        log().info("console_signed_in", name=owner.name)
        answer = _see(_PATH)
        answer.set_cookie(
            COOKIE,
            self._sessions.open(owner.name, owner.roles),
            path=_PATH,
            httponly=True,
            samesite="Strict",
            secure=request.headers["Origin"].startswith("https:"),
        )
        return answer

    async def _close(self, request: web.Request) -> web.StreamResponse:
        self._sessions.end(request.cookies.get(COOKIE, ""))
        answer = _see(_PATH)
        answer.del_cookie(COOKIE, path=_PATH)
        return answer

    async def _data(self, request: web.Request) -> web.StreamResponse:
        session = self._allowed(request, "view", acts=False)
        return session if isinstance(session, web.Response) else _json(await self.data(session))

    async def _record(self, request: web.Request) -> web.StreamResponse:
        session = self._allowed(request, "records")
        if isinstance(session, web.Response):
            return session
        receipt = (await _fields(request)).get("receipt", "").strip()
        if not receipt.isascii() or not receipt.isprintable() or not 0 < len(receipt) <= _LONGEST_ID:
            return _said(400, "that is no id of a receipt")
        try:
            found = await self._source.record(receipt)
        except UnavailableError as error:
            log().warning("console_record_read", name=session.name, receipt=receipt, why=str(error))
            return _said(503, f"the store of proofs cannot be read: {error}")
        log().info("console_record_read", name=session.name, receipt=receipt, found=found is not None)
        return _said(404, "there is no record of that receipt") if found is None else _json(found)

    async def _reload(self, request: web.Request) -> web.StreamResponse:
        session = self._allowed(request, "reload")
        if isinstance(session, web.Response):
            return session
        done = await self._source.reload_all()
        log().info("console_reloaded", name=session.name, outcome=done.outcome, workers=done.workers)
        return _json(asdict(done))

    async def data(self, session: Session) -> dict[str, Any]:
        """Return the body of /console/data."""
        now, at_hand = self._clock(), self._counted()
        states = self._source.workers()
        return {
            "at": int(now),
            "since": self._began,
            "name": session.name,
            "roles": session.roles,
            "session_ends": int(session.ends),
            **page_data.build(states),
            "rules": page_data.rules(states, self._rules_file),
            "store": page_data.store(states),
            "workers": page_data.workers(states),
            "totals": page_data.totals(at_hand),
            "certificate_days": at_hand.certificate_days,
            "in_line": at_hand.in_line,
            "minutes": self._minutes.columns(now, at_hand),
            "verdicts": page_data.verdicts(at_hand),
            **await self._stored.read(),
            "sites": page_data.sites(states),
        }

    def _counted(self) -> Counted:
        return counted(self._source.figures())

    async def _note_minutes(self, _: web.Application) -> AsyncIterator[None]:
        """Look at the counters at the end of each minute, as long as the application runs."""

        async def note() -> None:
            while True:
                await asyncio.sleep(MINUTE - self._clock() % MINUTE)
                self._minutes.note(self._clock(), self._counted())

        noting = asyncio.ensure_future(note())
        yield
        noting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await noting
        await self._stored.stop()

    def _session(self, request: web.Request, *, acts: bool) -> Session | None:
        return self._sessions.find(request.cookies.get(COOKIE, ""), acts=acts)

    def _allowed(self, request: web.Request, role: str, *, acts: bool = True) -> Session | web.Response:
        """Return the session that sends a request, or why it may not."""
        session = self._session(request, acts=acts)
        if session is None:
            return _said(401, "sign in first")
        if role not in session.roles:
            return _said(403, f"your token lacks the role {role}")
        return session


def is_own_origin(origins: list[str], hosts: list[str]) -> bool:
    """True where a request says that it comes from a page of the very host that it asks.

    Plain http is believed of this machine alone; another name is asked through a proxy with TLS.
    """
    if len(origins) != 1 or len(hosts) != 1:
        return False
    scheme, _, origin = origins[0].partition("://")
    if origin.lower() != hosts[0].lower():
        return False
    return scheme == "https" or (scheme == "http" and _is_this_machine(hosts[0]))


def _is_this_machine(host: str) -> bool:
    name = host_of(host.encode("utf-8", "replace"))
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


async def _fields(request: web.Request) -> dict[str, str]:
    """Return the fields of a body, of a form or of JSON; a field that is no text counts as missing."""
    body = (await request.read()).decode("utf-8", "replace")
    try:
        if request.content_type != "application/json":
            return {key: values[0] for key, values in parse_qs(body, max_num_fields=8).items()}
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, str)} if isinstance(found, dict) else {}


def _later(error: TooManyError) -> web.Response:
    """Return the form again, with a sentence: whoever typed a token is looking at a page."""
    words = f'<p class="bad" role="alert">Too many sign-ins failed. {str(error).capitalize()}.</p>'
    text = SIGN_IN.read_text("utf-8").replace(_BEFORE_THE_FIELD, words + _BEFORE_THE_FIELD, 1)
    retry = {"Retry-After": str(error.seconds)}
    return web.Response(status=429, text=text, content_type="text/html", headers=retry)


def _see(address: str) -> web.Response:
    return web.Response(status=303, headers={"Location": address})


def _said(status: int, words: str) -> web.Response:
    return _json({"error": words}, status)


def _json(body: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        text=json.dumps(body, ensure_ascii=False, default=str) + "\n",
        status=status,
        content_type="application/json",
    )
