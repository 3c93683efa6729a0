"""The script of a service worker, with lines of the proxy appended.

Browsers cache such a script, and the CSP it came with, until its bytes change. The lines
name the visitor's answer, so that the next update check brings the current policy.
"""

from __future__ import annotations

from proxy.filter.body.body_filter import BodyFilter, DocumentFilter
from proxy.filter.verdict import Verdict


class _Script:
    """Passes the script and appends the lines."""

    def __init__(self, lines: bytes) -> None:
        self._lines = lines
        self.verdicts: list[Verdict] = []  # its code is the site's own business

    def feed(self, data: bytes) -> bytes:
        """Return the bytes."""
        return data

    def close(self) -> bytes:
        """Return the lines, on lines of their own: the script may end in a comment."""
        return b"\n;" + self._lines + b"\n"


def worker_filter(lines: bytes, *, content_encoding: bytes, response_coding: bytes | None) -> BodyFilter:
    """Return the filter for the script; Unreadable for an unsupported coding."""
    return DocumentFilter(_Script(lines), content_encoding, response_coding, None)
