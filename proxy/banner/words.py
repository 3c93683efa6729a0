"""The words a visitor reads, in every language, and the choice of the language.

They are read from files by word_files.py; a process that serves is handed them as they are here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from proxy.banner.markup import Markup, escape, joined, say
from proxy.filter.cache import Cache
from proxy.policy.model import Basis, Duration

DEFAULT = "en"
"""The language whose file is complete by definition: what is missing elsewhere comes from it."""

MAX_CACHED, MAX_LENGTH = 512, 200
"""Cached choices of a language, and the longest request that is cached."""

_LASTS = re.compile(r"(up to )?(\d+) (sec|min|[a-z]+?)s?")
_UNITS = {"sec": "second", "min": "minute"}

CATEGORIES = {"z": "zero", "o": "one", "t": "two", "f": "few", "m": "many", "x": "other"}
"""Plural categories of CLDR, by the letter that stands for each in `Words.plurals`."""

COUNTED = 200
"""Numbers whose plural category is listed; those above go by their last two digits (CLDR's rules do)."""


@dataclass(frozen=True, eq=False)
class Words:
    """One language: `of` maps `banner.title` to words, `phrases` the policy's words to its own.

    `plurals` holds the plural category of each number from 0 on, one letter for each.
    """

    code: str
    of: Mapping[str, str]
    phrases: Mapping[str, str] = field(default_factory=dict)
    plurals: str = "xo" + "x" * (COUNTED - 2)

    @property
    def direction(self) -> str:
        """Which way it is written: ltr or rtl."""
        return "rtl" if self.of["direction"] == "rtl" else "ltr"

    def say(self, key: str, /, **values: object) -> Markup:
        """Return the words under that key as markup, {braces} filled in."""
        return say(self.of[key], **{name: self.isolated(value) for name, value in values.items()})

    def isolated(self, text: object) -> object:
        """Return text that keeps its order where the words around it are written from right to left.

        Without a mark a date such as 2026-11-01 reads backwards there, and a name changes places
        with its comma.
        """
        if self.direction == "ltr" or isinstance(text, Markup) or not isinstance(text, str):
            return text
        return text if text.isalnum() or not text.isascii() else f"\u2068{text}\u2069"

    def names(self, names: Iterable[str]) -> str:
        """Return names one after the other: `a, b, c`."""
        if self.direction == "ltr":
            return ", ".join(names)
        return "\u060c ".join(f"\u2068{name}\u2069" for name in names)

    def plain(self, key: str) -> str:
        """Return the words under that key as they stand."""
        return self.of[key]

    def purpose(self, id_: str, part: str) -> str:
        """Return a purpose's label, hint, sentence, without or refusing; its id where nobody wrote any."""
        known = self.of.get(f"purposes.{id_}.{part}")
        return known if known is not None else id_.replace("-", " ").capitalize() if part == "label" else ""

    def phrase(self, text: str) -> str:
        """Return what the policy says, in this language where somebody translated it."""
        return self.phrases.get(text, text)

    def basis(self, basis: Basis) -> str:
        """Return the name of a legal basis."""
        return self.of["table." + basis.value.replace(" ", "_")]

    def duration(self, lasts: Duration) -> str:
        """Return how long a cookie lives, in this language."""
        if lasts.seconds is None:
            return self.of["table.Session"]
        found = _LASTS.fullmatch(lasts.text.strip().lower())
        if found is None:
            return lasts.text
        unit = f"table.{_UNITS.get(found[3], found[3])}"
        words = self._form(unit, int(found[2])) or lasts.text
        words = words.replace("{n}", found[2])
        return self.of["table.up_to"].replace("{duration}", words) if found[1] else words

    def count(self, group: str, number: int) -> Markup:
        """Return that number of something, in the form that the language has for it: `1 kind of cookie`."""
        none = self.of.get(f"{group}.none") if not number else None
        return say(none or self._form(group, number), count=number)

    def _form(self, group: str, number: int) -> str:
        letter = self.plurals[number if number < COUNTED else COUNTED // 2 + number % 100]
        form = self.of.get(f"{group}.{CATEGORIES[letter]}")
        return form if form is not None else self.of.get(f"{group}.other", "")

    def listed(self, items: Iterable[object]) -> Markup:
        """Return `a, b and c`."""
        several = [escape(self.isolated(item)) for item in items]
        if not several:
            return Markup()
        text = several[0]
        for item in several[1:-1]:
            text = self.say("grammar.comma", before=text, last=item)
        return self.say("grammar.and", before=text, last=several[-1]) if len(several) > 1 else text

    def date(self, seconds: int) -> str:
        """Return the day of a moment, in UTC."""
        at = datetime.fromtimestamp(seconds, UTC)
        month = self.of[f"grammar.month.{at.month}"]
        return str(self.say("grammar.date", day=at.day, month=month, month_number=at.month, year=at.year))

    def time(self, seconds: int) -> str:
        """Return the time of day of a moment, in UTC."""
        at = datetime.fromtimestamp(seconds, UTC)
        hours = {"hour": at.hour, "padded_hour": f"{at.hour:02}"}
        return str(self.say("grammar.time", **hours, minute=f"{at.minute:02}"))

    def saved(self, deleted: int = 0) -> str:
        """Return what is said after a choice: that it is saved, and how many cookies were deleted."""
        said = self.of["foot.saved"].replace("{manage}", self.of["buttons.manage"])
        counted = self.of["foot.deleted"].replace("{count}", str(deleted))
        return f"{said} {counted}" if deleted else said

    def sentence(self, parts: Iterable[str]) -> Markup:
        """Return sentences one after the other, empty ones left out."""
        return joined((escape(part) for part in parts if part), " ")


class Languages:
    """All languages, and the choice among them. `default` is chosen where nothing else decides."""

    def __init__(
        self, words: Mapping[str, Words], *, default: str = DEFAULT, configured: str | None = None
    ) -> None:
        self.all = words
        self.configured = configured if configured and configured in words else None
        self.default = self.configured or default
        self.chosen = _Chosen(self)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle the words, for the process that serves, without the cache."""
        return _languages, (dict(self.all), self.default, self.configured)

    def __getitem__(self, code: str) -> Words:
        return self.all[code]

    def choose(self, *, page: str = "", accept: bytes | str | None = None) -> Words:
        """Return the visitor's language: the page's own, the site's, then what they asked for."""
        return self.chosen[page, accept]


def _languages(words: Mapping[str, Words], default: str, configured: str | None) -> Languages:
    return Languages(words, default=default, configured=configured)


class _Chosen(Cache[tuple[str, "bytes | str | None"], Words]):
    """Languages by the page's own and what the visitor asked for (Accept-Language)."""

    def __init__(self, languages: Languages) -> None:
        super().__init__(MAX_CACHED, longest=MAX_LENGTH)
        self._languages = languages

    def __missing__(self, key: tuple[str, bytes | str | None]) -> Words:
        page, accept = key
        languages = self._languages
        spoken = _nearest(page, languages.all)
        if spoken is None:
            spoken = languages.configured or accepted(accept, languages.all) or languages.default
        return self.store(key, languages[spoken], len(page) + len(accept or ""))


LONGEST_TAG = 64
"""Characters of a language tag that are looked at: servers need take no more than 35 (RFC 5646 4.4.1)."""


def accepted(header: bytes | str | None, codes: Iterable[str]) -> str | None:
    """Return which of these languages an Accept-Language header likes best (RFC 9110 12.5.4)."""
    if not header:
        return None
    text = header.decode("latin-1") if isinstance(header, bytes) else header
    wanted: list[tuple[float, int, str]] = []
    for i, part in enumerate(text.split(",")[:32]):
        tag, _, parameters = part.strip().partition(";")
        weight = _weight(parameters)
        if tag and weight > 0:
            wanted.append((-weight, i, tag.strip()))
    known = list(codes)
    return next((found for _, _, tag in sorted(wanted) if (found := _nearest(tag, known))), None)


def _weight(parameters: str) -> float:
    found = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", parameters)
    return float(found[1]) if found else 0.0 if parameters.strip() else 1.0


def _nearest(tag: str, codes: Iterable[str]) -> str | None:
    """Return the language of a tag: `fr` for `fr-CA`, `pt-br` before `pt`."""
    known = {code.lower(): code for code in codes}
    wanted = tag.strip()[:LONGEST_TAG].lower().replace("_", "-")
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("-")[0]
    return None
