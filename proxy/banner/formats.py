"""What a language writes alike whoever speaks: dates, durations, lists and plurals, from CLDR by Babel.

Babel and its data take 14 MB, so only who reads the word files imports this; what comes of it are words
like any others, which a file of words may say differently.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError

from proxy.banner.words import CATEGORIES, COUNTED

_LETTERS = {category: letter for letter, category in CATEGORIES.items()}

UNITS = {
    "second": "short",
    "minute": "short",
    "hour": "long",
    "day": "long",
    "week": "long",
    "month": "long",
    "year": "long",
}
"""The units of a cookie's life, and how CLDR is asked to write each."""

_LOCALES = {"en": "en_150"}
"""Where a language is written in several ways, that of Europe."""

_UNITS = {"en_150": "en"}
"""But `30 min`, not `30 mins`: so do cookie policies."""

_FIELDS = {
    "d": "day", "dd": "day", "M": "month_number", "MM": "month_number", "MMMM": "month", "LLLL": "month",
    "y": "year", "yyyy": "year", "H": "hour", "HH": "padded_hour", "mm": "minute",
}  # fmt: skip
_TOKEN = re.compile(r"'([^']*)'|([A-Za-z])\2*")


@lru_cache(64)
def formats(code: str) -> tuple[dict[str, str], str]:
    """Return the words of a language that CLDR knows, and its plural categories; English where it knows none.

    The categories are one letter for each number from 0 on (CATEGORIES).
    """
    found = _locale(code)
    locale = found or Locale.parse(_LOCALES["en"])
    words = dict(_grammar(locale))
    if found is not None:
        words["language"] = (found.get_language_name(found) or code).capitalize()  # in itself
        words["direction"] = "rtl" if found.character_order == "right-to-left" else "ltr"
    for unit, width in UNITS.items():
        for category, text in _unit(Locale.parse(_UNITS.get(str(locale), str(locale))), unit, width):
            words[f"table.{unit}.{category}"] = text
    return words, "".join(_LETTERS[locale.plural_form(n)] for n in range(COUNTED))


def _locale(code: str) -> Locale | None:
    """Return the locale of a language, less its region where CLDR does not know that; None for none."""
    while code:
        try:
            return Locale.parse(_LOCALES.get(code, code), sep="_" if code in _LOCALES else "-")
        except (UnknownLocaleError, ValueError):
            code = code.rpartition("-")[0]
    return None


def _grammar(locale: Locale) -> Iterator[tuple[str, str]]:
    lists: Any = locale.list_patterns["standard"]
    yield "grammar.comma", _pair(lists["middle"])
    yield "grammar.and", _pair(lists["end"])
    yield "grammar.date", _pattern(locale.date_formats["long"].pattern)
    yield "grammar.time", _pattern(locale.datetime_skeletons["Hm"].pattern) + " UTC"
    months: Any = locale.months["format"]["wide"]
    for number in range(1, 13):
        yield f"grammar.month.{number}", months[number]


def _pair(pattern: str) -> str:
    return pattern.replace("{0}", "{before}").replace("{1}", "{last}")


def _pattern(pattern: str) -> str:
    """Return a pattern of CLDR (`d 'de' MMMM`) with our {words}; without what we have none for."""

    def word(found: re.Match[str]) -> str:
        if found[1] is not None:
            return found[1] or "'"
        name = _FIELDS.get(found[0])
        return f"{{{name}}}" if name else ""

    return re.sub(" +", " ", _TOKEN.sub(word, pattern)).strip()


def _unit(locale: Locale, unit: str, width: str) -> Iterator[tuple[str, str]]:
    data: Any = locale._data  # noqa: SLF001 - Babel formats numbers with these, and gives them to nobody else
    for category, text in data["unit_patterns"][f"duration-{unit}"][width].items():
        if category in _LETTERS:
            yield category, text.replace("{0}", "{n}")
