"""The script of a service worker, with lines of the proxy before and behind its own.

The lines in front wrap what the script answers with; they stand there, as it could keep the
functions that they wrap. Browsers cache such a script, and the CSP it came with, until its bytes
change. The lines name the visitor's answer, so that the next update check brings the current policy.
"""

from __future__ import annotations

import re

from proxy.filter.body.body_filter import BodyFilter, DocumentFilter
from proxy.filter.verdict import Verdict

_MARK = b"\xef\xbb\xbf"
_STRICT = re.compile(
    rb"""(?:[\s;]|//[^\r\n]*+[\r\n]|/\*(?:[^*]|\*(?!/))*+\*/)*+(?:'use strict'|"use strict")"""
)
"""What makes a whole script strict, wherever comments let it begin: behind our lines it would not."""

_BEGINNING = 4096
"""Bytes in which that is looked for."""


class _Script:
    """Passes the script, between the lines."""

    def __init__(self, before: bytes, behind: bytes) -> None:
        self._before = before
        self._behind = behind
        self._held: bytes | None = b""  # its beginning, until that is long enough
        self.verdicts: list[Verdict] = []  # its code is the site's own business

    def feed(self, data: bytes) -> bytes:
        """Return the bytes; first our lines, on the script's own first line: its lines keep their numbers."""
        if self._held is None:
            return data
        self._held += data
        return self._begin() if len(self._held) >= _BEGINNING else b""

    def _begin(self) -> bytes:
        script = (self._held or b"").removeprefix(_MARK)
        self._held = None
        strict = b'"use strict";' if _STRICT.match(script[:_BEGINNING]) else b""
        return strict + self._before + script

    def close(self) -> bytes:
        """Return the rest, and the lines behind on lines of their own: the script may end in a comment."""
        return (self._begin() if self._held is not None else b"") + b"\n;" + self._behind + b"\n"


def worker_filter(
    before: bytes, behind: bytes, *, content_encoding: bytes, response_coding: bytes | None
) -> BodyFilter:
    """Return the filter for the script; Unreadable for an unsupported coding."""
    return DocumentFilter(_Script(before, behind), content_encoding, response_coding, None)
