"""Cookies on their way: what the site may set, and what of the visitor's it is shown.

| | declared and refused | undeclared |
|---|---|---|
| Set-Cookie | dropped | dropped, reported (`undeclared: cookies`) |
| Cookie to the site | hidden | passes, bytes unchanged |

The consent cookie is ours: nobody else sets or deletes it. To the site it passes like
every necessary cookie, so that a header from which nothing is hidden stays as it came;
it is signed, so nobody there can make a choice of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from proxy.consent.decision import allows
from proxy.filter.glob import Glob
from proxy.filter.setcookie import SetCookie, attribute, format_date, parse_set_cookie
from proxy.filter.verdict import Does, Verdict
from proxy.policy.model import DAY, NECESSARY, CookieRule, Policy, Undeclared
from proxy.policy.scope import Pair

CONSENT_COOKIE = "consent_callkom"

OURS = Verdict(Does.DROP, note="the consent cookie is the proxy's own")
IGNORED = Verdict(Does.DROP, note="no browser stores this line")
UNDECLARED = Verdict(Does.DROP, note="undeclared")
UNDECLARED_KEPT = Verdict(Does.KEEP, note="undeclared")
NEVER: Mapping[str, int] = {}

MEMO = 2048  # names come from visitors: what is remembered of them is bounded

Memo = dict[tuple[str, str], CookieRule | None]


class CookieRules:
    """The cookie rows of a policy, compiled once; independent of any decision."""

    def __init__(self, policy: Policy, consent_cookie: str = CONSENT_COOKIE) -> None:
        self.consent_cookie = consent_cookie
        self.keeps_undeclared = policy.undeclared_cookies is Undeclared.KEEP
        self.rows = [row for provider in policy.providers for row in provider.cookies]
        self.needs = {id(row): _needs(policy, row) for row in self.rows}
        self._literal: dict[str, list[tuple[int, CookieRule]]] = {}
        self._globs: list[tuple[int, Glob, CookieRule]] = []
        for order, row in enumerate(self.rows):
            for name in row.names:
                word = _as_bytes_read(name)
                if "*" in word:
                    self._globs.append((order, Glob.of(word), row))
                else:
                    self._literal.setdefault(word, []).append((order, row))
        self._set: Memo = {}
        self._seen: Memo = {}

    def setting(self, name: str, domain: str) -> CookieRule | None:
        """Return the first row that speaks of a cookie of that name for that domain."""
        key = (name, domain)
        if key not in self._set:
            _remember(self._set, key, self._first(name, lambda row: _covers(row, domain)))
        return self._set[key]

    def seen(self, name: str, host: str) -> CookieRule | None:
        """Return the first row that may speak of a cookie that a browser sends to that host.

        The browser does not say for which domain it was set: any above the host may be.
        """
        key = (name, host)
        if key not in self._seen:
            _remember(self._seen, key, self._first(name, lambda row: _reaches(row, host)))
        return self._seen[key]

    def allowed(self, row: CookieRule, grants: frozenset[Pair]) -> bool:
        """True when the purpose of that row is granted, or needs no consent."""
        return allows(grants, row.provider, self.needs[id(row)])

    def _first(self, name: str, fits: Callable[[CookieRule], bool]) -> CookieRule | None:
        rows = list(self._literal.get(name, ()))
        rows += [(order, row) for order, glob, row in self._globs if glob.matches(name)]
        return next((row for _, row in sorted(rows, key=lambda pair: pair[0]) if fits(row)), None)


def judge_cookie(
    rules: CookieRules,
    line: bytes,
    *,
    host: str,
    grants: frozenset[Pair],
    now: int,
    since: Mapping[str, int] = NEVER,
) -> tuple[Verdict, bytes | None]:
    """Return the verdict on one Set-Cookie line and the line to send, None where it is dropped.

    `since` is the Answer's: the day since which each purpose has been granted.
    """
    cookie = parse_set_cookie(line)
    if cookie is None:
        return IGNORED, None
    if cookie.sent_as == rules.consent_cookie:
        return OURS, None
    row = rules.setting(cookie.sent_as, _domain(cookie, host))
    lives = cookie.lifetime(now)
    if lives is not None and lives <= 0:  # what takes a cookie away always may (T23)
        return (_of(row, Does.KEEP, note="deletion") if row else UNDECLARED_KEPT), line
    if row is None:
        return (UNDECLARED_KEPT, line) if rules.keeps_undeclared else (UNDECLARED, None)
    if not rules.allowed(row, grants):
        return _of(row, Does.DROP, needs=(row.purpose,)), None
    limit = longest(row, now, since)
    if lives is None or (limit is not None and lives <= limit):
        return _of(row, Does.KEEP), line
    return _of(row, Does.CAP, note=f"to {row.lasts.text.removeprefix('up to ')}"), cap(line, limit, now)


def longest(row: CookieRule, now: int, since: Mapping[str, int] = NEVER) -> int | None:
    """Return how many seconds a cookie of that row may live from now, None for a session.

    A life of more than a day does not slide (CNIL sheet 17): whatever the site renews,
    it ends N after the day since which the purpose has been granted; then the day
    starts anew. So the time since that day is laid out in spans of N, and a cookie
    never outlives the span in which it is written.
    """
    seconds = row.lasts.seconds
    if seconds is None or row.lasts.slides or row.purpose not in since:
        return seconds
    # The whole of the first day counts as its end: a cookie of the day itself lives N.
    passed = max(0, now - (since[row.purpose] + 1) * DAY)
    start = (since[row.purpose] + 1) * DAY + passed // seconds * seconds
    return min(seconds, start + seconds - now)


def cap(line: bytes, limit: int | None, now: int) -> bytes:
    """Return the line with that life (None: a session); only Max-Age and Expires are touched."""
    pair, *attributes = line.split(b";")
    kept = [pair]
    if limit is None:
        kept += [a for a in attributes if attribute(a)[0] not in LIFETIMES]
        return b";".join(kept)
    texts = {b"max-age": b"%d" % limit, b"expires": format_date(now + limit).encode("ascii")}
    missing = dict(texts)
    for segment in attributes:
        name = attribute(segment)[0]
        if name in texts:
            kept.append(segment.partition(b"=")[0].rstrip() + b"=" + texts[name])
            missing.pop(name, None)
        else:
            kept.append(segment)
    kept += [LIFETIMES[name] + b"=" + text for name, text in missing.items()]
    return b";".join(kept)


LIFETIMES = {b"max-age": b" Max-Age", b"expires": b" Expires"}


def split_cookie_header(value: bytes) -> list[tuple[str, bytes]]:
    """Return each piece of a Cookie header with the name that servers read in it."""
    return [(_name(piece), piece) for piece in value.split(b";")]


def strip_cookie_header(
    rules: CookieRules, value: bytes, *, host: str, grants: frozenset[Pair]
) -> tuple[bytes, tuple[str, ...]]:
    """Return the Cookie header the site may see, and the names hidden from it.

    The very same bytes where nothing is hidden; empty where nothing is left, and then
    the header goes.
    """
    hidden = []
    kept = []
    for name, piece in split_cookie_header(value):
        row = rules.seen(name, host)
        if row is None or rules.allowed(row, grants):
            kept.append(piece)
        else:
            hidden.append(name)
    if not hidden:
        return value, ()
    return b";".join(kept).strip(b" \t"), tuple(hidden)


def values_of(value: bytes, name: str) -> list[bytes]:
    """Return every value that a Cookie header holds under that name, in its order."""
    wanted = name.encode("latin-1")
    if wanted not in value:  # most headers hold none: the cheap look first
        return []
    pairs = (piece.partition(b"=") for piece in value.split(b";"))
    return [content.strip(b" \t") for word, _, content in pairs if word.strip(b" \t") == wanted]


def _name(piece: bytes) -> str:
    name, _, value = piece.partition(b"=")
    return (name.strip(b" \t") or value.partition(b"=")[0].strip(b" \t")).decode("latin-1")


def _of(row: CookieRule, does: Does, *, needs: tuple[str, ...] = (), note: str = "") -> Verdict:
    return Verdict(does, row.place, row.provider, needs, note)


def _needs(policy: Policy, row: CookieRule) -> tuple[str, ...]:
    return (row.purpose,) if row.purpose != NECESSARY and policy.needs_consent(row.purpose) else ()


def _as_bytes_read(name: str) -> str:
    """Return a name of rules.yaml as header bytes are read here: one character a byte."""
    return name.encode("utf-8").decode("latin-1")


def _domain(cookie: SetCookie, host: str) -> str:
    """Return the domain for which a browser stores it; one that does not match is none."""
    domain = cookie.domain
    if domain is not None and (host == domain or host.endswith("." + domain)):
        return domain
    return host


def _covers(row: CookieRule, domain: str) -> bool:
    """True when the row speaks of cookies set for that domain."""
    return any(
        domain == d.removeprefix(".") or (d.startswith(".") and domain.endswith(d)) for d in row.domains
    )


def _reaches(row: CookieRule, host: str) -> bool:
    """True when a cookie of that row may be sent to that host."""
    return any(host == (d := domain.removeprefix(".")) or host.endswith("." + d) for domain in row.domains)


def _remember(memo: Memo, key: tuple[str, str], row: CookieRule | None) -> None:
    if len(memo) >= MEMO:
        memo.clear()
    memo[key] = row
