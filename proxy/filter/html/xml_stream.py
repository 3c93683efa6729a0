"""XML documents: every tag counts, attribute names are unique, nothing is raw text."""

from __future__ import annotations

from proxy.filter.html import xml_declarations
from proxy.filter.html.element_stream import UNKNOWN, ElementStream
from proxy.filter.syntax import tokens
from proxy.filter.tags.long_tag import is_too_long


class XmlStream(ElementStream):
    """The part of the filter for XHTML, SVG and other XML that browsers render."""

    def _xml(self, data: bytes, at: int) -> int:
        """Read an XML document: every tag counts, and nothing is raw text."""
        start = at
        while self._run is XmlStream._xml:
            match = tokens.XML.match(data, at)
            assert match is not None  # every part of the pattern is optional
            raw, at = match[1], match.end()
            if raw is None:
                self._out.emit(data[start:at])
                return self._prolog(data, at)
            if is_too_long(raw):
                self._out.emit(data[start : at - len(raw)])
                return self._begin_long(raw, at - len(raw))
            name = match[3].rpartition(b":")[2].lower()
            start = self._xml_tag(raw, match[2], name, data, (start, at))
        self._out.emit(data[start:at])
        return at

    def _xml_tag(self, raw: bytes, slash: bytes, name: bytes, data: bytes, span: tuple[int, int]) -> int:
        start, at = span
        judged = None
        behind = b""
        if slash:
            before = self._injection.end(name) if name != b"html" else b""
            if name == b"body":
                self._out.emit(data[start : at - len(raw)])
                start = at - len(raw)
                self._out.body_ends(self._injection)
        else:
            judged = self._tags.get(raw, UNKNOWN)
            if judged is UNKNOWN:
                judged = self._judged(raw)
            before, behind = self._injection.start(name, judged.values if judged else {})
        if before:
            self._out.emit(data[start : at - len(raw)])
            self._out.emit(before)
            start = at - len(raw)
        if judged is not None:
            start = self._act(judged, raw, data, (start, at), foreign=True)
        if behind:
            self._out.emit(data[start:at])
            self._out.emit(behind)
            start = at
        return start

    def _prolog(self, data: bytes, at: int) -> int:
        """Read a doctype or processing instruction of an XML document."""
        found = xml_declarations.declaration(self._context, data, at)
        if found is None:
            return self._wait(data, at)
        if found.doctype:
            self._injection.doctype_of(found.root)
        self.verdicts += found.verdicts
        if found.end < 0:
            self._pending = data[at:]
            return -1
        self._out.emit(found.out)
        return found.end
