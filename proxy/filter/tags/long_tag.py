"""Start tags over the size cap: read and judged attribute by attribute.

Each attribute is judged together with those that identify the tag (id, class, rel,
type); one whose own value is over the cap passes only if it can load nothing.
A script or srcdoc over its cap is made inert unread.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from proxy.filter.rules.judge import ContentModel, JudgedTag
from proxy.filter.size_limits import MAX_CODE_TAG, MAX_TAG
from proxy.filter.syntax import fetching_attributes
from proxy.filter.tags.refusal import DocumentContext
from proxy.filter.tags.start_tag import judge_tag
from proxy.filter.tags.tag_edits import MARK
from proxy.filter.verdict import Does, Verdict

_CODE: Final = re.compile(rb"<(?:script|iframe)[ \t\n\f\r/>]", re.IGNORECASE)
_NAME: Final = re.compile(rb"<[^ \t\n\f\r/>]*+")
_SPACE: Final = re.compile(rb"[ \t\n\f\r/]*+")
_ONE: Final = re.compile(
    rb"(?P<end>>)|(?P<name>[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"
    rb"(?:(?P<value>[ \t\n\f\r]*+=[ \t\n\f\r]*+(?:\"[^\"]*+\"|'[^']*+'|(?=>)"
    rb"|[^ \t\n\f\r>\"'][^ \t\n\f\r>]*+(?=[ \t\n\f\r>])))"
    rb"|(?=(?P<gap>[ \t\n\f\r]*+)[^ \t\n\f\r=]))"
)
_LONG: Final = re.compile(rb"(?P<name>[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)[ \t\n\f\r]*+=[ \t\n\f\r]*+[\"']?")
_RUNS: Final = {
    "name": re.compile(rb"[^ \t\n\f\r/>=]*+"),
    "after": re.compile(rb"[ \t\n\f\r]*+"),
    "before": re.compile(rb"[ \t\n\f\r]*+"),
    "bare": re.compile(rb"[^ \t\n\f\r>]*+"),
    '"': re.compile(rb"[^\"]*+"),
    "'": re.compile(rb"[^']*+"),
}
_HARMLESS: Final = re.compile(rb"\s*data:(?:image|font|video|audio)/", re.IGNORECASE)
MOST: Final = 100
"""Attributes of one tag that are judged; what may load beyond them is refused unread."""

_IDENTIFIES: Final = frozenset({b"id", b"class", b"rel", b"type"})
_RISKY: Final = frozenset(
    name.encode()
    for several in (
        *fetching_attributes.LOADING_ATTRIBUTES.values(),
        fetching_attributes.LAZY_ATTRIBUTES,
        fetching_attributes.SRCSETS,
        fetching_attributes.ANY_ELEMENT,
        fetching_attributes.WIDGET_ATTRIBUTES,
    )
    for name in several
) | {b"srcdoc", b"style"}


def cap_of(data: bytes, at: int = 0) -> int:
    """Return the size cap of the tag that begins at `at`."""
    return MAX_CODE_TAG if _CODE.match(data, at) else MAX_TAG


def is_too_long(data: bytes, at: int = 0) -> bool:
    """True when the tag that begins at `at` and does not end is over its cap."""
    size = len(data) - at
    return size > MAX_TAG and size > cap_of(data, at)


class LongTag:
    """One tag over the cap, while it streams."""

    def __init__(
        self, context: DocumentContext, raw: bytes, record: Callable[[JudgedTag], tuple[bytes, bytes]]
    ) -> None:
        match = _NAME.match(raw)
        self.name = match[0][1:].lower() if match else b""
        self.done = False
        self.closed = False  # ended in />
        self._context = context
        self._record = record
        self._begun = False
        self._part = ""  # which part of an attribute over the cap is passing
        self._identity: dict[bytes, bytes] = {}
        self._judged: dict[bytes, bool] = {}  # whether what may load under this name is refused
        self._holds = _CODE.match(raw) is not None

    @property
    def content_model(self) -> ContentModel:
        """How the text behind the tag is read."""
        judged = judge_tag(self._context, b"<" + self.name + b">") if self.name[:1] != b"/" else None
        content_model = judged.content_model if judged else ContentModel.NOTHING
        return ContentModel.SCRIPT if content_model is ContentModel.INLINE else content_model

    def feed(self, data: bytes) -> tuple[bytes, int]:
        """Return what may leave, and how many bytes were read."""
        out = []
        at = 0
        if not self._begun:
            self._begun = True
            at = len(self.name) + 1
            out.append(data[:at])
            if self._holds:
                out.append(self._made_inert())
        while not self.done:
            if self._part:
                text, at = self._pass(data, at)
                out.append(text)
                if at == len(data):
                    break
                continue
            end = _SPACE.match(data, at).end()  # type: ignore[union-attr]  # matches anywhere
            if end > at:
                self.closed = data[end - 1] == 0x2F
                out.append(data[at:end])
                at = end
            match = _ONE.match(data, at)
            if match is not None and max(match.end(), match.end("gap")) - at <= MAX_TAG:
                out.append(self._attribute(match))
                at = match.end()
            elif len(data) - at <= MAX_TAG:
                break
            else:
                text, at = self._begin_part(data, at)
                out.append(text)
        return b"".join(out), at

    def _made_inert(self) -> bytes:
        verdict = Verdict(Does.HOLD, note=f"{self.name.decode('latin-1')} with a tag too long to be read")
        self._record(JudgedTag(self.name.decode("latin-1"), ContentModel.NOTHING, None, verdict))
        type_ = b' type="text/plain"' if self.name == b"script" and not self._context.xml else b""
        return type_ + b" " + MARK.encode() + b'="undeclared"'

    def _attribute(self, match: re.Match[bytes]) -> bytes:
        if match["end"] is not None:
            self.done = True
            return match[0]
        self.closed = False
        name, text = match["name"].lower(), match[0]
        if name in _IDENTIFIES and len(text) < 1024:
            self._identity.setdefault(name, text)
        if not self._refuses(name, text):
            return text
        return self._renamed(match["name"]) + text[len(name) :]

    def _refuses(self, name: bytes, text: bytes) -> bool:
        if self.name[:1] == b"/" or not self._concerns(name):
            return False
        if self._holds:
            return name in _RISKY
        refused = self._judged.get(name)  # of duplicates browsers read the first
        if refused is None:
            refused = len(self._judged) >= MOST or self._judge(text)
            if len(self._judged) < MOST:
                self._judged[name] = refused
        return refused

    def _judge(self, text: bytes) -> bool:
        tag = b" ".join((b"<" + self.name, *self._identity.values(), text, b">"))
        judged = judge_tag(self._context, tag)
        if judged is None or judged.out is None:
            return False
        self._record(JudgedTag(judged.name, ContentModel.NOTHING, None, judged.verdict, inner=judged.inner))
        return True

    def _concerns(self, name: bytes) -> bool:
        """True when an attribute of this name may load or run, or a rule names it."""
        if name in _RISKY or name in _IDENTIFIES or name.startswith(b"on"):
            return True
        return name.decode("latin-1") in self._context.judge.rules.named_attributes

    def _renamed(self, name: bytes) -> bytes:
        return MARK.encode() + b"-" + (name.replace(b":", b"-") if self._context.xml else name)

    def _begin_part(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Begin an attribute over the cap; a name that could load is renamed."""
        match = _RUNS["name"].match(data, at + 1)
        end = match.end() if match else at
        if end - at > MAX_TAG:
            self._part = "name"
            return data[at:end], end
        self._part = "after"
        name = data[at:end].lower()
        whole = _LONG.match(data, at)
        begun = whole is not None and whole.end() - at < MAX_TAG - 64
        harmless = begun and whole is not None and _HARMLESS.match(data, whole.end()) is not None
        risky = name in _RISKY or name.startswith(b"on")
        if not risky or harmless or self.name[:1] == b"/":
            return data[at:end], end
        if not self._holds:
            verdict = Verdict(Does.HOLD, note=f"{name.decode('latin-1')} too long to be read")
            self._record(JudgedTag(self.name.decode("latin-1"), ContentModel.NOTHING, None, verdict))
        return self._renamed(data[at:end]), end

    def _pass(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Pass one part of a long attribute, and choose the next part."""
        match = _RUNS[self._part].match(data, at)
        end = match.end() if match else at
        if end == len(data):
            return data[at:], end
        after = data[end : end + 1]
        if self._part in ('"', "'"):
            self._part = ""
            end += 1
        elif self._part == "before" and after in (b'"', b"'"):
            self._part = after.decode()
            end += 1
        elif self._part == "after" and after == b"=":
            self._part = "before"
            end += 1
        else:
            following = {"name": "after", "before": "bare" if after != b">" else ""}
            self._part = following.get(self._part, "")
        return data[at:end], end

    def close(self, rest: bytes) -> bytes:
        """Return the rest of a tag that never ends: browsers drop it."""
        return rest
