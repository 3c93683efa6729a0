"""Where the text of a script, style, title or other raw text element ends.

A finder keeps its position between chunks, so that no byte is searched more than twice
however the stream is cut. `find` returns where the end tag begins, or -1; then `at` is
the position from which the next chunk has to be joined on.
"""

from __future__ import annotations

import re
from typing import ClassVar, Protocol

from proxy.filter.syntax.tokens import any_word

_END = rb"(?=[ \t\n\f\r/>])"
_PREFIX = rb"(?:[^<>/ \t\n\f\r:]{1,64}+:)?+"


class Finder(Protocol):
    """Finds where raw text ends."""

    at: int
    by_tag: bool  # the text ended at another tag than its own end tag

    def find(self, text: bytes, at: int) -> int:
        """Return where in `text`, from `at` on, the end tag begins, or -1."""
        ...


class RawEnd:
    """The end of title, textarea, style, xmp, iframe, noembed, noframes, noscript."""

    _patterns: ClassVar[dict[bytes, re.Pattern[bytes]]] = {}  # filled once per name

    by_tag = False

    def __init__(self, name: bytes) -> None:
        self.at = 0
        self._keep = len(name) + 2
        if name not in self._patterns:
            self._patterns[name] = re.compile(rb"</" + any_word([name.decode()]) + _END)
        self._search = self._patterns[name].search

    def find(self, text: bytes, at: int) -> int:
        """Return where the end tag begins, or -1."""
        match = self._search(text, at)
        if match is not None:
            return match.start()
        self.at = max(at, len(text) - self._keep)
        return -1


_SCRIPT = any_word(["script"])
_STATES = (
    re.compile(rb"<(?:/" + _SCRIPT + _END + rb"|!--)"),  # script data
    re.compile(rb"-->|</?" + _SCRIPT + _END),  # escaped
    re.compile(rb"-->|</" + _SCRIPT + _END),  # double escaped
)


class ScriptEnd:
    """The end of a script: `<!--` and `<script` inside it change the state (HTML 13.2.5.15 to 33)."""

    by_tag = False

    def __init__(self) -> None:
        self.at = 0
        self._state = 0

    def find(self, text: bytes, at: int) -> int:
        """Return where the end tag begins, or -1."""
        while (match := _STATES[self._state].search(text, at)) is not None:
            found = match[0]
            at = match.end()
            if found == b"-->":
                self._state = 0
            elif found == b"<!--":
                self._state = 1
                at -= 2  # in `<!-->` the dashes of the beginning are those of the end
            elif found[1] != 0x2F:
                self._state = 2
            elif self._state == 2:
                self._state = 1
            else:
                return match.start()
        self.at = max(at, len(text) - 8)
        return -1


class SectionEnd:
    """The end of a script's or style's text where its content is markup: foreign content and XML.

    Comments and CDATA sections belong to it; any tag ends it. `by_tag` is True when that
    was another tag than its own end tag.
    """

    _patterns: ClassVar[dict[bytes, re.Pattern[bytes]]] = {}  # filled once per name

    def __init__(self, name: bytes) -> None:
        self.at = 0
        self.by_tag = False
        self._inside = b""
        if name not in self._patterns:
            own = rb"(?P<own>/" + _PREFIX + any_word([name.decode()]) + _END + rb")"
            other = rb"(?P<other>/?[^!?<>/ \t\n\f\r][^<>/ \t\n\f\r]{0,80}+)"
            self._patterns[name] = re.compile(rb"<(?:!--|!\[CDATA\[|" + own + rb"|" + other + rb")")
        self._search = self._patterns[name].search

    def find(self, text: bytes, at: int) -> int:
        """Return where the first tag begins, or -1."""
        while True:
            if self._inside:
                end = text.find(self._inside, at)
                if end < 0:
                    self.at = max(at, len(text) - 2)
                    return -1
                at = end + 3
                self._inside = b""
            match = self._search(text, at)
            if match is None:
                self.at = max(at, len(text) - 8)
                return -1
            if match.lastgroup is not None:
                if match.end() == len(text) and match.end() - match.start() < 80:
                    self.at = match.start()
                    return -1
                self.by_tag = match.lastgroup == "other"
                return match.start()
            at = match.end()
            self._inside = b"-->" if match[0] == b"<!--" else b"]]>"
