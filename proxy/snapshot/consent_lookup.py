"""Reads the consent cookies of a request and decides what they allow; cached by cookie value."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.consent.answer import Answer
from proxy.consent.cookie import MAX_LENGTH, ConsentReading, read_answers
from proxy.consent.decision import Decision, decide
from proxy.filter.cache import Cache
from proxy.filter.headers.cookies import values_of
from proxy.http.request import Request
from proxy.policy.scope import Scope

CACHE_SIZE = 8192
"""Consent cookies in the cache: reading one takes 25 us, an entry some 500 bytes."""


@dataclass(slots=True)
class _Entry:
    """A parsed consent cookie, and the decisions that follow from it within one minute."""

    reading: ConsentReading
    decisions: dict[tuple[bool, bool], Decision] = field(default_factory=dict)  # by signal and withheld


class ConsentLookup:
    """Reads the visitors' answers of one site from their cookies. `lasts`: seconds an answer holds."""

    def __init__(self, scope: Scope, keys: tuple[bytes, ...], cookie: str, *, lasts: int) -> None:
        self._scope = scope
        self._keys = keys
        self._cookie = cookie
        self._lasts = lasts
        self._cache: Cache[tuple[bytes, int], _Entry] = Cache(CACHE_SIZE, longest=MAX_LENGTH)
        self._no_cookie = _Entry(ConsentReading(None))  # no answer yet: the same at any time

    def look_up(self, request: Request) -> tuple[ConsentReading, Decision]:
        """Return the reading of the request's consent cookies, and the decision for this request."""
        lines = request.fields.get(b"cookie")
        found = self._no_cookie if lines is None else self._cached_entry(request, lines)
        key = (request.signal, request.withheld)
        decision = found.decisions.get(key)
        if decision is None:
            decision = found.decisions[key] = self.decide(request, found.reading.answer)
        return found.reading, decision

    def decide(self, request: Request, answer: Answer | None) -> Decision:
        """Return the decision for this request, given that answer."""
        return decide(
            self._scope,
            answer,
            now=request.now,
            ask_again_after=self._lasts,
            signal=request.signal,
            withheld=request.withheld,
        )

    def _cached_entry(self, request: Request, lines: list[bytes]) -> _Entry:
        values = [value for line in lines for value in values_of(line, self._cookie)]
        if not values:
            return self._no_cookie
        if len(values) > 1 or len(values[0]) > MAX_LENGTH:  # oddities, which anybody may send, are not cached
            return self._entry(values, request.now)
        key = (values[0], request.now // 60)
        found = self._cache.get(key)
        if found is None:
            found = self._cache.store(key, self._entry(values, request.now), len(values[0]))
        return found

    def _entry(self, values: list[bytes], now: int) -> _Entry:
        return _Entry(read_answers(values, self._keys, self._scope, now=now, lasts=self._lasts))
