"""Figures made of the daily numbers, in all or by day, site, language, purpose or kind of answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from enum import Enum

from proxy.consent.answer import How
from proxy.consent.decision import Ask
from proxy.records.days import DECLARED, ERASED, SHOWN, UNSTORED, Key

_ANSWERS = frozenset(how.value for how in How) - {How.ONCE.value}


class By(Enum):
    """What figures are told apart by."""

    DAY = "day"
    SITE = "site"
    LANGUAGE = "language"
    PURPOSE = "purpose"
    HOW = "how"


@dataclass(slots=True)
class Figures:
    """Figures of some days. `shown`, `asked_again` and `gpc` count pages, the others choices."""

    shown: int = 0  # pages with the banner
    asked_again: int = 0  # of them: because an answer ran out, or of something new
    gpc: int = 0  # pages with the notice: the browser sent Global Privacy Control, nobody answered
    answered: int = 0
    accepted: int = 0
    refused: int = 0
    custom: int = 0
    withdrawn: int = 0
    answered_again: int = 0
    once: int = 0
    declared: int = 0  # of those answered: told to another consent tool, read by us
    unstored: int = 0
    erased: int = 0

    def count(self, measure: str, count: int) -> None:
        """Add a daily number."""
        for name in _figures_of(measure):
            setattr(self, name, getattr(self, name) + count)


@dataclass(slots=True)
class PurposeFigures:
    """Choices that granted, refused or withdrew a purpose."""

    granted: int = 0
    refused: int = 0
    withdrawn: int = 0

    @property
    def share(self) -> float | None:
        """Which part of the choices granted it."""
        asked = self.granted + self.refused
        return round(self.granted / asked, 4) if asked else None


_FIGURE = {
    How.ACCEPT.value: "accepted",
    How.REFUSE.value: "refused",
    How.SAVE.value: "custom",
    How.PLACEHOLDER.value: "custom",
    How.WITHDRAW.value: "withdrawn",
    How.ONCE.value: "once",
    "again": "answered_again",
    ERASED: ERASED,
    DECLARED: DECLARED,
    SHOWN + Ask.SIGNAL.value: "gpc",
}


def _figures_of(measure: str) -> tuple[str, ...]:
    """Return the figures that a measure counts for."""
    if measure.startswith(UNSTORED):
        return ("unstored",)
    if measure in _FIGURE:
        return (_FIGURE[measure], "answered") if measure in _ANSWERS else (_FIGURE[measure],)
    if measure.startswith(SHOWN):
        again = measure in (SHOWN + Ask.EXPIRED.value, SHOWN + Ask.NEW.value)
        return ("shown", "asked_again") if again else ("shown",)
    return ()


def figures(numbers: Mapping[Key, int], by: By | None = None) -> dict[str, Figures]:
    """Return the figures by day, site or language; under "" all of them."""
    found: dict[str, Figures] = {}
    for (day, site, language, measure, purpose), count in sorted(numbers.items()):
        if purpose:
            continue
        name = {By.DAY: day_name(day), By.SITE: site, By.LANGUAGE: language}.get(by, "") if by else ""
        found.setdefault(name, Figures()).count(measure, count)
    return found


def purposes(numbers: Mapping[Key, int]) -> dict[str, PurposeFigures]:
    """Return what was answered to each purpose."""
    found: dict[str, PurposeFigures] = {}
    for (_, _, _, measure, purpose), count in sorted(numbers.items()):
        if purpose:
            one = found.setdefault(purpose, PurposeFigures())
            setattr(one, measure, getattr(one, measure) + count)
    return found


def kinds(numbers: Mapping[Key, int]) -> dict[str, int]:
    """Return how many choices of each kind there were."""
    found = dict.fromkeys((how.value for how in How), 0)
    for (_, _, _, measure, _), count in numbers.items():
        if measure in found:
            found[measure] += count
    return found


def as_dict(one: Figures) -> dict[str, int]:
    """Return the figures by name."""
    return {field.name: getattr(one, field.name) for field in fields(one)}


def day_name(day: int) -> str:
    """Return a day since 1970 as it is written."""
    return datetime.fromtimestamp(day * 86_400, UTC).date().isoformat()


def by_site_name(
    numbers: Mapping[Key, int], sites: Iterable[Sequence[str]], only: str | None = None
) -> dict[Key, int]:
    """Return the numbers under each site's first host: records name the host that was visited.

    `only`: those of the site with this host.
    """
    name_of = {host: hosts[0] for hosts in sites for host in hosts}
    wanted = name_of.get(only, only) if only is not None else None
    found: Counter[Key] = Counter()
    for (day, host, language, measure, purpose), count in numbers.items():
        site = name_of.get(host, host)
        if wanted in (None, site):
            found[day, site, language, measure, purpose] += count
    return found
