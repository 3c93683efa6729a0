"""The script of a service worker: its own bytes, and lines of ours behind them.

Browsers keep such a script, and the policy it came with, until its bytes change. With bytes
that name the visitor's answer, the next look for news brings today's policy.
"""

from __future__ import annotations

from proxy.filter.body.body_filter import BodyFilter, DocumentFilter
from proxy.filter.verdict import Verdict


class _Script:
    """Passes what it reads, and adds the lines at the end."""

    def __init__(self, lines: bytes) -> None:
        self._lines = lines
        self.verdicts: list[Verdict] = []  # its code is the site's own business

    def feed(self, data: bytes) -> bytes:
        """Return the bytes."""
        return data

    def close(self) -> bytes:
        """Return our lines: on lines of their own, as the script may end in a comment."""
        return b"\n;" + self._lines + b"\n"


def worker_filter(lines: bytes, *, content_encoding: bytes, answer_coding: bytes | None) -> BodyFilter:
    """Return what the script passes through; Unreadable: it comes in a coding that we do not read."""
    return DocumentFilter(_Script(lines), content_encoding, answer_coding, None)
