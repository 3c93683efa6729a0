"""A stream of markup: what is known leaves, what is incomplete waits, however it is cut."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from proxy.filter.html import unfinished
from proxy.filter.html.output import Output
from proxy.filter.rules.judged_tag import JudgedTag
from proxy.filter.syntax.tag_buffer import TagBuffer
from proxy.filter.tags.document_context import Reader
from proxy.filter.tags.injection import Injection
from proxy.filter.tags.long_tags import LongTag, cap_of, is_too_long

State = Callable[[Any, bytes, int], int]
"""Reads data from a position; returns where the next state goes on, or -1 when it has read all it can."""


class Stream(ABC):
    """The part of a filter that knows about pieces, and nothing about pages."""

    def __init__(self, reader: Reader, injection: Injection, state: State) -> None:
        self._reader = reader
        self._injection = injection
        self._out = Output()
        self._pending = b""
        self._incomplete = TagBuffer()
        self._long: LongTag | None = None
        self._until = unfinished.COMMENT
        self._data = state  # how markup is read here
        self._run = state

    def feed(self, chunk: bytes) -> bytes:
        """Return what may leave now."""
        if self._incomplete:
            if not self._incomplete.ready(chunk):
                return b""
            chunk = self._incomplete.take()
        elif self._pending:
            chunk = self._pending + chunk
            self._pending = b""
        self._read(chunk)
        return self._out.flush(self._injection)

    def whole(self, document: bytes) -> bytes:
        """Return what becomes of a document that is here as a whole: instead of feed and close."""
        self._read(document)
        return self.close()

    def _read(self, data: bytes) -> None:
        at = 0
        while at >= 0:
            at = self._run(self, data, at)

    def close(self) -> bytes:
        """Return the rest: the document is complete."""
        if self._incomplete:  # a tag may have become complete since it was last looked at
            self._read(self._incomplete.take())
        rest = self._incomplete.take() + self._pending
        self._pending = b""
        rest = self._ended(rest)
        at_end = not self._reader.xml
        if at_end:
            self._out.emit(self._injection.finish())
        self._out.end(self._injection, at_end=at_end)
        self._out.emit(rest)
        return self._out.flush(self._injection)

    def _in_foreign(self) -> bool:
        """True where CDATA sections are text."""
        return False

    def _ended(self, rest: bytes) -> bytes:
        """Return what is to be written of a construct that never ended."""
        return rest

    @abstractmethod
    def _note(self, judged: JudgedTag) -> tuple[bytes, bytes]:
        """Record what was refused; return what stands before the tag and in its place."""

    @abstractmethod
    def _after_long(self, long: LongTag) -> None:
        """Go on behind an over-long tag."""

    def _stuck(self, data: bytes, at: int) -> int:
        """Decide how to wait for the rest of what begins at `at`."""
        if at == len(data):
            return -1
        kind, until = unfinished.opened(data[at : at + 9], xml=self._reader.xml, foreign=self._in_foreign())
        if kind is unfinished.Opened.UNKNOWN:
            self._pending = data[at:]
            return -1
        if kind is unfinished.Opened.TAG:
            if is_too_long(data, at):
                return self._begin_long(data[at:], at)
            self._incomplete.begin(data[at:], cap_of(data, at))
            return -1
        assert until is not None  # the other kinds say where they end
        if kind is unfinished.Opened.DOCTYPE:
            self._injection.doctype()
        self._until = until
        self._out.emit(data[at : at + until.begins])
        self._run = Stream._pass
        return at + until.begins

    def _pass(self, data: bytes, at: int) -> int:
        """Inside a comment or the like: everything passes up to its end."""
        match = self._until.end.search(data, at)
        if match is None:
            keep = max(at, len(data) - self._until.tail)
            self._out.emit(data[at:keep])
            self._pending = data[keep:]
            return -1
        self._out.emit(data[at : match.end()])
        self._run = self._data
        return match.end()

    def _begin_long(self, raw: bytes, at: int) -> int:
        self._long = LongTag(self._reader, raw, self._note)
        self._run = Stream._in_long
        return at

    def _in_long(self, data: bytes, at: int) -> int:
        assert self._long is not None  # set with the state
        out, used = self._long.feed(data[at:])
        self._out.emit(out)
        if not self._long.done:
            self._pending = data[at + used :]
            return -1
        long, self._long = self._long, None
        self._run = self._data
        self._after_long(long)
        return at + used
