"""Hosts as rules write them: names, and globs within a label; never scheme, port or path."""

from __future__ import annotations

import re
from functools import lru_cache

from publicsuffixlist import PublicSuffixList

_LABEL = re.compile(r"[a-z0-9_*](?:[a-z0-9_*-]*[a-z0-9_*])?")
_ADDRESS = re.compile(r"[0-9.]+")


@lru_cache(maxsize=1)
def suffixes() -> PublicSuffixList:
    """Return the public suffix list: 2 MB, read once."""
    return PublicSuffixList()


def registrable(host: str) -> str | None:
    """Return the registrable domain of a host; None for a public suffix."""
    found = suffixes().privatesuffix(host)
    return found if isinstance(found, str) else None


def covers(wide: str, narrow: str) -> bool:
    """True when every host that `narrow` means is meant by `wide` too (both as in `from:`)."""
    wide_labels, labels = wide.split("."), narrow.split(".")
    if len(wide_labels) > len(labels):
        return False
    tail = labels[len(labels) - len(wide_labels) :]
    return all(glob_covers(a, b) for a, b in zip(wide_labels, tail, strict=True))


def glob_covers(wide: str, narrow: str) -> bool:
    """True when `wide` surely matches all that `narrow` matches (both globs with `*`).

    Read as plain text, a `*` of `narrow` can only be swallowed by a `*` of `wide`.
    """
    pieces = wide.split("*")
    if len(pieces) == 1:
        return wide == narrow
    if not narrow.startswith(pieces[0]):
        return False
    at = len(pieces[0])
    for piece in pieces[1:-1]:
        found = narrow.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return narrow.endswith(pieces[-1]) and len(narrow) - len(pieces[-1]) >= at


def host_fault(host: str) -> str | None:
    """Return what is wrong with a host in `from:`, or None; begins with "is"."""
    _, slashes, rest = host.partition("//")
    if slashes:
        bare = rest.partition("/")[0].partition(":")[0].lower()
        return f"is '{host}', an address with a scheme; did you mean '{bare}'?"
    if "/" in host or "?" in host:
        bare = re.split(r"[/?]", host)[0]
        path = host[len(bare) :]
        return f"is '{host}', which has a path; did you mean '{bare}' with path: \"{path}*\"?"
    if ":" in host:
        return f"is '{host}'; did you mean '{host.partition(':')[0]}'? a host has no port here"
    bare = host.lstrip("*.")
    if host.startswith((".", "*.")) and registrable(bare.lower()) is not None:
        return f"is '{host}'; did you mean '{bare}'? a host means its subdomains too"
    if host != host.lower():
        return f"is '{host}'; did you mean '{host.lower()}'?"
    labels = host.split(".")
    if not all(_LABEL.fullmatch(label) for label in labels) or len(host) > 253:
        return f"is '{host}', which is no host; write it like 'hs-scripts.com' or 'track*.hubspot.com'"
    return _too_wide(host, labels)


def domain_fault(domain: str) -> str | None:
    """Return what is wrong with a cookie's domain, or None; begins with "is"."""
    if "*" in domain:
        return f"is '{domain}'; a leading dot covers the subdomains: '.{domain.replace('*', '').strip('.')}'"
    return host_fault(domain.removeprefix("."))


def _too_wide(host: str, labels: list[str]) -> str | None:
    if _ADDRESS.fullmatch(host) or host == "localhost":
        return None
    fixed: list[str] = []
    for label in reversed(labels):
        if "*" in label:
            break
        fixed.insert(0, label)
    suffix = ".".join(fixed)
    if suffix and registrable(suffix) is not None:
        return None
    if len(fixed) < len(labels):
        return (
            f"is '{host}', a pattern that would match hosts of many owners; name the owner's domain in full"
        )
    return f"is '{host}', a public suffix: it would match hosts of many owners; name the owner's domain"
