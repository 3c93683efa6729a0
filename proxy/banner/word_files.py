"""Reads the languages from their files: those that ship, and a folder's laid over them.

A language is one file of languages/. A `languages` folder beside the config overrides single words or
adds languages; what no file says comes from CLDR (formats.py) or is said in English, and `check` names it.
A process that serves is handed what comes of it, and needs neither YAML nor Babel.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

from proxy.banner.formats import UNITS, formats
from proxy.banner.words import CATEGORIES, DEFAULT, Languages, Words
from proxy.errors import ConfigError
from proxy.policy import yaml_source
from proxy.problems import Place, Problem

SHIPPED = Path(__file__).resolve().parent / "languages"

PHRASES = "phrases"

PLURALS = ("banner.third_parties", "provider.cookies")
"""Words of which each language has its own plural forms, and `none` where none of a thing reads better so."""


def load_languages(folder: Path | None = None, *, configured: str | None = None) -> Languages:
    """Return the shipped languages with a folder's words laid over; ConfigError with every fault."""
    texts = shipped()
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
    return Languages(all_words, configured=configured)


Entries = tuple[dict[str, tuple[str, Place]], dict[str, str], Sequence[Problem]]
"""Words by key, phrases, and what is wrong with the file."""


@cache
def shipped() -> dict[str, Entries]:
    """Return the words of the files that ship; they are part of the program, and read once."""
    return read_folder(SHIPPED)


def read_folder(folder: Path) -> dict[str, Entries]:
    """Return the words of every file in a folder, by language."""
    files = sorted(folder.glob("*.yaml")) if folder.is_dir() else []
    return {path.stem.lower(): _read_file(path) for path in files}


def _read_file(path: Path) -> Entries:
    try:
        return read_words(path.read_text(encoding="utf-8-sig"), path.name)
    except UnicodeDecodeError as error:
        fault = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
    except OSError as error:
        fault = f"cannot be read ({error.strerror})"
    return {}, {}, [Problem(Place(path.name, 1), fault)]


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


def known_words() -> dict[str, str]:
    """Return every word there is, in English; each plural form is what stands for any number."""
    words = {key: text for key, (text, _) in shipped()[DEFAULT][0].items()} | formats(DEFAULT)[0]
    for group in (*PLURALS, *(f"table.{unit}" for unit in UNITS)):
        for category in ("none", *CATEGORIES.values()):
            words[f"{group}.{category}"] = words[f"{group}.other"]
    return words | {
        "grammar.date": "{day} {month} {month_number} {year}",
        "grammar.time": "{hour} {padded_hour} {minute}",
    }


def needed_words(code: str) -> frozenset[str]:
    """Return the keys that a file of that language has to have: English's, with its own plural forms."""
    english = shipped()[DEFAULT][0]
    needed = {key for key in english if key.rpartition(".")[0] not in PLURALS or key.endswith(".none")}
    return frozenset(needed | {f"{group}.{form}" for group in PLURALS for form in plural_forms(code)})


def plural_forms(code: str) -> tuple[str, ...]:
    """Return the forms in which a language puts numbers of things."""
    used = set(formats(code)[1])
    return tuple(form for letter, form in CATEGORIES.items() if letter in used)


def _merged(code: str, layers: Iterable[Entries]) -> Words:
    """Return a language: English, over it what CLDR knows of the language, over that its files."""
    english, *own = layers
    known, plurals = formats(code)
    words = {key: text for key, (text, _) in english[0].items()} | known
    phrases: dict[str, str] = {}
    for entries, translated, _ in own:
        words.update({key: text for key, (text, _) in entries.items()})
        phrases.update(translated)
    return Words(code, words, phrases, plurals)
