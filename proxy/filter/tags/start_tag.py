"""One start tag in, what becomes of it out: the meeting of grammar, rules and actions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from proxy.filter.headers.link_header import refresh_verdict
from proxy.filter.rules.judged_tag import Follow, JudgedTag, TagFacts, Where
from proxy.filter.rules.rule_matcher import Matcher
from proxy.filter.size_limits import MAX_TEXT_FOR_PLACEHOLDER
from proxy.filter.syntax.attributes import values_of
from proxy.filter.syntax.fetching_attributes import (
    LAZY_ATTRIBUTES,
    LOADING_ATTRIBUTES,
    QUOTATIONS,
    SRCSETS,
    VOID,
)
from proxy.filter.syntax.script_calls import calls
from proxy.filter.syntax.script_type import is_inert, script_type
from proxy.filter.tags import known_host, provider_page, tag_edits
from proxy.filter.tags.document_context import Reader
from proxy.filter.tags.refusal import Refusal, refusal
from proxy.filter.tags.tag_edits import Edits
from proxy.filter.verdict import Does, Verdict
from proxy.policy.model import Action

MAX_SRCDOC_DEPTH = 8
"""srcdoc within srcdoc beyond this is held unread."""

_FOLLOWS = {
    "script": Follow.INLINE,
    "style": Follow.STYLE,
    "noscript": Follow.NOSCRIPT,
    "plaintext": Follow.PLAINTEXT,
    "svg": Follow.FOREIGN,
    "math": Follow.FOREIGN,
} | dict.fromkeys(("title", "textarea", "xmp", "iframe", "noembed", "noframes"), Follow.RAW_TEXT)
_TEACHES = frozenset({"base", "meta", "html", "head", "body", "frameset"})
"""Tags the scanner learns from even where nothing is done to them."""

_STOOD_IN_FOR = ("Calendly.initPopupWidget", "Calendly.showPopupWidget")
"""Calls of a provider's script which our stand-in answers with the provider's page (banner/stubs.js)."""

_SPECIAL = {"importmap": Follow.MAP, "speculationrules": Follow.SPECULATION}
_LATER = LAZY_ATTRIBUTES | SRCSETS
_NAME = re.compile(r"<(?:[^ \t\n\f\r/>]*+)")


def judged(reader: Reader, raw: bytes) -> JudgedTag | None:
    """Return what becomes of this start tag; None where nothing does and nothing follows."""
    quick = known_host.judged(reader, raw)
    return at_length(reader, raw) if quick is known_host.UNSURE else quick


def at_length(reader: Reader, raw: bytes) -> JudgedTag | None:
    """Return the same, with everything looked at."""
    text = raw.decode("utf-8", "surrogateescape")
    match = _NAME.match(text)
    end = match.end() if match else 1
    name = text[1:end].lower()
    if reader.xml:
        name = name.rpartition(":")[2]
    values = values_of(text, end, reader.entities)
    tag = Tag(reader, name, raw, values)
    return tag.script() if name == "script" else tag.other()


@dataclass(slots=True)
class Tag:
    """One start tag while it is judged."""

    reader: Reader
    name: str
    raw: bytes
    values: Mapping[str, str]

    def script(self) -> JudgedTag:
        """Return what becomes of a script."""
        values = self.values
        type_ = script_type(values)
        if type_ == "text/plain" and tag_edits.MARK in values:
            return JudgedTag("script", Follow.SCRIPT)  # held already
        special = _SPECIAL.get(type_) if type_ else None
        if type_ and special is None and is_inert(type_):
            return JudgedTag("script", Follow.SCRIPT)
        refused = refusal(self.reader, "script", values)
        if refused is not None:
            return self.held_script(refused.verdict, refused.matcher, refused.address, refused.host)
        if special is None and "src" in values:
            return JudgedTag("script", Follow.SCRIPT)
        return JudgedTag("script", special or Follow.INLINE, values=values)

    def held_script(
        self,
        verdict: Verdict,
        matcher: Matcher | None,
        address: str | None = None,
        host: str = "",
        text: bytes = b"",
    ) -> JudgedTag:
        """Return a script made inert."""
        edits = self._edits()
        tag_edits.hold_script(edits, verdict, _LATER & self.values.keys())
        return self._finished(edits, Refusal(verdict, matcher, set(), address, host, text), Follow.SCRIPT)

    def _edits(self) -> Edits:
        return Edits(self.raw, xml=self.reader.xml)

    def other(self) -> JudgedTag | None:
        """Return what becomes of any other element."""
        values = self.values
        if self.name == "meta" and (stays := self._refresh()) is not None:
            return stays
        also: list[Verdict] = []
        edits = None
        if ("style" in values and "(" in values["style"]) or "srcdoc" in values:
            edits = self._edits()
            self._style(edits, also)
            if self.name == "iframe" and "srcdoc" in values:
                self._srcdoc(edits, also)
        follow = _FOLLOWS.get(self.name, Follow.NOTHING)
        refused = refusal(self.reader, self.name, values)
        if refused is not None:
            edits = edits or self._edits()
            self._hold(edits, refused)
            return self._finished(edits, refused, follow, tuple(also))
        out = edits.result() if edits else None
        if self.name in _TEACHES:
            return JudgedTag(self.name, follow, out, values=values, also=tuple(also))
        if out is None and follow is Follow.NOTHING and not also:
            return None
        return JudgedTag(self.name, follow, out, also=tuple(also))

    def _refresh(self) -> JudgedTag | None:
        """Return a refresh that would hand every visitor on to a refused provider, made inert (T15)."""
        if self.values.get("http-equiv", "").strip().lower() != "refresh":
            return None
        content = self.values.get("content", "").encode("utf-8", "surrogateescape")
        verdict = refresh_verdict(content, self.reader.judge, self.reader.base)
        if verdict.keeps:
            return None
        edits = self._edits()
        edits.rename({"http-equiv"})
        return JudgedTag("meta", Follow.NOTHING, edits.result(), verdict, values=self.values)

    def _hold(self, edits: Edits, refused: Refusal) -> None:
        replaces, used = refused.verdict.does is Does.REPLACE, self._is_used(refused.matcher)
        names = refused.names
        if replaces and used:
            link = provider_page.link_of(self.name, self.values, refused.matcher, refused.address)
            if link:
                (tag_edits.relink if self.name == "a" else tag_edits.reopen)(edits, link)
            elif calls(self.values.get("onclick", "")[:MAX_TEXT_FOR_PLACEHOLDER], _STOOD_IN_FOR):
                names = names - {"onclick"}  # only the page knows where to: our stand-in opens that
        tag_edits.hold(edits, refused.verdict, names)
        if replaces and not used and self._place() is Where.BEFORE and self.name not in QUOTATIONS:
            tag_edits.hide(edits)

    def _is_used(self, matcher: Matcher | None) -> bool:
        """True for a link, or what runs the provider's code on a click: it stays, and leads elsewhere."""
        names = [name for name, _ in matcher.attributes] if matcher else []
        return self.name == "a" or "onclick" in names

    def _finished(
        self, edits: Edits, refused: Refusal, follow: Follow, also: tuple[Verdict, ...] = ()
    ) -> JudgedTag:
        verdict, matcher = refused.verdict, refused.matcher
        noted = verdict
        if matcher is not None and not verdict.note:
            noted = self.reader.judge.noted(matcher, f"{self.name} {refused.host}".strip())
        if verdict.does is Does.REMOVE and (self.name in VOID or follow in (Follow.SCRIPT, Follow.RAW_TEXT)):
            return JudgedTag(self.name, follow, b"", noted, removes=True, also=also)
        if verdict.does is not Does.REPLACE or self._is_used(matcher):
            return JudgedTag(self.name, follow, edits.result(), noted, also=also)
        return JudgedTag(
            self.name,
            follow,
            edits.result(),
            noted,
            Where.NOWHERE if matcher and matcher.rule.with_ == "nothing" else self._place(),
            self._facts(refused),
            also=also,
        )

    def _facts(self, refused: Refusal) -> TagFacts:
        matcher = refused.matcher
        provider = self.reader.judge.rules.policy.provider(matcher.rule.provider) if matcher else None
        return TagFacts(
            self.name,
            provider_page.link_of(self.name, self.values, matcher, refused.address),
            self.values.get("title", ""),
            self.values,
            matcher.rule.with_ if matcher else "link",
            provider.name if provider else "",
            provider.privacy if provider else None,
            refused.text[:MAX_TEXT_FOR_PLACEHOLDER].decode("utf-8", "replace"),
            matcher is not None and matcher.rule.do is Action.RELAY,
        )

    def _place(self) -> Where:
        empty = self.name in VOID or self.name in LOADING_ATTRIBUTES or self.raw.endswith(b"/>")
        alone = empty or self.name in QUOTATIONS
        return Where.BEFORE if alone else Where.INSIDE

    def _style(self, edits: Edits, also: list[Verdict]) -> None:
        value = self.values.get("style", "")
        filtered = self.reader.without_refused(value, also)
        if filtered != value and (attribute := edits.first("style")) is not None:
            edits.set(attribute, filtered)

    def _srcdoc(self, edits: Edits, also: list[Verdict]) -> None:
        if self.reader.depth >= MAX_SRCDOC_DEPTH:
            edits.rename({"srcdoc"})
            also.append(Verdict(Does.HOLD, note="srcdoc nested too deep"))
            return
        inside = self.values["srcdoc"].encode("utf-8", "surrogateescape")
        filtered, verdicts = self.reader.document(inside, xml=False)
        if filtered != inside and (attribute := edits.first("srcdoc")) is not None:
            edits.set(attribute, filtered.decode("utf-8", "surrogateescape"))
        also += verdicts


def judged_inline(reader: Reader, raw: bytes, values: Mapping[str, str], body: bytes) -> JudgedTag | None:
    """Return an inline script held for its text, or None where it may run."""
    cache = reader.judge.xml_scripts if reader.xml else reader.judge.scripts
    key = raw + body
    if key in cache:
        return cache[key]
    found = _judged_inline(reader, raw, values, body)
    if found is None:
        cache.keep_known(key, found)
    else:  # asked again at once, when it is held
        cache.keep(key, found)
    return found


def _judged_inline(reader: Reader, raw: bytes, values: Mapping[str, str], body: bytes) -> JudgedTag | None:
    judge = reader.judge
    matcher = judge.match_text(judge.rules.words.within(body), "script", values)
    if matcher is None:
        return None
    rules = (
        m for m in judge.rules.of_element("script", values) if not m.by_address and m.fits("script", values)
    )
    first = min((m.index for m in rules), default=None)
    if first is not None and first < matcher.index:
        return None  # a rule further up kept it when its tag was judged
    verdict = judge.verdict_of(matcher)
    if verdict.keeps:
        return None
    link, host = provider_page.link_in(judge, matcher, body)
    return Tag(reader, "script", raw, values).held_script(verdict, matcher, link, host, body)
