"""Tags that no rule can touch, known by their bytes alone, before anything is parsed.

A necessary condition of every rule is a word; a tag in which no such word stands, and
whose every address is plainly written and leads to a host that may be asked, passes.
Whatever is written in any other way is parsed: this may only be wrong on the safe side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from proxy.filter.patterns import Glob, Words

_ODD = (b"\\", b"srcdoc", b"javascript:", b"\t", b"\n", b"\r", b"\f")
"""What makes a tag worth parsing: addresses written in other ways, and documents within."""

_REFERENCE = re.compile(rb"&(?!(?:amp|quot|raquo|laquo|nbsp|#0?3[489]|#8\d\d\d);)[#a-z]")
_HOST = re.compile(rb"//([^/?#\"'<>:, ]*+)")
_PLAIN = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+")
_ENCLOSING = frozenset({b"iframe", b"frame", b"object", b"embed", b"portal", b"fencedframe", b"link"})


class Harmless:
    """Answers for one rule set; `may_be_asked` says whether any address of a host passes.

    `words` is None where some rule has no word that tells.
    """

    def __init__(self, words: Iterable[str] | None, may_be_asked: Callable[[str], bool]) -> None:
        self._may_be_asked = may_be_asked
        self._hosts: dict[bytes, bool] = {}
        told = Words(word.lower() for word in words or ())
        few = len(told.words) <= Words.FEW * 2
        self._words = (b"<",) if words is None else _ODD + (told.words if few else ())
        self._many = None if few else told

    def __call__(self, name: bytes, raw: bytes) -> bool:
        """True when this start tag passes whatever a visitor granted."""
        text = raw.lower()
        for word in self._words:
            if word in text:
                return False
        if (
            (b"&" in text and _REFERENCE.search(text) is not None)
            or (b"style" in text and b"(" in text)
            or (name in _ENCLOSING and b"data:" in text)
            or (self._many is not None and self._many.any_within(text))
        ):
            return False
        slashes = text.count(b"//")
        if slashes == 0:
            return b"http" not in text or (b"http:" not in text and b"https:" not in text)
        if text.count(b"http:") + text.count(b"https:") != text.count(b"http://") + text.count(b"https://"):
            return False
        known = self._hosts
        hosts = _HOST.findall(text)
        for host in hosts if slashes == 1 else set(hosts):
            passes = known.get(host)
            if not (self._learn(host) if passes is None else passes):
                return False
        return True

    def _learn(self, host: bytes) -> bool:
        name = host.decode("latin-1")
        passes = _PLAIN.fullmatch(name) is not None and self._may_be_asked(name)
        if len(self._hosts) > 5_000:
            self._hosts.clear()
        self._hosts[host] = passes
        return passes

    def forget(self) -> None:
        """Empty the memo."""
        self._hosts.clear()


def stem(glob: Glob) -> str | None:
    """Return the longest literal run of a glob, which everything it matches contains; None if too short."""
    longest = max(glob.parts, key=len)
    return longest if len(longest) > 2 else None
