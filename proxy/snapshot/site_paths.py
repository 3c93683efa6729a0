"""Parts of a site that are treated more mildly (`sites: paths:`), matched as the upstream will route.

Servers route by the decoded path. Where they differ in how they read one (an encoded slash or dot, a
backslash, `;`, an empty segment), it matches nothing: it is enforced, with the banner.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote_to_bytes

from proxy.config.types import Mode, SitePath
from proxy.consent.decision import Ask, Decision
from proxy.filter.patterns import Glob

_AMBIGUOUS = re.compile(
    rb"//|[\\;]|%(?:2f|2e|5c|3b|25|3f|23|[01][0-9a-f]|7f)|%(?![0-9a-f]{2})", re.IGNORECASE
)
_UNPRINTABLE = re.compile(rb"[\x00-\x20\x7f]")


@dataclass(frozen=True, slots=True)
class SitePart:
    """How a part of a site is treated: like the whole, but without banner, only observed, or not touched."""

    banner: bool = True
    mode: Mode = Mode.ENFORCE

    @property
    def observes(self) -> bool:
        """True where nothing is refused."""
        return self.mode is not Mode.ENFORCE

    def decision(self, decision: Decision) -> Decision:
        """Return the decision for a request of this part: the same, but here nobody is asked."""
        return decision if self.banner or decision.ask is Ask.NO else replace(decision, ask=Ask.OFF)


WHOLE = SitePart()


class SitePaths:
    """The parts of one site, compiled; the first that matches decides."""

    def __init__(self, paths: Iterable[SitePath]) -> None:
        self._parts = [
            (glob, SitePart(path.banner, path.mode))
            for path in paths
            for pattern in path.path
            for glob in _globs(pattern)
        ]

    def part(self, path: bytes) -> SitePart:
        """Return the part of the site that a path of a request belongs to."""
        routed = routed_path(path)
        if routed is None:
            return WHOLE
        return next((part for glob, part in self._parts if glob.matches(routed)), WHOLE)


def routed_path(path: bytes) -> str | None:
    """Return the path by which an upstream routes, one character a byte; None where servers differ.

    Percent-decoded once, with `.` and `..` resolved (RFC 3986 5.2.4).
    """
    if not path.startswith(b"/") or _AMBIGUOUS.search(path) or _UNPRINTABLE.search(path):
        return None
    kept: list[bytes] = []
    segments = unquote_to_bytes(path).split(b"/")[1:]
    for segment in segments:
        if segment == b"..":
            if not kept:
                return None  # above the root: servers differ
            kept.pop()
        elif segment != b".":
            kept.append(segment)
    if segments[-1] in (b".", b".."):
        kept.append(b"")
    return (b"/" + b"/".join(kept)).decode("latin-1")


def _globs(pattern: str) -> list[Glob]:
    """Return what a pattern matches: with `*` what it says, without the path and all below it."""
    text = pattern.encode().decode("latin-1")
    if "*" in text:
        return [Glob.of(text)]
    if text.endswith("/"):
        return [Glob.of(text + "*")]
    return [Glob.of(text), Glob.of(text + "/*")]
