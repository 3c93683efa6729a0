"""Tags too long to be held: read attribute by attribute, and judged so.

Beyond the cap every attribute is judged with what identifies the tag (id, class, rel,
type); one whose own value is too long to be held passes only if it can load nothing.
A script or srcdoc beyond its cap is made inert unread.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from proxy.errors import Unreadable
from proxy.filter import elements
from proxy.filter.actions import MARK, Follow, Judged
from proxy.filter.reader import Reader
from proxy.filter.tags import judged as judge_tag
from proxy.filter.verdict import Does, Verdict
from proxy.filter.waiting import LONGEST_TAG

LONGEST_CODE = 256 * 1024
"""The cap for tags that carry code: scripts (data: addresses) and iframes (srcdoc)."""

_CODE = re.compile(rb"<(?:script|iframe)[ \t\n\f\r/>]", re.IGNORECASE)
_NAME = re.compile(rb"<[^ \t\n\f\r/>]*+")
_ONE = re.compile(
    rb"(?P<space>[ \t\n\f\r/]*+)(?:(?P<end>>)|(?P<name>[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"
    rb"(?:(?P<value>[ \t\n\f\r]*+=[ \t\n\f\r]*+(?:\"[^\"]*+\"|'[^']*+'|(?=>)|[^ \t\n\f\r>\"'][^ \t\n\f\r>]*+(?=[ \t\n\f\r>])))"
    rb"|(?=[ \t\n\f\r]*+[^ \t\n\f\r=])))"
)
_LONG = re.compile(
    rb"(?P<space>[ \t\n\f\r/]*+)(?P<name>[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)[ \t\n\f\r]*+=[ \t\n\f\r]*+(?P<quote>[\"']?)"
)
_HARMLESS = re.compile(rb"\s*data:(?:image|font|video|audio)/", re.IGNORECASE)
_IDENTIFIES = frozenset({b"id", b"class", b"rel", b"type"})
_RISKY = frozenset(
    name.encode()
    for several in (
        *elements.LOADS.values(),
        elements.LAZY,
        elements.SETS,
        elements.ANYWHERE,
        elements.CONTAINER,
    )
    for name in several
) | {b"srcdoc", b"style"}


def is_too_long(data: bytes, at: int = 0) -> bool:
    """True when the tag that begins at `at` and fills the rest is over its cap."""
    size = len(data) - at
    return size > LONGEST_TAG and size > (LONGEST_CODE if _CODE.match(data, at) else LONGEST_TAG)


class LongTag:
    """One tag over the cap, on its way through."""

    def __init__(self, reader: Reader, raw: bytes, note: Callable[[Judged], tuple[bytes, bytes]]) -> None:
        match = _NAME.match(raw)
        self.name = match[0][1:].lower() if match else b""
        self.done = False
        self.closed = False  # ended in />
        self._reader = reader
        self._note = note
        self._begun = False
        self._until: bytes | None = None  # inside a long value: what ends it
        self._identity = b""
        self._holds = _CODE.match(raw) is not None

    @property
    def follow(self) -> Follow:
        """What stands behind the tag."""
        judged = judge_tag(self._reader, b"<" + self.name + b">") if self.name[:1] != b"/" else None
        follow = judged.follow if judged else Follow.NOTHING
        return Follow.SCRIPT if follow is Follow.INLINE else follow

    def feed(self, data: bytes) -> tuple[bytes, int]:
        """Return what may leave, and how many bytes were used."""
        out = []
        at = 0
        if not self._begun:
            self._begun = True
            at = len(self.name) + 1
            out.append(data[:at])
            if self._holds:
                out.append(self._made_inert())
        while not self.done:
            if self._until is not None:
                text, at = self._value(data, at)
                out.append(text)
                if self._until is not None:
                    break
                continue
            match = _ONE.match(data, at)
            if match is not None and match.end() - at <= LONGEST_TAG:
                out.append(self._attribute(match))
                at = match.end()
                continue
            if len(data) - at <= LONGEST_TAG:
                break
            text, at = self._long_value(data, at)
            out.append(text)
        return b"".join(out), at

    def _made_inert(self) -> bytes:
        verdict = Verdict(Does.HOLD, note=f"{self.name.decode('latin-1')} with a tag too long to be read")
        self._note(Judged(self.name.decode("latin-1"), Follow.NOTHING, None, verdict))
        type_ = b' type="text/plain"' if self.name == b"script" and not self._reader.xml else b""
        return type_ + b" " + MARK.encode() + b'="undeclared"'

    def _attribute(self, match: re.Match[bytes]) -> bytes:
        if match["end"] is not None:
            self.done = True
            self.closed = match["space"].endswith(b"/")
            return match[0]
        name = match["name"].lower()
        text = match["name"] + (match["value"] or b"")
        if name in _IDENTIFIES and len(text) < 1024:
            self._identity += b" " + text
        return (
            match["space"]
            + (self._renamed(match["name"]) if self._refuses(name, text) else b"")
            + ((match["value"] or b"") if self._refused else text)
        )

    _refused = False

    def _refuses(self, name: bytes, text: bytes) -> bool:
        self._refused = False
        if self.name[:1] == b"/":
            return False
        if self._holds:
            self._refused = name in _RISKY
            return self._refused
        judged = judge_tag(self._reader, b"<" + self.name + self._identity + b" " + text + b" >")
        if judged is not None and judged.out is not None:
            self._note(Judged(judged.name, Follow.NOTHING, None, judged.verdict, also=judged.also))
            self._refused = True
        return self._refused

    def _renamed(self, name: bytes) -> bytes:
        return MARK.encode() + b"-" + (name.replace(b":", b"-") if self._reader.xml else name)

    def _long_value(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Begin a value too long to be held."""
        match = _LONG.match(data, at)
        if match is None or match.end() - at > LONGEST_TAG:
            raise Unreadable("a tag with more than 64 kB between two values")
        begin = data[match.end() : match.end() + 64]
        name = match["name"].lower()
        risky = (name in _RISKY or name.startswith(b"on")) and not _HARMLESS.match(begin)
        self._until = match["quote"] or b" "
        if not risky or self.name[:1] == b"/":
            return match[0], match.end()
        if not self._holds:
            verdict = Verdict(Does.HOLD, note=f"{name.decode('latin-1')} too long to be read")
            self._note(Judged(self.name.decode("latin-1"), Follow.NOTHING, None, verdict))
        rest = data[match.end("name") : match.end()]
        return match["space"] + self._renamed(match["name"]) + rest, match.end()

    def _value(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Pass the rest of a long value."""
        if self._until == b" ":
            match = re.compile(rb"[ \t\n\f\r>]").search(data, at)
            end = match.start() if match else -1
        else:
            end = data.find(self._until or b"", at)
            end = end + 1 if end >= 0 else -1
        if end < 0:
            return data[at:], len(data)
        self._until = None
        return data[at:end], end

    def close(self, rest: bytes) -> bytes:
        """Return what is left of a tag that never ends: no browser makes an element of it."""
        return rest
