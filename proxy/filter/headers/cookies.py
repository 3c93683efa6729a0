"""Judges Set-Cookie lines of responses and the Cookie header of requests.

| | declared and refused | undeclared, not presumed | a known tracker's |
|---|---|---|---|
| Set-Cookie | dropped | dropped, reported (`undeclared: cookies`) | dropped |
| Cookie to the site | hidden | passes, bytes unchanged | hidden |

What is presumed necessary although no rule speaks of it: presumption.py.

The site neither sets nor deletes the consent cookie. In requests it passes like every
necessary cookie, so that a header from which nothing is hidden is unchanged; it is
signed, so the site cannot forge an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from proxy.consent.decision import allows
from proxy.filter.cache import Cache
from proxy.filter.headers.presumption import NO_OCCASION, Occasion, may_be_presumed, tracker_row
from proxy.filter.headers.set_cookie import CONTROL, MAX_PAIR, WSP, SetCookie, cap, parse_set_cookie
from proxy.filter.patterns import Glob
from proxy.filter.verdict import Does, Verdict
from proxy.policy.model import DAY, NECESSARY, OWN, CookieRule, Policy, Undeclared
from proxy.policy.scope import Pair

CONSENT_COOKIE = "consent_callkom"

CONSENT_COOKIE_VERDICT = Verdict(Does.DROP, note="the consent cookie is the proxy's own")
IGNORED = Verdict(Does.DROP, note="no browser stores this line")
NO_GRANT_DAYS: Mapping[str, int] = {}

MAX_CACHED = 2048  # names come from visitors, so their caches are bounded
MAX_KEY = 256  # longer names are not cached
MAX_CACHED_ANSWERS = 1024  # (days of consent, day) whose outlived rows are cached


class CookieVerdicts(Cache[tuple[str, bytes, bytes], Verdict]):
    """Cached verdicts by host, name and attributes: those that hold for every value."""

    def verdict(self, line: bytes, host: str) -> Verdict | None:
        """Return the cached verdict on a Set-Cookie line, or None."""
        pair, _, attributes = line.partition(b";")
        name, equals, _ = pair.partition(b"=")
        known = self.get((host, name, attributes))
        if known is None or not equals or len(pair) > MAX_PAIR or CONTROL.search(pair):
            return None
        return known


class CookieRules:
    """The cookie rows of a policy, compiled once; independent of any decision."""

    def __init__(self, policy: Policy, consent_cookie: str = CONSENT_COOKIE) -> None:
        self.policy = policy
        self.consent_cookie = consent_cookie
        keeps = policy.undeclared_cookies is Undeclared.KEEP
        place = policy.undeclared_cookies_place
        self.undeclared = Verdict(Does.KEEP if keeps else Does.DROP, place, note="undeclared")
        self.undeclared_deletion = Verdict(Does.KEEP, note="undeclared")
        self.presumes = policy.undeclared_cookies is Undeclared.PRESUME
        self.presumed = Verdict(Does.KEEP, place, note="presumed necessary", presumed=True)
        self.shortened = Verdict(Does.CAP, place, note="to Session", presumed=True)
        self.rows = [row for provider in policy.providers for row in provider.cookies]
        platforms = policy.catalogue.platforms if self.presumes else ()
        self._platform_rows = [row for platform in platforms for row in platform.cookies]
        self._platforms = frozenset(map(id, self._platform_rows))
        self._tracker_rows = [tracker_row(tracker) for tracker in policy.catalogue.trackers]
        self._trackers = frozenset(map(id, self._tracker_rows))
        self.every_row = [*self.rows, *self._platform_rows, *self._tracker_rows]
        self._needs = {id(row): _needs(policy, row) for row in self.every_row}
        self._literal: dict[str, list[tuple[int, CookieRule]]] = {}
        self._globs: list[tuple[int, Glob, CookieRule]] = []
        for order, row in enumerate(self.every_row):
            for name in row.names:
                word = _as_bytes_read(name)
                if "*" in word:
                    self._globs.append((order, Glob.of(word), row))
                else:
                    self._literal.setdefault(word, []).append((order, row))
        # of sweep.outlived
        self.outlived: Cache[tuple[object, ...], tuple[CookieRule, ...]] = Cache(MAX_CACHED_ANSWERS)
        self._set: Cache[tuple[str, str], CookieRule | None] = Cache(MAX_CACHED, longest=MAX_KEY)
        self._seen: Cache[str, Cache[bytes, int]] = Cache(MAX_CACHED)
        self._refused: Cache[frozenset[Pair], frozenset[int]] = Cache(MAX_CACHED)
        self._judged: Cache[frozenset[Pair], CookieVerdicts] = Cache(MAX_CACHED)

    def judged(self, grants: frozenset[Pair]) -> CookieVerdicts:
        """Return the cached verdicts for these grants."""
        found = self._judged.get(grants)
        if found is None:
            found = self._judged.store(grants, CookieVerdicts(MAX_CACHED, longest=MAX_KEY))
        return found

    def setting(self, name: str, domain: str) -> CookieRule | None:
        """Return the first row for a cookie of that name and domain."""
        key = (name, domain)
        if key in self._set:
            return self._set[key]
        found = self._first(name, lambda row: _covers(row, domain))
        return self._set.store(key, found, len(name) + len(domain))

    def naming(self, name: str) -> CookieRule | None:
        """Return the first row that names a cookie, for whatever domain."""
        return self._first(_as_bytes_read(name), lambda _row: True)

    def refusal(self, row: CookieRule) -> Verdict:
        """Return the verdict on a cookie of a row that is refused; nothing grants a known tracker's."""
        if id(row) in self._trackers:
            return _verdict(row, Does.DROP, note="known tracker")
        return _verdict(row, Does.DROP, needs=(row.purpose,))

    def is_platform(self, row: CookieRule) -> bool:
        """True for a row of a platform of the catalogue, which speaks of what no rule declares."""
        return id(row) in self._platforms

    def is_tracker(self, row: CookieRule) -> bool:
        """True for a row of a known tracker of the catalogue."""
        return id(row) in self._trackers

    def is_presumed(self, name: str, domain: str) -> bool:
        """True for a name that no rule describes, and that may pass all the same."""
        row = self.setting(name, domain)
        return self.presumes and (not self.is_claimed(name) if row is None else self.is_platform(row))

    def is_claimed(self, name: str) -> bool:
        """True when a row that needs consent names it, be it for another domain."""
        return self._first(name, lambda row: bool(self._needs[id(row)])) is not None

    def seen(self, host: str) -> Cache[bytes, int]:
        """Return the cache of names in Cookie headers for that host: `mark` by spelling."""
        known = self._seen.get(host)
        if known is None:
            known = self._seen.store(host, Cache(MAX_CACHED, longest=MAX_KEY))
        return known

    def mark(self, piece: bytes, host: str) -> int:
        """Return the id() of the first row that may match a cookie of a request, or 0.

        The browser does not say for which domain it was set: any above the host may be.
        """
        name, nameless = name_sent(piece)
        row = self._first(name.decode("latin-1"), lambda row: _reaches(row, host))
        found = 0 if row is None else id(row)
        spelling = piece.partition(b"=")[0]
        return found if nameless else self.seen(host).store(spelling, found)

    def refused(self, grants: frozenset[Pair]) -> frozenset[int]:
        """Return the id() of each row that is refused under these grants."""
        found = self._refused.get(grants)
        if found is None:
            found = frozenset(id(row) for row in self.every_row if not self._allows(row, grants))
            self._refused.store(grants, found)
        return found

    def _allows(self, row: CookieRule, grants: frozenset[Pair]) -> bool:
        """True when these grants allow a row; a platform is part of the site, so the purpose alone counts."""
        needs = self._needs[id(row)]
        if id(row) in self._platforms:
            return {pair.purpose for pair in grants}.issuperset(needs)
        return id(row) not in self._trackers and allows(grants, row.provider, needs)

    def _first(self, name: str, matches: Callable[[CookieRule], bool]) -> CookieRule | None:
        rows = list(self._literal.get(name, ()))
        rows += [(order, row) for order, glob, row in self._globs if glob.matches(name)]
        return next((row for _, row in sorted(rows, key=lambda pair: pair[0]) if matches(row)), None)


def judge_cookie(
    rules: CookieRules,
    line: bytes,
    *,
    host: str,
    grants: frozenset[Pair],
    now: int,
    since: Mapping[str, int] = NO_GRANT_DAYS,
    occasion: Occasion = NO_OCCASION,
) -> tuple[Verdict, bytes | None]:
    """Return the verdict on one Set-Cookie line and the line to send, None where it is dropped.

    `since` is the Answer's: the day since which each purpose has been granted. The occasion is
    what speaks for a sign-in, where nobody declared the cookie.
    """
    judged = rules.judged(grants)
    known = judged.verdict(line, host)
    if known is not None:
        return known, line if known.does is Does.KEEP else None
    verdict, out, lasting = _judge(
        rules, line, host=host, grants=grants, now=now, since=since, occasion=occasion
    )
    pair, _, attributes = line.partition(b";")
    name, equals, _ = pair.partition(b"=")
    key = (host, name, attributes)
    if lasting and equals and name.strip(WSP):
        judged.store(key, verdict, len(name) + len(attributes))
    return verdict, out


def _judge(
    rules: CookieRules,
    line: bytes,
    *,
    host: str,
    grants: frozenset[Pair],
    now: int,
    since: Mapping[str, int],
    occasion: Occasion,
) -> tuple[Verdict, bytes | None, bool]:
    """Return verdict and line, and whether a line with another value gets the same verdict at any time."""
    cookie = parse_set_cookie(line)
    if cookie is None:
        return IGNORED, None, False
    if cookie.sent_as == rules.consent_cookie:
        return CONSENT_COOKIE_VERDICT, None, True
    row = rules.setting(cookie.sent_as, _domain(cookie, host))
    lives = cookie.lifetime(now)
    lasting = lives is None or cookie.max_age is not None  # a date makes the verdict change with time
    if lives is not None and lives <= 0:  # a deletion always passes (T23)
        return (
            (_verdict(row, Does.KEEP, note="deletion") if row else rules.undeclared_deletion),
            line,
            lasting,
        )
    if row is None:
        verdict, depends = _undeclared(rules, cookie, lives, host, occasion)
        out = line if verdict.keeps else cap(line, None, now) if verdict.does is Does.CAP else None
        return verdict, out, lasting and not depends
    if id(row) in rules.refused(grants):
        return rules.refusal(row), None, lasting
    limit, presumed = longest_lifetime(row, now, since), rules.is_platform(row)
    if lives is None or (limit is not None and lives <= limit):
        return _verdict(row, Does.KEEP, presumed=presumed), line, lives is None
    note = f"to {row.lasts.text.removeprefix('up to ')}"
    return _verdict(row, Does.CAP, note=note, presumed=presumed), cap(line, limit, now), False


def _undeclared(
    rules: CookieRules, cookie: SetCookie, lives: int | None, host: str, occasion: Occasion
) -> tuple[Verdict, bool]:
    """Return the verdict on a cookie that matches no row, and whether it depends on the occasion."""
    if not (rules.presumes and may_be_presumed(cookie, lives, host)) or rules.is_claimed(cookie.sent_as):
        return rules.undeclared, False
    if lives is None:
        return rules.presumed, False
    return rules.presumed if occasion.allows_life(cookie.name) else rules.shortened, True


def longest_lifetime(row: CookieRule, now: int, since: Mapping[str, int] = NO_GRANT_DAYS) -> int | None:
    """Return the seconds a cookie of that row may live from now, None for a session.

    A life of more than a day does not slide (CNIL sheet 17): whatever the site renews,
    it ends N after the day since which the purpose has been granted; then the day
    starts anew. So the time since that day is laid out in spans of N, and a cookie
    never outlives the span in which it is written.
    """
    seconds, days = row.lasts.seconds, span_days(row)
    if seconds is None or days is None or row.purpose not in since:
        return seconds
    # Counted from the end of the first day: a cookie of that day itself may live N.
    start = (since[row.purpose] + 1) * DAY
    passed = max(0, now - start) // (days * DAY)
    return min(seconds, start + (passed + 1) * days * DAY - now)


def span_days(row: CookieRule) -> int | None:
    """Return the days after which a cookie of that row must be gone; None where its life may slide."""
    seconds = row.lasts.seconds
    return None if seconds is None or row.lasts.slides else seconds // DAY


def strip_cookie_header(
    rules: CookieRules, value: bytes, *, host: str, grants: frozenset[Pair]
) -> tuple[bytes, tuple[bytes, ...]]:
    """Return the Cookie header the site may see, and the names hidden from it.

    The very same bytes where nothing is hidden; empty where nothing is left, and then
    the header goes. The name of a nameless cookie is empty.
    """
    refused, known = rules.refused(grants), rules.seen(host)
    hidden: list[bytes] = []
    kept: list[bytes] = []
    for piece in value.split(b";"):
        mark = known.get(piece.partition(b"=")[0])
        refuses = (rules.mark(piece, host) if mark is None else mark) in refused
        (hidden if refuses else kept).append(piece)
    if not hidden:
        return value, ()
    names = (name_sent(piece) for piece in hidden)
    return b";".join(kept).strip(WSP), tuple(b"" if nameless else name for name, nameless in names)


def name_sent(piece: bytes) -> tuple[bytes, bool]:
    """Return the name that servers read in one cookie, and whether it is nameless.

    They read the value of a nameless cookie as a name (T19).
    """
    given, equals, content = piece.partition(b"=")
    name = given.strip(WSP)
    return name or content.partition(b"=")[0].strip(WSP), not (equals and name)


def values_of(value: bytes, name: str) -> list[bytes]:
    """Return every value that a Cookie header holds under that name, in its order."""
    wanted = name.encode("ascii")
    if wanted not in value:  # fast path: most headers hold none
        return []
    pairs = (piece.partition(b"=") for piece in value.split(b";"))
    return [content.strip(WSP) for word, _, content in pairs if word.strip(WSP) == wanted]


def pairs_of(value: bytes, names: Sequence[str]) -> list[tuple[str, str]]:
    """Return every cookie of a Cookie header that has one of these names, or begins as `name*` does."""
    begins = tuple(name.removesuffix("*") for name in names)
    if not any(one.encode("latin-1") in value for one in begins):
        return []
    found = []
    for piece in value.decode("latin-1").split(";"):
        word, _, content = piece.partition("=")
        word = word.strip(" \t")
        if word in names or any(name.endswith("*") and word.startswith(name[:-1]) for name in names):
            found.append((word, content.strip(" \t")))
    return found


def _verdict(
    row: CookieRule, does: Does, *, needs: tuple[str, ...] = (), note: str = "", presumed: bool = False
) -> Verdict:
    return Verdict(does, row.place, row.provider, needs, note, presumed)


def _needs(policy: Policy, row: CookieRule) -> tuple[str, ...]:
    return (row.purpose,) if row.purpose != NECESSARY and policy.needs_consent(row.purpose) else ()


def _as_bytes_read(name: str) -> str:
    """Return a name of rules.yaml as latin-1, as header bytes are decoded here."""
    return name.encode("utf-8").decode("latin-1")


def _domain(cookie: SetCookie, host: str) -> str:
    """Return the domain for which a browser stores the cookie."""
    domain = cookie.domain
    if domain is not None and (host == domain or host.endswith("." + domain)):
        return domain
    return host


def _covers(row: CookieRule, domain: str) -> bool:
    """True when the row is about cookies of that domain."""
    return any(
        domain == d.removeprefix(".") or (d.startswith(".") and domain.endswith(d)) or d == OWN
        for d in row.domains
    )


def _reaches(row: CookieRule, host: str) -> bool:
    """True when a cookie of that row may be sent to that host."""
    return any(
        host == (d := domain.removeprefix(".")) or host.endswith("." + d) or d == OWN
        for domain in row.domains
    )
