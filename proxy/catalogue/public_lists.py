"""Two public lists that ship as data: whose a host is, and what a cookie is said to be.

They are guesses. The second says of many names what their owners say: nothing is granted on its word.
Read when first asked: `serve` never asks. data/NOTICE.txt names authors and licences; tools/public_lists.py
makes the files.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

_DATA = Path(__file__).resolve().parent / "data"


class Owner(NamedTuple):
    """Who runs a host: `category` as third-party-web has it (ad, analytics, social, ...)."""

    name: str
    category: str
    homepage: str


class CookieGuess(NamedTuple):
    """What a cookie of that name is said to be, by whom it is said to come."""

    name: str
    platform: str
    category: str
    lasts: str
    why: str


def owner_of(host: str) -> Owner | None:
    """Return who runs a host, by its longest parent that is listed."""
    known = _owners()
    labels = host.split(".")
    return next(
        (known[name] for i in range(len(labels) - 1) if (name := ".".join(labels[i:])) in known), None
    )


def cookie_guess(name: str) -> CookieGuess | None:
    """Return what a cookie or storage key of that name is said to be; the longest pattern decides."""
    exact, patterns = _cookies()
    found = exact.get(name)
    if found is None:
        found = next((guess for beginning, guess in patterns if name.startswith(beginning)), None)
    return found


@cache
def _owners() -> dict[str, Owner]:
    found: dict[str, Owner] = {}
    for line in _lines("owners.tsv"):
        name, category, homepage, domains = line
        for domain in domains.split():
            found.setdefault(domain.removeprefix("*."), Owner(name, category, homepage))
    return found


@cache
def _cookies() -> tuple[dict[str, CookieGuess], list[tuple[str, CookieGuess]]]:
    exact: dict[str, CookieGuess] = {}
    patterns: list[tuple[str, CookieGuess]] = []
    for line in _lines("cookies.tsv"):
        guess = CookieGuess(*line)
        if "*" in guess.name:
            patterns.append((guess.name.partition("*")[0], guess))
        else:
            exact.setdefault(guess.name, guess)
    return exact, sorted((one for one in patterns if len(one[0]) > 2), key=lambda pair: -len(pair[0]))


def _lines(file: str) -> list[list[str]]:
    return [line.split("\t") for line in (_DATA / file).read_text("utf-8").splitlines() if line]
