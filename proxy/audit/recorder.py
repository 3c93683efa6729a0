"""Records what one profile stores, loads and reads: by the DevTools protocol, and a script in each frame."""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from proxy.audit.browser import page_script
from proxy.audit.links import ahead_of
from proxy.audit.observed import CookieSeen, KeySeen, ReadSeen, RequestSeen, When
from proxy.filter.headers.set_cookie import SetCookie, parse_set_cookie
from proxy.policy.hosts import registrable
from proxy.policy.own_hosts import OwnHosts

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, CDPSession, Page, Request

Event = dict[str, Any]

QUIET = 0.4
"""Seconds without a request after which a page has come to rest, if nothing is on its way."""

ASKED, ANSWERED = 4.0, 0.8
"""Seconds for which a request counts as on its way: until its answer begins, and then until it ends."""

LONGEST_NAME = 200

_ELEMENTS = {
    "Document": "iframe",
    "Stylesheet": "link",
    "Image": "img",
    "Media": "video",
    "Font": "font",
    "Script": "script",
    "TextTrack": "track",
    "XHR": "fetch",
    "Fetch": "fetch",
    "Ping": "beacon",
    "EventSource": "fetch",
    "Manifest": "link",
    "Prefetch": "link",
    "Preflight": "fetch",
    "CSPViolationReport": "report",
}
_PLAYWRIGHT = {"image": "img", "stylesheet": "link", "script": "script", "document": "iframe"}
_IN_STACK = re.compile(r"((?:https?://)[^\s()]+?):\d+:\d+")


def _by_its_response(reason: str, error: str) -> bool:
    """True where a request was sent, and what came back was kept from its page (ORB, CORP, nosniff)."""
    return reason.startswith(("content-type", "corp-", "coep-", "coop-")) or error.endswith(
        ("_BLOCKED_BY_ORB", "_BLOCKED_BY_RESPONSE")
    )


def _stayed_here(reason: str, error: str) -> bool:
    """True for a request that the browser refused to send."""
    return bool(reason or "BLOCKED_BY" in error) and not _by_its_response(reason, error)


@dataclass(slots=True)
class _Hop:
    """One request of a chain of redirects."""

    address: str
    element: str
    script: str
    frame: str
    when: When
    has_extra: bool | None = None
    status: int | None = None
    blocked: bool = False
    local: bool = False  # a service worker answered


@dataclass(slots=True)
class _Chain:
    """All of one request id: its hops, and what the network said of each in turn."""

    hops: list[_Hop] = field(default_factory=list)
    sent: list[Event] = field(default_factory=list)
    received: list[tuple[Event, When]] = field(default_factory=list)


class _Told(NamedTuple):
    """What the script in a frame told."""

    what: str  # cookie, key-AREA, read-AREA
    value: str
    document: str
    by: str
    when: When


class Recorder:
    """Listens to one page of a profile; `collected` says what it heard."""

    def __init__(self, context: BrowserContext, page: Page, own: OwnHosts) -> None:
        self._own = own
        self._start = time.monotonic()
        self._page, self._decided = "", False
        self._chains: dict[str, _Chain] = {}
        self._flying: dict[str, float] = {}  # until when each counts as on its way
        self._last = self._start
        self._sockets: dict[str, Event] = {}
        self._told: list[_Told] = []
        self._workers: list[tuple[Request, When]] = []
        self.requests: list[RequestSeen] = []
        self.keys: list[KeySeen] = []
        self._binding = f"audit{secrets.token_hex(8)}"
        self._session: CDPSession = context.new_cdp_session(page)
        self._listen()
        context.on("request", lambda request: self._workers.append((request, self.now())))
        page.add_init_script(page_script("record.js").replace("__BINDING__", self._binding))

    def _listen(self) -> None:
        session = self._session
        for domain in ("Network", "Page", "Runtime", "DOMStorage"):
            session.send(f"{domain}.enable")
        session.send("Runtime.addBinding", {"name": self._binding})
        session.on("Runtime.bindingCalled", self._said)
        session.on("Network.requestWillBeSent", self._sent)
        session.on("Network.requestWillBeSentExtraInfo", lambda e: self._chain(e).sent.append(e))
        session.on(
            "Network.responseReceivedExtraInfo", lambda e: self._chain(e).received.append((e, self.now()))
        )
        session.on("Network.responseReceived", self._answered)
        session.on("Network.responseReceivedEarlyHints", self._early)
        session.on("DOMStorage.domStorageItemAdded", self._kept)
        session.on("Network.loadingFinished", self._ended)
        session.on("Network.loadingFailed", self._failed)
        session.on("Network.webSocketCreated", lambda e: self._sockets.update({e["requestId"]: e}))
        session.on("Network.webSocketWillSendHandshakeRequest", self._socket)

    # --- where we are -------------------------------------------------------------------

    def on_page(self, path: str) -> None:
        """Say which page the following belongs to."""
        self._page = path
        self._flying.clear()

    def has_decided(self) -> None:
        """Say that the choice of this state is made."""
        self._decided = True

    def now(self) -> When:
        """Return the page and the time."""
        return When(self._page, int((time.monotonic() - self._start) * 1000), self._decided)

    @property
    def is_quiet(self) -> bool:
        """True where nothing is on its way and nothing has begun for a moment."""
        now = time.monotonic()
        return now - self._last > QUIET and all(until < now for until in self._flying.values())

    # --- events -------------------------------------------------------------------------

    def _chain(self, event: Event) -> _Chain:
        return self._chains.setdefault(event["requestId"], _Chain())

    def _sent(self, event: Event) -> None:
        chain = self._chain(event)
        redirected = event.get("redirectResponse")
        if redirected is not None and chain.hops:
            chain.hops[-1].status = redirected.get("status")
            chain.hops[-1].has_extra = event.get("redirectHasExtraInfo")
        kind, initiator = event.get("type", "Other"), event.get("initiator") or {}
        self._last = time.monotonic()
        if not (kind == "Script" and initiator.get("type") == "other"):  # of a worker: nothing tells its end
            self._flying[event["requestId"]] = self._last + ASKED
        chain.hops.append(
            _Hop(
                event["request"]["url"],
                _ELEMENTS.get(kind, kind.lower()),
                self._script(initiator),
                event.get("documentURL", ""),
                self.now(),
            )
        )

    def _answered(self, event: Event) -> None:
        chain = self._chain(event)
        if chain.hops:
            chain.hops[-1].status = event["response"].get("status")
            chain.hops[-1].has_extra = event.get("hasExtraInfo")
            chain.hops[-1].local = bool(event["response"].get("fromServiceWorker"))
        self._flying[event["requestId"]] = time.monotonic() + ANSWERED
        self._said_ahead(event["response"].get("headers") or {}, event["response"].get("url", ""))

    def _early(self, event: Event) -> None:
        chain = self._chain(event)
        if chain.hops:
            self._said_ahead(event.get("headers") or {}, chain.hops[-1].address)

    def _said_ahead(self, headers: Event, address: str) -> None:
        for name, value in headers.items():
            if name.lower() == "link":
                for rel, found in ahead_of(value, address):
                    self._add(found, f"link {rel}", self.now(), speculative=True)

    def _kept(self, event: Event) -> None:
        """Take a key that was stored; the event does not say by which script."""
        of = event["storageId"]
        host = host_of(of.get("storageKey") or of.get("securityOrigin") or "")
        if host:
            area = "local" if of["isLocalStorage"] else "session"
            self.keys.append(KeySeen(event["key"][:LONGEST_NAME], area, host, "", self.now()))

    def _ended(self, event: Event) -> None:
        self._flying.pop(event["requestId"], None)
        self._last = time.monotonic()

    def _failed(self, event: Event) -> None:
        chain = self._chain(event)
        if chain.hops and _stayed_here(event.get("blockedReason") or "", event.get("errorText") or ""):
            chain.hops[-1].blocked = True
        self._ended(event)

    def _socket(self, event: Event) -> None:
        created = self._sockets.get(event["requestId"])
        if created is not None:
            self._add(
                created["url"], "socket", self.now(), script=self._script(created.get("initiator") or {})
            )

    def _said(self, event: Event) -> None:
        if event.get("name") != self._binding:
            return
        try:
            what, value, document, stack = json.loads(event["payload"])
        except (TypeError, ValueError):  # not from our script
            return
        self._told.append(_Told(str(what), str(value), str(document), self._writer(str(stack)), self.now()))

    def _script(self, initiator: Event) -> str:
        """Return the script that made a request: the nearest of a third party, else the nearest."""
        addresses = []
        stack = initiator.get("stack")
        while stack:
            addresses += [frame["url"] for frame in stack.get("callFrames", ()) if frame.get("url")]
            stack = stack.get("parent")
        return self._nearest(addresses)

    def _writer(self, stack: str) -> str:
        return self._nearest(_IN_STACK.findall(stack))

    def _nearest(self, addresses: list[str]) -> str:
        web = [bare(address) for address in addresses if address.startswith("http")]
        return next((one for one in web if not self._own.owns(host_of(one))), web[0] if web else "")

    # --- what is stored -----------------------------------------------------------------

    def saw_keys(self, host: str, names: dict[str, list[str]]) -> None:
        """Take the names that a page's storage holds."""
        self.keys += [
            KeySeen(str(name)[:LONGEST_NAME], area, host, "", self.now())
            for area, found in names.items()
            for name in found
        ]

    def saw_ahead(self, rel: str, address: str) -> None:
        """Take a connection that a page opens ahead of requests."""
        self._add(address, f"link {rel}", self.now(), speculative=True)

    def jar(self) -> list[CookieSeen]:
        """Return the cookies that the profile holds now."""
        now = time.time()
        return [_in_jar(one, now, self.now()) for one in self._session.send("Storage.getCookies")["cookies"]]

    def detach(self) -> None:
        """Stop listening."""
        self._session.detach()

    # --- what was heard -----------------------------------------------------------------

    def collect(self) -> tuple[list[CookieSeen], list[ReadSeen]]:
        """Return the cookies that were set and what was read; `requests` and `keys` are complete then."""
        cookies: list[CookieSeen] = []
        reads: list[ReadSeen] = []
        for chain in self._chains.values():
            self._of_chain(chain, cookies)
        heard = {hop.address for chain in self._chains.values() for hop in chain.hops}
        went_out = {
            _asked_host(sent) for chain in self._chains.values() if not chain.hops for sent in chain.sent
        }
        for request, when in self._workers:
            went = not request.failure or host_of(request.url) in went_out
            if request.service_worker is not None or (request.url not in heard and went):
                element = _PLAYWRIGHT.get(request.resource_type, "fetch")
                self._add(request.url, f"worker {element}", when)
        for told in self._told:
            self._of_script(told, cookies, reads)
        self.keys.sort(key=lambda one: one.when.after)
        self.requests.sort(key=lambda one: one.when.after)
        cookies.sort(key=lambda one: one.when.after)
        return cookies, reads

    def _of_chain(self, chain: _Chain, cookies: list[CookieSeen]) -> None:
        received = list(chain.received)
        sent = list(chain.sent)
        for index, hop in enumerate(chain.hops):
            names = _names_sent(sent[index]) if index < len(sent) else ()
            if hop.blocked or hop.local:
                continue
            self._add(
                hop.address,
                hop.element,
                hop.when,
                script=hop.script,
                frame=host_of(hop.frame),
                status=hop.status,
                names=names,
            )
            if received and hop.has_extra is not False:
                cookies += _set_by(received.pop(0)[0], hop.address, hop.when)
        for rest, (event, when) in enumerate(received):  # of workers: only the network tells of them
            host = _asked_host(sent[rest]) if not chain.hops and rest < len(sent) else ""
            if host:
                cookies += _set_by(event, f"https://{host}/", when)

    def _of_script(self, told: _Told, cookies: list[CookieSeen], reads: list[ReadSeen]) -> None:
        host, by = host_of(told.document) or host_of(told.by), told.by or bare(told.document)
        kind, _, area = told.what.partition("-")
        if kind == "key":
            self.keys.append(KeySeen(told.value[:LONGEST_NAME], area, host, told.by, told.when))
        elif kind == "read":
            how = {"cookie": "document.cookie", "store": "cookieStore"}.get(area, area)
            reads.append(ReadSeen(tuple(told.value.split(";"))[:200], how, host, by, told.when))
        elif kind == "webrtc":
            self._add(f"https://{told.value}/", "webrtc", told.when, script=by, frame=host)
        elif (cookie := parse_set_cookie(told.value.encode())) is not None:
            seen = _seen(cookie, "script", host, by, told.when)
            if seen is not None and not seen.httponly:
                cookies.append(seen)

    def _add(
        self,
        address: str,
        element: str,
        when: When,
        *,
        script: str = "",
        frame: str = "",
        status: int | None = None,
        names: tuple[str, ...] = (),
        speculative: bool = False,
    ) -> None:
        host = host_of(address)
        if not host or not address.lower().startswith(("http:", "https:", "ws:", "wss:")):
            return
        parts = urlsplit(address)
        path = (parts.path or "/") + ("?" + parts.query if parts.query else "")
        self.requests.append(
            RequestSeen(
                address=bare(address),
                host=host,
                path=path,
                element=element,
                script=script,
                frame=frame,
                status=status,
                speculative=speculative,
                cookies=names,
                when=when,
            )
        )


def host_of(address: str) -> str:
    """Return the host of an address, empty where it has none."""
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def bare(address: str) -> str:
    """Return an address without query and fragment."""
    return address.partition("?")[0].partition("#")[0][:300]


def _set_by(event: Event, address: str, when: When) -> list[CookieSeen]:
    """Return the cookies that a response set and the browser took."""
    refused = {one.get("cookieLine") for one in event.get("blockedCookies", ())}
    lines = [
        line
        for name, value in event.get("headers", {}).items()
        if name.lower() == "set-cookie"
        for line in value.split("\n")
    ]
    parsed = [parse_set_cookie(line.encode("utf-8", "replace")) for line in lines if line not in refused]
    found = [_seen(one, "http", host_of(address), bare(address), when) for one in parsed if one is not None]
    return [one for one in found if one is not None]


def _seen(cookie: SetCookie, side: str, host: str, by: str, when: When) -> CookieSeen | None:
    """Return a cookie as it was set; None for a deletion, and for a domain that no browser takes."""
    lives = cookie.lifetime(int(time.time()))
    if not host or (lives is not None and lives <= 0):
        return None
    domain = cookie.domain
    if domain is not None and domain != host and not (host.endswith("." + domain) and registrable(domain)):
        return None
    return CookieSeen(
        cookie.name[:LONGEST_NAME],
        domain or host,
        domain is None,
        side,
        lives,
        cookie.httponly,
        cookie.secure,
        "its own" if cookie.partitioned else "",
        by,
        host,
        when,
    )


def _in_jar(one: Event, now: float, when: When) -> CookieSeen:
    key = one.get("partitionKey")
    partition = key.get("topLevelSite", "") if isinstance(key, dict) else str(key or "")
    domain = one["domain"]
    return CookieSeen(
        one["name"][:LONGEST_NAME],
        domain.removeprefix("."),
        not domain.startswith("."),
        "jar",
        None if one.get("session") else round(one["expires"] - now),
        bool(one.get("httpOnly")),
        bool(one.get("secure")),
        partition,
        "",
        domain.removeprefix("."),
        when,
    )


def _names_sent(event: Event) -> tuple[str, ...]:
    """Return the names of the cookies that went along with a request."""
    return tuple(
        one["cookie"]["name"] for one in event.get("associatedCookies", ()) if not one.get("blockedReasons")
    )


def _asked_host(event: Event) -> str:
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    return str(headers.get(":authority") or headers.get("host") or "").partition(":")[0]
