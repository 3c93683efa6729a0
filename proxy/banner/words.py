"""The words a visitor reads, in every language, and the choice of the language.

A language is one file of languages/. A `languages` folder beside the config overrides single words or
adds languages; what a file lacks is said in English, and `check` names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

from proxy.banner.markup import Markup, escape, joined, say
from proxy.errors import ConfigError
from proxy.filter.cache import Cache
from proxy.policy import yaml_source
from proxy.policy.model import Basis, Duration
from proxy.problems import Place, Problem

DEFAULT = "en"
"""The language whose file is complete by definition: what is missing elsewhere comes from it."""

SHIPPED = Path(__file__).resolve().parent / "languages"

PHRASES = "phrases"

MAX_CACHED, MAX_LENGTH = 512, 200
"""Cached choices of a language, and the longest request that is cached."""

_LASTS = re.compile(r"(up to )?(\d+) (sec|min|[a-z]+?)s?")
_UNITS = {"sec": "second", "min": "minute"}


@dataclass(frozen=True, eq=False)
class Words:
    """One language: `of` maps `banner.title` to words, `phrases` the policy's words to its own."""

    code: str
    of: Mapping[str, str]
    phrases: Mapping[str, str] = field(default_factory=dict)

    @property
    def direction(self) -> str:
        """Which way it is written: ltr or rtl."""
        return "rtl" if self.of["direction"] == "rtl" else "ltr"

    def say(self, key: str, /, **values: object) -> Markup:
        """Return the words under that key as markup, {braces} filled in."""
        return say(self.of[key], **values)

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
        unit = _UNITS.get(found[3], found[3]) + ("" if found[2] == "1" else "s")
        words = self.of.get(f"table.{unit}", lasts.text).replace("{n}", found[2])
        return self.of["table.up_to"].replace("{duration}", words) if found[1] else words

    def listed(self, items: Iterable[object]) -> Markup:
        """Return `a, b and c`."""
        several = [escape(item) for item in items]
        if not several:
            return Markup()
        text = several[0]
        for item in several[1:-1]:
            text = self.say("grammar.comma", before=text, last=item)
        return self.say("grammar.and", before=text, last=several[-1]) if len(several) > 1 else text

    def date(self, seconds: int) -> str:
        """Return the day of a moment, in UTC."""
        at = datetime.fromtimestamp(seconds, UTC)
        months = self.of["grammar.months"].split()
        month = months[at.month - 1] if len(months) == 12 else f"{at.month}"
        return str(self.say("grammar.date", day=at.day, month=month, year=at.year))

    def time(self, seconds: int) -> str:
        """Return the time of day of a moment, in UTC."""
        at = datetime.fromtimestamp(seconds, UTC)
        return str(self.say("grammar.time", hour=at.hour, minute=f"{at.minute:02}"))

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

    def __getitem__(self, code: str) -> Words:
        return self.all[code]

    def choose(self, *, page: str = "", accept: bytes | str | None = None) -> Words:
        """Return the visitor's language: the page's own, the site's, then what they asked for."""
        return self.chosen[page, accept]


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
    wanted = tag.strip().lower().replace("_", "-")
    while wanted:
        if wanted in known:
            return known[wanted]
        wanted = wanted.rpartition("-")[0]
    return None


def load_languages(folder: Path | None = None, *, configured: str | None = None) -> Languages:
    """Return the shipped languages with a folder's words laid over; ConfigError with every fault."""
    texts = read_folder(SHIPPED)
    own = read_folder(folder) if folder is not None else {}
    faults = [problem for _, _, problems in (*texts.values(), *own.values()) for problem in problems]
    if configured is not None and configured not in {*texts, *own}:
        known = ", ".join(sorted({*texts, *own}))
        faults.append(
            Problem(
                Place(str(folder or SHIPPED), 1), f"there is no language '{configured}' (there are {known})"
            )
        )
    if faults:
        raise ConfigError(faults)
    base = texts[DEFAULT]
    all_words = {
        code: _merged(code, (base, *(found[code] for found in (texts, own) if code in found)))
        for code in sorted({*texts, *own})
    }
    return Languages(MappingProxyType(all_words), configured=configured)


Entries = tuple[dict[str, tuple[str, Place]], dict[str, str], Sequence[Problem]]
"""Words by key, phrases, and what is wrong with the file."""


def read_folder(folder: Path) -> dict[str, Entries]:
    """Return the words of every file in a folder, by language."""
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    return {path.stem.lower(): read_words(path.read_text(encoding="utf-8"), path.name) for path in files}


def read_words(text: str, file: str) -> Entries:
    """Return the words of one file; deeper mappings become dotted keys."""
    node, problems = yaml_source.read(text, file)
    words: dict[str, tuple[str, Place]] = {}
    phrases: dict[str, str] = {}
    faults = list(problems)
    if node is not None and not isinstance(node, yaml_source.Mapping):
        faults.append(Problem(node.place, "is no list of words; write `banner:` and its words below"))
    elif node is not None:
        _flatten(node, "", words, phrases, faults)
    return words, phrases, faults


def _flatten(
    node: yaml_source.Mapping,
    before: str,
    words: dict[str, tuple[str, Place]],
    phrases: dict[str, str],
    faults: list[Problem],
) -> None:
    for key, value in node.entries:
        name = before + key.value
        if isinstance(value, yaml_source.Listing):
            faults.append(Problem(value.place, f"{name} is a list; words are text"))
        elif isinstance(value, yaml_source.Mapping):
            below: dict[str, tuple[str, Place]] = {}
            _flatten(value, "" if name == PHRASES else f"{name}.", below, phrases, faults)
            if name == PHRASES:
                phrases.update({phrase: text for phrase, (text, _) in below.items()})
            else:
                words.update(below)
        else:
            words[name] = (value.value, value.place)


def _merged(code: str, layers: Iterable[Entries]) -> Words:
    words: dict[str, str] = {}
    phrases: dict[str, str] = {}
    for entries, translated, _ in layers:
        words.update({key: text for key, (text, _) in entries.items()})
        phrases.update(translated)
    return Words(code, MappingProxyType(words), MappingProxyType(phrases))
