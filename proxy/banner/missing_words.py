"""Finds missing, unused and untranslated words of the languages, for `consent-proxy check`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

from proxy.banner.word_files import Entries, known_words, needed_words, read_folder
from proxy.banner.word_files import shipped as shipped_words
from proxy.banner.words import DEFAULT
from proxy.policy.model import Policy
from proxy.problems import Place, Problem

_PARTS = ("label", "hint", "sentence", "without", "refusing")
_FREE = re.compile(r"purposes\.[a-z0-9-]+\.(?:label|hint|sentence|without|refusing)")
_UNDECIDED = "TODO"
"""How `discover --suggest` begins a text that its author has still to write."""
_BRACES = re.compile(r"\{([a-z_]+)\}")

_LONG = re.compile(r"[^\W\d_]{4,}")
"""Three long words in a row that are the same in two languages are no coincidence."""


def word_problems(
    policy: Policy, folder: Path | None = None, spoken: frozenset[str] = frozenset()
) -> tuple[Problem, ...]:
    """Return everything doubtful about the words.

    `folder` is the config's own `languages`; files there may be a whole language or override
    single words of a shipped one. A purpose without words in a language that the config switches
    on (`spoken`, and those of its folder) is a fault; in another, where English stands in, what
    the rules lack is one warning.
    """
    shipped = shipped_words()
    own = read_folder(folder) if folder is not None else {}
    problems: list[Problem] = []
    elsewhere: dict[tuple[Problem, ...], list[str]] = {}
    for code in sorted({*shipped, *own}):
        problems += _language(code, shipped, own)
        spoken_here = code in spoken or code in own
        if code not in own or not own[code][2]:  # of a file that cannot be read nobody knows what it lacks
            lacks = _lacking(policy, code, (shipped, own))
            if spoken_here:
                problems += _spoken(code, lacks, "" if code in own else _where(code, folder))
            elif lacks:
                elsewhere.setdefault(tuple(lacks), []).append(code)
        problems += _unconfirmed(code, (shipped, own)) if spoken_here else []
    problems += [_unspoken(codes, lacks, folder) for lacks, codes in elsewhere.items()]
    return tuple(sorted(problems))


def _unconfirmed(code: str, layers: tuple[dict[str, Entries], dict[str, Entries]]) -> list[Problem]:
    """Return that nobody has confirmed a language that the config switches on."""
    said = [
        layer[code][0]["confirmed"] for layer in layers if code in layer and "confirmed" in layer[code][0]
    ]
    if not said or said[-1][0] != "no":
        return []
    text = "is made by machine and confirmed by nobody; have it read, then say `confirmed: yes` in it"
    return [Problem(said[-1][1], text, warning=True)]


def _lacking(
    policy: Policy, code: str, layers: tuple[dict[str, Entries], dict[str, Entries]]
) -> list[Problem]:
    """Return what a language lacks of what the rules say: purposes as faults, texts as warnings."""
    found = [layer[code] for layer in layers if code in layer]
    words = {key for entries, _, _ in found for key in entries}
    phrases = {said for _, known, _ in found for said in known}
    lacks = []
    for purpose in policy.purposes:
        missing = [part for part in _PARTS if f"purposes.{purpose.id}.{part}" not in words]
        if missing:
            near = _near(purpose.id, layers[1][code][0], policy) if code in layers[1] else ""
            text = f"purpose '{purpose.id}' has no {', '.join(missing)} under 'purposes'{near}"
            lacks.append(Problem(purpose.place, text))
    texts = sorted(policy_texts(policy).items()) if code != DEFAULT else []
    return lacks + [
        Problem(place, f"'{text}' ({place.rule}) is not translated", warning=True)
        for text, place in texts
        if text not in phrases and not text.startswith(_UNDECIDED)
    ]


def _spoken(code: str, lacks: list[Problem], where: str) -> list[Problem]:
    """Return what a language that the config switches on lacks, each by itself."""
    top = Place(f"{code}.yaml", 1)
    return [
        Problem(top, f"{one.text}; add it under 'phrases'", warning=True)
        if one.warning
        else Problem(top, one.text + where)
        for one in lacks
    ]


def _unspoken(codes: list[str], lacks: tuple[Problem, ...], folder: Path | None) -> Problem:
    """Return what languages lack that nobody switched on: one warning, at what the rules say."""
    more = f", and {len(lacks) - 1} more like it" if len(lacks) > 1 else ""
    text = (
        f"{lacks[0].text}{more}, in {', '.join(codes)}: visitors whose page or browser asks for"
        f" {'these' if len(codes) > 1 else 'it'} read it in English{_where('LANGUAGE', folder)}"
    )
    return Problem(lacks[0].place, text, warning=True)


def _where(code: str, folder: Path | None) -> str:
    if folder is not None:
        return f"; write them into {folder.name}/{code}.yaml"
    return f"; write them into {code}.yaml, in a folder that the config names under 'languages'"


def _near(id_: str, words: Iterable[str], policy: Policy) -> str:
    """Return the purpose of a similar name that has words here and is none of the rules."""
    known = {purpose.id for purpose in policy.purposes}
    others = {key.split(".")[1] for key in words if _FREE.fullmatch(key)} - known
    found = get_close_matches(id_, sorted(others), n=1)
    return f" (but '{found[0]}' has, which is no purpose of the rules)" if found else ""


def _language(code: str, shipped: dict[str, Entries], own: dict[str, Entries]) -> list[Problem]:
    layers = [found[code] for found in (shipped, own) if code in found]
    base = known_words()
    words = {key: said for entries, _, _ in layers for key, said in entries.items()}
    top = Place(f"{code}.yaml", 1)

    def doubt(text: str) -> Problem:
        return Problem(top, text, warning=True)

    problems = [problem for _, _, faults in layers for problem in faults]
    problems += [
        doubt(f"'{key}' is missing; visitors read it in English")
        for key in sorted(needed_words(code) - words.keys())
        if not _FREE.fullmatch(key)
    ]
    for key, (text, place) in words.items():
        problems += _word(key, text, place, code, base)
    return problems


def _word(key: str, text: str, place: Place, code: str, base: dict[str, str]) -> list[Problem]:
    if key not in base:
        if _FREE.fullmatch(key):
            return []
        return [Problem(place, f"'{key}' is no word of ours; nobody will read it", warning=True)]
    english = base[key]
    problems = []
    unknown = set(_BRACES.findall(text)) - set(_BRACES.findall(english))
    if unknown:
        names = ", ".join(f"{{{name}}}" for name in sorted(unknown))
        problems.append(Problem(place, f"'{key}' uses {names}, which nobody fills in", warning=True))
    if code != DEFAULT and text == english and len(_LONG.findall(text)) > 2:
        problems.append(Problem(place, f"'{key}' is still English", warning=True))
    return problems


def policy_texts(policy: Policy) -> dict[str, Place]:
    """Return what rules.yaml says to visitors in its own words, each with a place."""
    said: dict[str, Place] = {}
    for provider in policy.providers:
        for row in provider.cookies:
            for text in (row.why, row.note):
                if text:
                    said.setdefault(text, row.place)
        for text in (provider.country, provider.transfers):
            if text:
                said.setdefault(text, provider.place)
    return said
