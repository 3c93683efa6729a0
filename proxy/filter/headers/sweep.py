"""Expires refused cookies that the browser already stores.

A request names cookies without their domain and path, and a browser deletes a cookie only
for the very domain and path it was set with; so each is expired for every combination
from which this request could have sent it. HttpOnly is no hindrance here, as it is to every script.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from proxy.consent.answer import Answer
from proxy.filter.headers.cookies import CookieRules, name_sent, span_days
from proxy.filter.headers.set_cookie import CONTROL, MAX_PAIR, WSP
from proxy.policy.model import DAY, CookieRule

MAX_LINES = 48
"""Set-Cookie lines of one sweep, about 2.5 kB: servers in front of the proxy may accept 4 kB of headers
(nginx's proxy_buffer_size). What is left over is expired at the next request."""

MAX_DIRECTORIES = 6  # directories of a path that are tried


def sweep(
    names: Iterable[bytes], *, host: str, path: bytes, domain: str | None, secure: bool, most: int = MAX_LINES
) -> list[bytes]:
    """Return the Set-Cookie lines that expire these cookies, the likeliest domain and path first.

    `names` are those hidden by strip_cookie_header; `path` is the request's, `domain` the
    widest parent to try (consent.domain). Never call it for a request from which a
    browser may have withheld the answer (`decision.withheld`): absence is no refusal there.
    """
    wanted = islice(_once_each(names), most)  # each has a line in the first tier
    tiers = [_places(name, host, path, domain, secure=secure) for name in wanted]
    return list(islice(_by_turns(tiers), most))


def outlived(rules: CookieRules, answer: Answer | None, now: int) -> tuple[CookieRule, ...]:
    """Return the rows whose cookies reached the end of their published life since the last sweep.

    Caps bound each write (cookies.longest); a cookie that came by another way is taken
    away here, once, and its day starts anew. The caller sweeps what the request holds
    of these rows and sends the cookie of `swept(answer, now)`.
    """
    if answer is None:
        return ()
    last, today = answer.swept or answer.at // DAY, now // DAY
    if last >= today:
        return ()
    key = (*answer.since.items(), last, today)  # the same for everybody who answered that day
    found = rules.outlived.get(key)
    if found is None:
        outlived_rows = tuple(row for row in rules.rows if _turned(row, answer.since, last, today))
        found = rules.outlived.store(key, outlived_rows)
    return found


def swept(answer: Answer, now: int) -> Answer:
    """Return the same answer, remembering that the sweep of today is done."""
    return replace(answer, swept=now // DAY)


def names_of(rules: CookieRules, rows: Iterable[CookieRule], cookies: bytes, host: str) -> list[bytes]:
    """Return the names in a Cookie header of which one of these rows speaks."""
    wanted = {id(row) for row in rows}
    return [name_sent(piece)[0] for piece in cookies.split(b";") if rules.mark(piece, host) in wanted]


def expire_elsewhere(name: str, *, host: str, path: bytes, domain: str | None, secure: bool) -> list[bytes]:
    """Return the lines that expire a cookie of ours everywhere but where we keep it (T33)."""
    kept = _line(name.encode("ascii"), domain, "/", secure=secure)
    lines = sweep([name.encode("ascii")], host=host, path=path, domain=domain, secure=secure)
    return [line for line in lines if line != kept]


def _turned(row: CookieRule, since: Mapping[str, int], last: int, today: int) -> bool:
    """True when a life of that row ended after the day `last`; the first day is not counted."""
    days = span_days(row)
    if days is None or row.purpose not in since:
        return False
    first = since[row.purpose] + 1
    return max(0, today - first) // days != max(0, last - first) // days


def _places(
    name: bytes, host: str, path: bytes, domain: str | None, *, secure: bool
) -> Iterator[list[bytes]]:
    """Yield tiers of lines for one name: the whole host first, then its directories, then partitions."""
    if name.lower().startswith(b"__host-"):  # T21: such a cookie has no Domain, and Path=/
        yield [_line(name, None, "/", secure=True)]
        return
    secure = secure or name.lower().startswith(b"__secure-")
    domains = [None, *_domains(host, domain)]
    yield [_line(name, each, "/", secure=secure) for each in domains]
    for directory in _directories(path):
        yield [_line(name, each, directory, secure=secure) for each in domains]
    # Over plain http too: browsers take Secure on localhost, and some take Partitioned without it.
    for also in (True,) if secure else (True, False):
        yield [_line(name, each, "/", secure=also) + b"; Partitioned" for each in domains]


def _is_held(name: bytes) -> bool:
    """True for a name that a browser can hold, and a line can carry."""
    return len(name) <= MAX_PAIR and not CONTROL.search(name) and b";" not in name


def _once_each(names: Iterable[bytes]) -> Iterator[bytes]:
    """Yield every name that a browser can hold, the first time it comes."""
    seen = set()
    for name in names:
        if _is_held(name) and (clean := name.strip(WSP)) not in seen:
            seen.add(clean)
            yield clean


def _by_turns(tiers: list[Iterator[list[bytes]]]) -> Iterator[bytes]:
    """Yield the first tier of every name, then the second of every name, and so on, as they are asked for."""
    while tiers:
        left = []
        for lines in tiers:
            if (tier := next(lines, None)) is not None:
                left.append(lines)
                yield from tier
        tiers = left


def _domains(host: str, widest: str | None) -> Iterator[str]:
    """Yield the host and its parents down to the widest, each as a Domain of its own."""
    if host.replace(".", "").isdigit() or ":" in host:  # addresses have no parents
        return
    yield host
    while widest is not None and host != widest and host.endswith("." + widest):
        host = host.partition(".")[2]
        yield host


def _directories(path: bytes) -> Iterator[str]:
    """Yield the directories above a path without and with their slash, shortest first.

    Without it is what a cookie gets that names no Path (RFC 6265bis 5.1.4).
    """
    clean = path.partition(b"?")[0]
    if CONTROL.search(clean) or b";" in clean or not clean.startswith(b"/"):
        return
    parts = clean.decode("latin-1").split("/", MAX_DIRECTORIES + 1)[1:]
    for depth in range(1, min(len(parts), MAX_DIRECTORIES) + 1):
        if directory := "/".join(parts[:depth]):
            yield "/" + directory
            if depth < len(parts):
                yield "/" + directory + "/"


def _line(name: bytes, domain: str | None, path: str, *, secure: bool) -> bytes:
    parts = [f"Path={path}", f"Domain={domain}" if domain else "", "Max-Age=0", "Secure" if secure else ""]
    # The nameless cookie needs some value: a line of nothing but `=` is ignored (RFC 6265bis 5.6).
    pair = name + b"=" if name else b"=gone"
    return pair + b"; " + "; ".join(filter(None, parts)).encode("latin-1")
