"""Chunks in, bytes out: complete markup leaves at once, incomplete markup waits."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from proxy.filter.html import incomplete_markup
from proxy.filter.html.output import Output
from proxy.filter.rules.judged_tag import JudgedTag
from proxy.filter.syntax.tag_buffer import TagBuffer
from proxy.filter.tags.document_context import DocumentContext
from proxy.filter.tags.injection import Injection
from proxy.filter.tags.long_tag import LongTag, cap_of, is_too_long

State = Callable[[Any, bytes, int], int]
"""Reads data from a position; returns where the next state continues, or -1 for more data."""


class Stream(ABC):
    """The base of the filter: buffers incomplete markup, runs one state after another."""

    def __init__(self, context: DocumentContext, injection: Injection, state: State) -> None:
        self._context = context
        self._injection = injection
        self._out = Output()
        self._pending = b""
        self._incomplete = TagBuffer()
        self._long: LongTag | None = None
        self._until = incomplete_markup.COMMENT
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
        """Return a complete document filtered, in place of `feed` and `close`."""
        self._read(document)
        return self.close()

    def _read(self, data: bytes) -> None:
        at = 0
        while at >= 0:
            at = self._run(self, data, at)

    def close(self) -> bytes:
        """Return the rest: the document is complete."""
        if self._incomplete:  # the tag may have become complete since the last join
            self._read(self._incomplete.take())
        rest = self._incomplete.take() + self._pending
        self._pending = b""
        rest = self._ended(rest)
        at_end = not self._context.xml
        if at_end:
            self._out.emit(self._injection.finish())
        self._out.end(self._injection, at_end=at_end)
        self._out.emit(rest)
        return self._out.flush(self._injection)

    def _in_foreign(self) -> bool:
        """True where CDATA sections are text."""
        return False

    def _ended(self, rest: bytes) -> bytes:
        """Return what is written of markup that never ended."""
        return rest

    @abstractmethod
    def _record(self, judged: JudgedTag) -> tuple[bytes, bytes]:
        """Record the verdicts; return what goes before the tag and in its place."""

    @abstractmethod
    def _after_long(self, long: LongTag) -> None:
        """Continue behind a tag over the size cap."""

    def _wait(self, data: bytes, at: int) -> int:
        """Choose how to wait for the rest of the markup that begins at `at`."""
        if at == len(data):
            return -1
        kind, until = incomplete_markup.construct_at(
            data[at : at + 9], xml=self._context.xml, foreign=self._in_foreign()
        )
        if kind is incomplete_markup.Construct.UNKNOWN:
            self._pending = data[at:]
            return -1
        if kind is incomplete_markup.Construct.TAG:
            if is_too_long(data, at):
                return self._begin_long(data[at:], at)
            self._incomplete.begin(data[at:], cap_of(data, at))
            return -1
        assert until is not None  # the other kinds say where they end
        if kind is incomplete_markup.Construct.DOCTYPE:
            self._injection.doctype()
        self._until = until
        self._out.emit(data[at : at + until.begins])
        self._run = Stream._pass
        return at + until.begins

    def _pass(self, data: bytes, at: int) -> int:
        """Inside a comment, doctype or CDATA section: everything passes up to its end."""
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
        self._long = LongTag(self._context, raw, self._record)
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
