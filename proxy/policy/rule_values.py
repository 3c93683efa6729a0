"""The words of rules.yaml as types: each checks itself and says what was meant instead."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
)

from proxy.policy.checked_value import fault
from proxy.policy.durations import EXAMPLES, parse_date, parse_duration, parse_size
from proxy.policy.hosts import domain_fault, host_fault
from proxy.policy.html_elements import ELEMENTS
from proxy.policy.model import OWN

_COOKIE_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z:/<>?@\[\]{}()]+")
_REGULAR = re.compile(
    r"^\^|^/.+/$|\$$|\.\+|\\[dws.]|\[\^|\[[^\]-]*+-[^\]]*+\]|\][+*]|\)[+*]|\([^)|]*+\|[^)]*+\)|\{\d"
)
"""Signs of a regular expression that no name of a cookie has."""
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9:_-]*")
_ID = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


LONGEST_CONSTANT = 400
"""Characters of what a stand-in returns."""


def meant(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean 'x'?` when one known word is near, else nothing."""
    near = get_close_matches(word.lower(), list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def listed(words: Sequence[str]) -> str:
    """Return `a, b or c`."""
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _one_or_many(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


def _not_empty(words: tuple[str, ...]) -> tuple[str, ...]:
    if not words:
        raise fault("is an empty list; give it a value or take the key out")
    return words


ONE_OR_MANY: dict[str, Any] = {
    "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]
}


def _filled(word: str) -> str:
    if not word.strip():
        raise fault("is empty; give it a value or take the key out")
    return word


def _host(word: str) -> str:
    if word != OWN and (wrong := host_fault(_filled(word))):
        raise fault(wrong)
    return word


def third_host(word: str) -> str:
    """Return a host that is not the site itself, or raise what is wrong with it."""
    if word == OWN:
        raise fault("is 'self'; the site's own files load for everyone anyway")
    return _host(word)


def connect_host(word: str) -> str:
    """Return a host that is not the site itself, or one for WebRTC (`stun:host`)."""
    return word if (host := webrtc_server(word)) is not None and third_host(host) else third_host(word)


def webrtc_server(word: str) -> str | None:
    """Return the host of `stun:host` or `turn:host`; None for anything else."""
    scheme, colon, host = word.partition(":")
    return host if colon and scheme in ("stun", "stuns", "turn", "turns") else None


def _domain(word: str) -> str:
    if " / " in word or "," in word:
        several = ", ".join(re.split(r" / |, ?", word))
        raise fault(f"is '{word}'; several domains are a list: [{several}]")
    if wrong := domain_fault(_filled(word)):
        raise fault(wrong)
    return word


def _plain(word: str) -> str:
    """Return a regular expression as the pattern that its author may mean."""
    return re.sub(
        r"\*+",
        "*",
        re.sub(r"\\[dws][+*]?|\.[+*]|\[[^\]]*\][+*]?|\([^)]*\)[+*]?|\{[\d,]*\}", "*", word.strip("^$/")),
    )


def _cookie_name(word: str) -> str:
    if "," in word:
        several = ", ".join(re.split(r", ?", word))
        raise fault(f"is '{word}'; several names are a list: [{several}]")
    if _REGULAR.search(_filled(word)):
        raise fault(
            f"is '{word}', a regular expression; names are literal, with * for any text: '{_plain(word)}'"
        )
    if not _COOKIE_NAME.fullmatch(word):
        raise fault(f"is '{word}', which no cookie can be called")
    return _glob(word)


def _glob(word: str) -> str:
    if "*" in _filled(word) and len(word.replace("*", "")) < 2:
        raise fault(f"is '{word}', a pattern that matches nearly everything; write more of the name")
    return word


def _path(word: str) -> str:
    if not _filled(word).startswith(("/", "*")):
        raise fault(f"is '{word}'; a path begins with '/' or '*'; did you mean '/{word}'?")
    if word.startswith("//"):
        raise fault(f"is '{word}', an address; write its host in 'from' and its path here")
    if "*" in word and len(word.replace("*", "")) < 3:
        raise fault(f"is '{word}', a pattern that matches nearly everything; write more of the path")
    return word


def _element(word: str) -> str:
    if word in ELEMENTS or ("-" in word and word == word.lower()):
        return word
    raise fault(f"is '{word}', which is no element of HTML{meant(word, sorted(ELEMENTS))}")


def _literal(word: str) -> str:
    if len(word) < 4:
        raise fault(f"is '{word}'; words this short stand in many scripts, write at least four characters")
    return word


def _lasts(word: str) -> str:
    if parse_duration(word) is None:
        raise fault(f"is '{word}', which is no duration; write {EXAMPLES}")
    return word


def _date(word: str) -> str:
    if parse_date(word) is None:
        raise fault(f"is '{word}', which is no day; write it like 2027-01-31")
    return word


def _size(word: str) -> str:
    if parse_size(word) is None:
        raise fault(f"is '{word}', which is no size; write '64 kB' or '1 MB'")
    return word


def _address(word: str) -> str:
    if not re.fullmatch(r"https?://[^\s/]\S*+", word):
        raise fault(f"is '{word}'; write the whole address: 'https://...'")
    return word


def _known_purpose(word: str, info: ValidationInfo) -> str:
    known: tuple[str, ...] = (info.context or {}).get("purposes", ())
    if known and word not in known:
        near = meant(word, known) or f", which 'purposes' does not list (it lists {', '.join(known)})"
        raise fault(f"is '{word}'{near}")
    return word


def _constant(word: str) -> str:
    if len(word) > LONGEST_CONSTANT:
        raise fault(f"has {len(word)} characters; every page carries it, {LONGEST_CONSTANT} at most")
    return word


def _identifier(word: str) -> str:
    if not _ID.fullmatch(word):
        made = re.sub(r"[^a-z0-9]+", "-", word.lower()).strip("-")
        near = f"; did you mean '{made}'?" if _ID.fullmatch(made) else ""
        raise fault(f"is no id: small letters, digits and single hyphens make one{near}")
    return word


def _attributes(value: Any) -> Any:
    """Return what stands under `attribute:` as a mapping of name to glob or None."""
    if isinstance(value, str):
        return {value: None}
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return dict.fromkeys(value)
    return value


def _attribute(word: str) -> str:
    if not _ATTRIBUTE.fullmatch(word):
        raise fault(f"is no attribute name{meant(word, [word.lower()])}")
    return word


Filled = Annotated[str, AfterValidator(_filled)]
Id = Annotated[str, AfterValidator(_identifier)]
Constant = Annotated[str, AfterValidator(_constant)]
Address = Annotated[str, AfterValidator(_address)]
Lasts = Annotated[str, AfterValidator(_lasts)]
Date = Annotated[str, AfterValidator(_date)]
Size = Annotated[
    str, AfterValidator(_size), WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]})
]
Count = Annotated[
    str,
    StringConstraints(pattern=r"^[1-9][0-9]{0,5}$"),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer"}]}),
]
Version = Annotated[Filled, WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "number"}]})]
PurposeId = Annotated[str, AfterValidator(_known_purpose)]

MANY = (BeforeValidator(_one_or_many), AfterValidator(_not_empty), WithJsonSchema(ONE_OR_MANY))

Words = Annotated[tuple[Filled, ...], *MANY]
FormerIds = Annotated[tuple[Id, ...], *MANY]
Hosts = Annotated[tuple[Annotated[str, AfterValidator(_host)], ...], *MANY]
ThirdHosts = Annotated[tuple[Annotated[str, AfterValidator(third_host)], ...], *MANY]
Domains = Annotated[tuple[Annotated[str, AfterValidator(_domain)], ...], *MANY]
CookieNames = Annotated[tuple[Annotated[str, AfterValidator(_cookie_name)], ...], *MANY]
Globs = Annotated[tuple[Annotated[str, AfterValidator(_glob)], ...], *MANY]
OwnOrDomain = Annotated[str, AfterValidator(lambda word: word if word == OWN else _domain(word))]
Paths = Annotated[tuple[Annotated[str, AfterValidator(_path)], ...], *MANY]
Elements = Annotated[tuple[Annotated[str, AfterValidator(_element)], ...], *MANY]
Literals = Annotated[tuple[Annotated[str, AfterValidator(_literal)], ...], *MANY]
Purposes = Annotated[tuple[PurposeId, ...], *MANY]
Attributes = Annotated[
    dict[Annotated[str, AfterValidator(_attribute)], Annotated[str, AfterValidator(_filled)] | None],
    BeforeValidator(_attributes),
    WithJsonSchema(
        {
            "anyOf": [
                *ONE_OR_MANY["anyOf"],
                {"type": "object", "additionalProperties": {"type": "string"}},
            ]
        }
    ),
]


class Shape(BaseModel):
    """What all blocks share: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=False)
