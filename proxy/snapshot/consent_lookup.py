"""Reads the consent cookies of a request and decides what they allow; cached by cookie value."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from proxy.consent.answer import Answer
from proxy.consent.cookie import MAX_LENGTH, ConsentReading, read_answers
from proxy.consent.decision import Decision, decide
from proxy.consent.effective_answer import EffectiveAnswer, Source, effective_answer, without_asking
from proxy.consent.tools.known import read_tool
from proxy.consent.tools.tool_answer import MAX_LENGTH as LONGEST_OF_TOOL
from proxy.filter.cache import Cache
from proxy.filter.headers.cookies import pairs_of, values_of
from proxy.http.request import Request
from proxy.policy.scope import Scope

CACHE_SIZE = 8192
"""Consent cookies in the cache: reading one takes 25 us, an entry some 500 bytes."""

KEPT = 4 << 20
"""Bytes of cookies in the cache: they come from strangers, and another tool's may be long."""


@dataclass(slots=True)
class _Entry:
    """A parsed consent cookie, the answer that holds, and the decisions of one minute."""

    reading: ConsentReading
    effective: EffectiveAnswer | None  # None where no other tool is read
    decisions: dict[tuple[bool, bool], Decision] = field(default_factory=dict)  # by signal and withheld


class ConsentLookup:
    """Reads the visitors' answers of one site from their cookies. `lasts`: seconds an answer holds.

    `source` is another consent tool whose cookies are read too, `version` the policy's.
    """

    def __init__(
        self,
        scope: Scope,
        keys: tuple[bytes, ...],
        cookie: str,
        *,
        lasts: int,
        source: Source | None = None,
        version: str = "",
    ) -> None:
        self._scope = scope
        self._keys = keys
        self._cookie = cookie
        self._lasts = lasts
        self._source = source
        self._version = version
        longest = MAX_LENGTH + (LONGEST_OF_TOOL if source is not None else 0)
        self._cache: Cache[tuple[object, ...], _Entry] = Cache(CACHE_SIZE, limit=KEPT, longest=longest)
        self._no_cookie = self._entry([], [], 0)  # no answer yet: the same at any time

    def look_up(self, request: Request) -> tuple[ConsentReading, Decision]:
        """Return the reading of the request's consent cookies, and the decision for this request."""
        lines = request.fields.get(b"cookie")
        found = self._no_cookie if lines is None else self._cached_entry(request, lines)
        key = (request.signal, request.withheld)
        decision = found.decisions.get(key)
        if decision is None:
            decision = found.decisions[key] = self._decide_all(request, found)
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

    def _decide_all(self, request: Request, found: _Entry) -> Decision:
        """Return the decision that follows from our cookie and from another tool's, where one is read."""
        effective = found.effective
        if effective is None or request.withheld:
            return self.decide(request, found.reading.answer)
        due = effective.declared.due is not None
        decision = replace(self.decide(request, effective.answer), declared=effective.declared, is_due=due)
        return without_asking(decision) if effective.other_tool_asks else decision

    def _cached_entry(self, request: Request, lines: list[bytes]) -> _Entry:
        values = [value for line in lines for value in values_of(line, self._cookie)]
        names = self._source.cookies if self._source is not None else ()
        pairs = [pair for line in lines for pair in pairs_of(line, names)] if names else []
        if not values and not pairs:
            return self._no_cookie
        if len(values) > 1 or (values and len(values[0]) > MAX_LENGTH):
            return self._entry(values, pairs, request.now)  # oddities, which anybody may send, are not cached
        key = (*values, *pairs, request.now // 60)
        found = self._cache.get(key)
        if found is None:
            size = sum(map(len, values)) + sum(len(name) + len(value) for name, value in pairs)
            found = self._cache.store(key, self._entry(values, pairs, request.now), size)
        return found

    def _entry(self, values: list[bytes], pairs: list[tuple[str, str]], now: int) -> _Entry:
        reading = read_answers(values, self._keys, self._scope, now=now, lasts=self._lasts)
        return _Entry(reading, self._effective(reading.answer, pairs, now))

    def _effective(
        self, own: Answer | None, pairs: list[tuple[str, str]], now: int
    ) -> EffectiveAnswer | None:
        if self._source is None:
            return None
        said = read_tool(self._source.tool, pairs, now)
        return effective_answer(
            self._source, said, own, self._scope, now=now, lasts=self._lasts, version=self._version
        )
