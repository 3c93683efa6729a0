"""From the consent cookies of a request to what holds for it; remembered, since visitors come again."""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.consent.answer import Answer
from proxy.consent.cookie import LONGEST, ConsentReading, read_answers
from proxy.consent.decision import Decision, decide
from proxy.filter.headers.cookies import values_of
from proxy.http.request import Request
from proxy.policy.scope import Scope

ANSWERS = 8192
"""Consent cookies whose reading is remembered: each costs 25 us and some 500 bytes."""


@dataclass(slots=True)
class _Settled:
    """What consent cookies say, and what follows from it for this minute."""

    reading: ConsentReading
    decisions: dict[tuple[bool, bool], Decision] = field(default_factory=dict)  # by signal and withheld


class ConsentLookup:
    """What visitors of one site answered, as their cookies say it. `lasts`: seconds an answer holds."""

    def __init__(self, scope: Scope, keys: tuple[bytes, ...], cookie: str, *, lasts: int) -> None:
        self._scope = scope
        self._keys = keys
        self._cookie = cookie
        self._lasts = lasts
        self._kept: dict[tuple[bytes, int], _Settled] = {}
        self._nobody = _Settled(ConsentReading(None))  # has not answered: the same at any time

    def settle(self, request: Request) -> tuple[ConsentReading, Decision]:
        """Return what the visitor's consent cookies say, and what holds for this request."""
        lines = request.fields.get(b"cookie")
        found = self._nobody if lines is None else self._read(request, lines)
        key = (request.signal, request.withheld)
        decision = found.decisions.get(key)
        if decision is None:
            decision = found.decisions[key] = self.decide(request, found.reading.answer)
        return found.reading, decision

    def decide(self, request: Request, answer: Answer | None) -> Decision:
        """Return what holds for this request after that answer."""
        return decide(
            self._scope,
            answer,
            now=request.now,
            ask_again_after=self._lasts,
            signal=request.signal,
            withheld=request.withheld,
        )

    def _read(self, request: Request, lines: list[bytes]) -> _Settled:
        values = [value for line in lines for value in values_of(line, self._cookie)]
        if not values:
            return self._nobody
        if len(values) > 1 or len(values[0]) > LONGEST:  # what anybody may send is not kept
            return self._settled(values, request.now)
        key = (values[0], request.now // 60)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= ANSWERS:
                self._kept.clear()
            found = self._kept[key] = self._settled(values, request.now)
        return found

    def _settled(self, values: list[bytes], now: int) -> _Settled:
        return _Settled(read_answers(values, self._keys, self._scope, now=now, lasts=self._lasts))
