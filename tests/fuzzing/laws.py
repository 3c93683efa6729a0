"""What holds for any bytes that a stranger sends: one law for each reader, for a fuzzer and for what it kept.

A law takes bytes and raises AssertionError, or whatever a faulty reader raises. It fails on nothing else.
"""

import asyncio
import contextlib
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

from proxy.consent.cookie import read_answers
from proxy.errors import Unreadable
from proxy.filter.headers.cookies import CookieRules, judge_cookie, strip_cookie_header
from proxy.filter.headers.csp_admission import admit
from proxy.filter.headers.set_cookie import SetCookie, cap, parse_set_cookie
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.model import DAY
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair, Scope, scope_of
from tests.filter.headers.test_cookies import HOST, NOTHING, NOW, POLICY
from tests.filter.headers.test_cookies import RULES as COOKIES
from tests.filter.pages import RULES, judge
from tests.http.upstream.test_parser import outcome
from tests.support.origin import Origin
from tests.support.proxying import Proxy, proxying

HASH = "sha256-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def response_heads(data: bytes) -> None:
    """A response says the same however it is cut: in one piece, in two, byte by byte.

    A faulty head may be refused before its end, and is at its end: so it has one.
    """
    data = data[:400] + b"\r\n\r\n"
    whole = outcome(data)
    middle = len(data) // 2

    assert outcome(data[:middle], data[middle:]) == whole
    assert outcome(*(data[at : at + 1] for at in range(len(data)))) == whole


REFUSED = re.compile(rb"_ga|_ga_.*|tk|language|visit", re.DOTALL)
"""The names of COOKIES that a visitor has to grant on that host; the cookie `user` is for other hosts."""


def cookie_headers(data: bytes) -> None:
    """What the site sees of Cookie is a part of it, in its order, and what is hidden is what was refused."""
    kept, hidden = strip_cookie_header(COOKIES, data, host=HOST, grants=NOTHING)
    pieces, left = data.split(b";"), kept.split(b";") if kept else []
    rest = iter(piece.strip(b" \t") for piece in pieces)

    assert all(piece.strip(b" \t") in rest for piece in left)
    assert kept == data if not hidden else len(left) <= len(pieces) - len(hidden)
    assert not any(REFUSED.fullmatch(_name(piece)) for piece in left)
    assert all(REFUSED.fullmatch(name) for name in hidden if name)
    assert len(hidden) == sum(REFUSED.fullmatch(_name(piece)) is not None for piece in pieces)


def _name(piece: bytes) -> bytes:
    """Return the name that a server reads in one cookie: of `=a=1`, which has none, it is a."""
    return piece.strip(b" \t").removeprefix(b"=").partition(b"=")[0].strip(b" \t")


LONGEST: dict[str, int | None] = {"session": None, "bot": 1800}
"""The seconds that necessary cookies of COOKIES may live, None: the session."""


def set_cookies(data: bytes) -> None:
    """Who granted nothing gets what is necessary, presumed so, or a deletion, whatever was judged before.

    A line that is capped is the cookie that it was, for no longer, and is capped to itself.
    """
    verdict, out = judge_cookie(COOKIES, data, host=HOST, grants=NOTHING, now=NOW, since={})
    assert (verdict, out) == judge_cookie(
        CookieRules(POLICY), data, host=HOST, grants=NOTHING, now=NOW, since={}
    )
    parsed = parse_set_cookie(data)
    if out is not None:
        _necessary(parse_set_cookie(out))
    if parsed is None:
        assert out is None
        return
    for limit in (None, DAY):
        line = cap(data, limit, NOW)
        again = parse_set_cookie(line)
        assert again is not None
        assert (again.name, again.value, again.domain, again.path) == (
            parsed.name,
            parsed.value,
            parsed.domain,
            parsed.path,
        )
        assert (again.secure, again.httponly, again.samesite) == (
            parsed.secure,
            parsed.httponly,
            parsed.samesite,
        )
        assert again.lifetime(NOW) == limit
        assert cap(line, limit, NOW) == line


def _necessary(cookie: SetCookie | None) -> None:
    assert cookie is not None
    lives, name = cookie.lifetime(NOW), cookie.name or cookie.value.partition("=")[0].strip(" \t")
    if lives is not None and lives <= 0:
        return
    longest = 30 * DAY if name.startswith("__Host-") else LONGEST.get(name)
    assert lives is None or (longest is not None and lives <= longest)
    if longest is None and name not in LONGEST:  # nobody speaks of it: presumed to keep a session
        assert cookie.httponly
        assert name != "user"
        assert not REFUSED.fullmatch(name.encode("latin-1"))


SCOPE = Scope(
    frozenset(Pair(purpose, f"p{at}") for purpose in ("functional", "performance") for at in range(3))
)


def consent_cookies(data: bytes) -> None:
    """No bytes are an answer unless we signed them."""
    reading = read_answers(data.split(b";"), (b"k" * 32,), SCOPE, now=NOW)

    assert reading.answer is None


@cache
def _lenient() -> Judge:
    """Return the judge of one who granted all, where nobody undeclared is held."""
    lenient = load_policy(RULES.replace("{ cookies: drop, tags: hold }", "{ cookies: keep, tags: keep }"))
    granted = scope_of(lenient).granted(["functional", "performance"])
    return judge_for(compile_rules(lenient, OwnHosts(frozenset({"own.example"}), "own.example")), granted)


def documents(data: bytes) -> None:
    """A page comes out the same however it is cut, filters to itself, and is untouched where all is granted."""
    assert _filtered(data, _lenient(), len(data)) in {data, None}
    once = _filtered(data, judge(), len(data))
    for size in (1, 7):
        assert _filtered(data, judge(), size) == once
    if once is not None:
        assert _filtered(once, judge(), len(once)) == once


def _filtered(data: bytes, judging, size: int) -> bytes | None:
    page = HtmlFilter(judging)
    try:
        pieces = [page.feed(data[at : at + size]) for at in range(0, len(data), max(size, 1))]
        return b"".join([*pieces, page.close()])
    except Unreadable:
        return None


def policies(data: bytes) -> None:
    """A site's policy loses no source for ours, but 'none'; what is let in once needs no second time."""
    values = data.split(b"\n")
    admission = admit(values, [HASH], [HASH], connects=["x/.consent/"], frames=["x/.consent/"], host="x")
    again = admit(
        admission.policies, [HASH], [HASH], connects=["x/.consent/"], frames=["x/.consent/"], host="x"
    )

    assert again.policies == admission.policies
    for value, changed in zip(values, admission.policies, strict=True):
        gone = _words(value) - _words(changed)
        assert gone <= {b"'none'"}, gone


def _words(policy: bytes) -> set[bytes]:
    return {word.lower() for word in re.split(rb"[;,\t\n\f\r ]+", policy) if word}


class _Served:
    """One proxy for all inputs, before an origin that is never meant."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.stack = contextlib.AsyncExitStack()
        folder = tempfile.TemporaryDirectory()
        self.stack.push(lambda *_: folder.cleanup())
        self.proxy: Proxy = self.loop.run_until_complete(self._start(Path(folder.name)))

    async def _start(self, folder: Path) -> Proxy:
        origin = await self.stack.enter_async_context(Origin())
        return await self.stack.enter_async_context(proxying(origin.url, folder=folder))

    def ask(self, raw: bytes) -> tuple[int, bool, bool]:
        """Return the status, whether the whole response came, and whether it carries an answer."""
        got = self.loop.run_until_complete(
            self.proxy.ask(raw=raw, method="HEAD" if raw[:4] == b"HEAD" else "GET")
        )
        return got.status, got.whole, any(b"consent_callkom=" in line for line in got.all(b"Set-Cookie"))

    def stop(self) -> None:
        self.loop.run_until_complete(self.stack.aclose())
        self.loop.close()


@cache
def _served() -> _Served:
    return _Served()


def stop() -> None:
    """Stop what the laws started; a fuzzer just ends."""
    if _served.cache_info().currsize:
        _served().stop()
        _served.cache_clear()


METHODS = (b"GET", b"POST", b"HEAD")


def own_addresses(data: bytes) -> None:
    """Whatever is asked of our own addresses is answered, and whoever is not on our pages gives no answer."""
    first, *rest = data.split(b"\n", 3)
    target, cookie, accept, body = [
        *(re.sub(rb"[\x00-\x20\x7f]", b"", first[1:]), b"", b"", b"")[:1],
        *(rest + [b""] * 3)[:3],
    ]
    method = METHODS[first[0] % 3] if first else b"GET"
    lines = [
        method + b" /.consent/" + target + b" HTTP/1.1",
        b"Host: callkom.io",
        b"Sec-Fetch-Site: cross-site",
        b"Content-Type: application/x-www-form-urlencoded",
        b"Cookie: " + re.sub(rb"[\x00-\x1f\x7f]", b"", cookie),
        b"Accept: " + re.sub(rb"[\x00-\x1f\x7f]", b"", accept),
        b"Content-Length: %d" % len(body),
    ]
    status, whole, answered = _served().ask(b"\r\n".join([*lines, b"", body]))

    assert 200 <= status < 500
    assert whole
    assert not answered


LAWS: dict[str, Callable[[bytes], None]] = {
    law.__name__: law
    for law in (
        response_heads,
        cookie_headers,
        set_cookies,
        consent_cookies,
        documents,
        policies,
        own_addresses,
    )
}
