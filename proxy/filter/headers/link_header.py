"""Response headers that make a browser load or navigate: Link, Refresh, Speculation-Rules.

Judged entry by entry, like the tag of the same effect (threats T13, T15). Kept entries
keep their bytes. Every function returns None where nothing is left.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from proxy.filter.headers.fields import cut_at_commas
from proxy.filter.rules.judge import Judge
from proxy.filter.syntax.fetching_attributes import FETCHING_LINKS
from proxy.filter.syntax.urls import srcset_addresses, url_of
from proxy.filter.verdict import KEEP, Verdict

_ENTRY_PART = re.compile(rb'(?:[^,"<]++|<[^>]*+>?|"(?:[^"\\]++|\\.)*+"?)*+', re.DOTALL)
_TARGET = re.compile(rb"[ \t]*<([^<>]*)>")
_ANY_TARGET = re.compile(rb"<([^<>]*)")
_PARAMETER = re.compile(
    rb';[ \t]*([^\s=;,"]+)[ \t]*(?:=[ \t]*(?:"((?:[^"\\]|\\.)*)"?|([^;,"\s]*)))?', re.DOTALL
)
_ESCAPE = re.compile(rb"\\(.)", re.DOTALL)
_REFRESH = re.compile(
    rb"[\t\n\f\r ]*+[0-9.]*+[\t\n\f\r ]*+[;,]?[\t\n\f\r ]*+(?:url[\t\n\f\r ]*+=[\t\n\f\r ]*+)?(.*)",
    re.IGNORECASE | re.DOTALL,
)
_STRING = re.compile(rb'[ \t]*"((?:[^"\\]|\\.)*)"')


def judged(judge: Judge, address: bytes, element: str, base: str = "") -> Verdict:
    """Return the verdict on an address in a header."""
    url = url_of(address.decode("utf-8", "replace"), base)
    return KEEP if url is None else judge.judge_url(url, element)


def link_header(value: bytes, judge: Judge) -> bytes | None:
    """Return a Link value without the entries that fetch from a refused host."""
    parts = list(_entries(value))
    kept = [part for part in parts if not _refused(part, judge)]
    return _rest(value, parts, kept)


def refresh_header(value: bytes, judge: Judge) -> bytes | None:
    """Return a Refresh value unless it goes to a provider who is refused.

    It is a navigation without a click: a page may not send visitors to a declared provider
    before they agreed. To hosts that no rule names it passes.
    """
    verdict = refresh_verdict(value, judge)
    return value if verdict.keeps else None


def refresh_verdict(value: bytes, judge: Judge, base: str = "") -> Verdict:
    """Return the verdict on a refresh, as a header or a <meta> under `base`."""
    found = _REFRESH.fullmatch(value)
    address = found[1] if found else b""
    if address[:1] in (b'"', b"'"):
        address = address[1:].split(address[:1])[0]
    verdict = judged(judge, address, "meta", base) if address else KEEP
    return KEEP if verdict.provider is None else verdict


def speculation_rules(value: bytes, judge: Judge) -> bytes | None:
    """Return a Speculation-Rules value without the rule files of refused or undeclared hosts."""
    parts = [part for _, part in cut_at_commas(value)]
    return _rest(value, parts, [part for part in parts if _names_only_kept(part, judge)])


def _names_only_kept(part: bytes, judge: Judge) -> bool:
    found = _STRING.match(part)
    return not found or judged(judge, _ESCAPE.sub(rb"\1", found[1]), "script").keeps


def _rest(value: bytes, parts: list[bytes], kept: list[bytes]) -> bytes | None:
    if len(kept) == len(parts):
        return value
    return b",".join(kept).strip(b" \t") if any(part.strip() for part in kept) else None


def _entries(value: bytes) -> Iterator[bytes]:
    at = 0
    while at <= len(value):
        found = _ENTRY_PART.match(value, at)
        part = found.group() if found else b""
        yield part
        at += len(part) + 1


def _refused(entry: bytes, judge: Judge) -> bool:
    """True when this entry makes a browser request a refused host.

    An ambiguous entry (an open quote or bracket) is refused if any address in it is.
    """
    target = _TARGET.match(entry)
    rels, sets, end = _parameters(entry, target.end()) if target else (set(), [], 0)
    if target is None or entry[end:].strip(b" \t;"):
        return any(not judged(judge, found, "link").keeps for found in _ANY_TARGET.findall(entry))
    if rels.isdisjoint(FETCHING_LINKS):
        return False
    addresses = [target[1], *(address.encode() for chosen in sets for address in srcset_addresses(chosen))]
    return any(not judged(judge, address, "link").keeps for address in addresses)


def _parameters(entry: bytes, at: int) -> tuple[set[str], list[str], int]:
    """Return all words of `rel`, every `imagesrcset`, and where the parameters that were read end."""
    rels: set[str] = set()
    sets: list[str] = []
    while found := _PARAMETER.match(entry, at := _blank(entry, at)):
        name, at = found[1].lower(), found.end()
        text = (_ESCAPE.sub(rb"\1", found[2]) if found[2] is not None else found[3] or b"").decode(
            "utf-8", "replace"
        )
        if name.rstrip(b"*") == b"rel":
            rels.update(text.lower().split())
        elif name.rstrip(b"*") == b"imagesrcset":
            sets.append(text)
        if found[2] is not None and not entry[:at].endswith(b'"'):
            return rels, sets, found.start()  # a quote that never closes
    return rels, sets, at


def _blank(entry: bytes, at: int) -> int:
    while entry[at : at + 1] in (b" ", b"\t"):
        at += 1
    return at
