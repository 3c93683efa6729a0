"""Judges one start tag: by the host of its address, or with every attribute and rule, and applies the action.

What an action (`do:`) does to a tag is here (`_hold`, `_finished`); the edits are in tag_edits.py.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Final

from proxy.filter.headers.guard_table import GUARD_BY_PARENT
from proxy.filter.headers.link_header import refresh_verdict
from proxy.filter.patterns import Matcher
from proxy.filter.rules.judge import ContentModel, Judge, JudgedTag, PlaceholderPosition, TagFacts
from proxy.filter.size_limits import MAX_DOCUMENT_DEPTH, MAX_TEXT_FOR_PLACEHOLDER
from proxy.filter.syntax import fetching_attributes
from proxy.filter.syntax.attributes import is_inert, script_type, values_of
from proxy.filter.syntax.fetching_attributes import (
    LAZY_ATTRIBUTES,
    LOADING_ATTRIBUTES,
    QUOTATIONS,
    SRCSETS,
    VOID,
    WARNING_LINKS,
)
from proxy.filter.syntax.script_calls import calls
from proxy.filter.syntax.urls import Url
from proxy.filter.tags import tag_edits
from proxy.filter.tags.embeds import link_in, link_of
from proxy.filter.tags.refusal import DocumentContext, Refusal, refusal
from proxy.filter.tags.tag_edits import Edits, hold_in_place
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.actions import Action

_CONTENT_MODELS: Final = {
    "script": ContentModel.INLINE,
    "style": ContentModel.STYLE,
    "noscript": ContentModel.NOSCRIPT,
    "plaintext": ContentModel.PLAINTEXT,
    "svg": ContentModel.FOREIGN,
    "math": ContentModel.FOREIGN,
} | dict.fromkeys(("title", "textarea", "xmp", "iframe", "noembed", "noframes"), ContentModel.RAW_TEXT)
_TRACKED: Final = frozenset({"base", "meta", "html", "head", "body", "frameset"})
"""Tags whose attributes the scanner needs even where they pass unchanged."""

_GUARD_BY_PARENT: Final = GUARD_BY_PARENT.encode()
_STUBBED_CALLS: Final = ("Calendly.initPopupWidget", "Calendly.showPopupWidget")
"""Calls of a provider's script that the page's stub turns into opening the provider's page."""

_SPECIAL: Final = {"importmap": ContentModel.MAP, "speculationrules": ContentModel.SPECULATION}
_PASSING_SCRIPT: Final = JudgedTag("script", ContentModel.SCRIPT)
_LAZY_LOADED: Final = LAZY_ATTRIBUTES | SRCSETS
_NAME: Final = re.compile(r"<(?:[^ \t\n\f\r/>]*+)")


def judge_tag(context: DocumentContext, raw: bytes) -> JudgedTag | None:
    """Return the judged start tag; None where it passes and no raw text follows."""
    fast = judge_by_host(context, raw)
    return judge_carefully(context, raw) if fast is UNDECIDED else fast


def judge_carefully(context: DocumentContext, raw: bytes) -> JudgedTag | None:
    """Return the same by the careful path: every attribute and rule is considered."""
    text = raw.decode("utf-8", "surrogateescape")
    match = _NAME.match(text)
    end = match.end() if match else 1
    name = text[1:end].lower()
    if context.xml:
        name = name.rpartition(":")[2]
    values = values_of(text, end, context.entities)
    tag = StartTag(context, name, raw, values)
    return tag.script() if name == "script" else tag.other()


class StartTag:
    """One start tag while it is judged."""

    __slots__ = ("context", "name", "raw", "values")

    def __init__(self, context: DocumentContext, name: str, raw: bytes, values: Mapping[str, str]) -> None:
        self.context = context
        self.name = name
        self.raw = raw
        self.values = values

    def script(self) -> JudgedTag:
        """Return the judged <script>."""
        values = self.values
        type_ = script_type(values)
        if type_ == "text/plain" and tag_edits.MARK in values:
            return _PASSING_SCRIPT  # held already
        special = _SPECIAL.get(type_) if type_ else None
        if type_ and special is None and is_inert(type_):
            return _PASSING_SCRIPT
        refused = refusal(self.context, "script", values)
        if refused is not None:
            return self.held_script(refused.verdict, refused.matcher, refused.address, refused.host)
        if special is None and "src" in values:
            return _PASSING_SCRIPT
        return JudgedTag("script", special or ContentModel.INLINE, values=values)

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
        tag_edits.hold_script(edits, verdict, _LAZY_LOADED.intersection(self.values))
        return self._finished(edits, Refusal(verdict, matcher, address, host, text), ContentModel.SCRIPT)

    def _edits(self) -> Edits:
        return Edits(self.raw, xml=self.context.xml)

    def other(self) -> JudgedTag | None:
        """Return the judged start tag of any other element."""
        values = self.values
        if self.name == "meta" and (stays := self._refresh()) is not None:
            return stays
        inner: list[Verdict] = []
        edits = None
        if ("style" in values and "(" in values["style"]) or "srcdoc" in values:
            edits = self._edits()
            self._style(edits, inner)
            if self.name == "iframe" and "srcdoc" in values:
                self._srcdoc(edits, inner)
        content_model = _CONTENT_MODELS.get(self.name, ContentModel.NOTHING)
        refused = refusal(self.context, self.name, values)
        if refused is not None:
            edits = edits or self._edits()
            self._hold(edits, refused)
            return self._finished(edits, refused, content_model, tuple(inner))
        out = edits.result() if edits else None
        if self.name in _TRACKED:
            return JudgedTag(self.name, content_model, out, values=values, inner=tuple(inner))
        if out is None and content_model is ContentModel.NOTHING and not inner:
            return None
        return JudgedTag(self.name, content_model, out, inner=tuple(inner))

    def _refresh(self) -> JudgedTag | None:
        """Return a refresh that would send visitors to a refused provider, made inert (T15)."""
        if self.values.get("http-equiv", "").strip().lower() != "refresh":
            return None
        content = self.values.get("content", "").encode("utf-8", "surrogateescape")
        verdict = refresh_verdict(content, self.context.judge, self.context.base)
        if verdict.keeps:
            return None
        edits = self._edits()
        edits.rename({"http-equiv"})
        return JudgedTag("meta", ContentModel.NOTHING, edits.result(), verdict, values=self.values)

    def _hold(self, edits: Edits, refused: Refusal) -> None:
        replaces, clickable = refused.verdict.does is Does.REPLACE, self._is_clickable(refused.matcher)
        names = refused.names
        if self.name == "link" and not WARNING_LINKS.isdisjoint(self.values.get("rel", "").lower().split()):
            names = names | {"rel"}
        if replaces and clickable:
            link = link_of(self.name, self.values, refused.matcher, refused.address)
            if link:
                (tag_edits.relink if self.name == "a" else tag_edits.reopen)(edits, link)
            elif calls(self.values.get("onclick", "")[:MAX_TEXT_FOR_PLACEHOLDER], _STUBBED_CALLS):
                names = names - {"onclick"}  # the call names the page: the stub opens it
        tag_edits.hold(edits, refused.verdict, names | self._refused_beside(refused.names))
        if (
            replaces
            and not clickable
            and self._place() is PlaceholderPosition.BEFORE
            and self.name not in QUOTATIONS
        ):
            tag_edits.hide(edits)

    def _refused_beside(self, names: Collection[str]) -> set[str]:
        """Return the handlers that stay and that other rules refuse: those of a held image, say."""
        beside: set[str] = set()
        left = {name: value for name, value in self.values.items() if name[:2] == "on" and name not in names}
        while left and (refused := refusal(self.context, self.name, left)) is not None:
            more = refused.names.intersection(left)
            if not more:  # it is refused for what it is, and is held
                break
            beside |= more
            left = {name: value for name, value in left.items() if name not in more}
        return beside

    def _is_clickable(self, matcher: Matcher | None) -> bool:
        """True for a link or button that runs the provider's code on a click: it stays."""
        names = [name for name, _ in matcher.attributes] if matcher else []
        return self.name == "a" or "onclick" in names

    def _finished(
        self,
        edits: Edits,
        refused: Refusal,
        content_model: ContentModel,
        inner: tuple[Verdict, ...] = (),
    ) -> JudgedTag:
        verdict, matcher = refused.verdict, refused.matcher
        noted = verdict
        if matcher is not None and not verdict.note:
            noted = self.context.judge.verdict_with_note(matcher, self.name, refused.host)
        if verdict.does is Does.REMOVE and (
            self.name in VOID or content_model in (ContentModel.SCRIPT, ContentModel.RAW_TEXT)
        ):
            return JudgedTag(self.name, content_model, b"", noted, removes=True, inner=inner)
        if verdict.does is not Does.REPLACE or self._is_clickable(matcher):
            refuses = self._refuses_frame(refused)
            return JudgedTag(
                self.name, content_model, edits.result(), noted, inner=inner, is_refused_frame=refuses
            )
        return JudgedTag(
            self.name,
            content_model,
            edits.result(),
            noted,
            PlaceholderPosition.NOWHERE if matcher and matcher.rule.with_ == "nothing" else self._place(),
            facts=self._facts(refused),
            inner=inner,
            is_refused_frame=self.name == "iframe",
        )

    def _refuses_frame(self, refused: Refusal) -> bool:
        """True when what an iframe would show is held."""
        shows = "srcdoc" if "srcdoc" in self.values else "src"
        return self.name == "iframe" and shows in refused.names

    def _facts(self, refused: Refusal) -> TagFacts:
        matcher = refused.matcher
        provider = self.context.judge.rules.policy.provider(matcher.rule.provider) if matcher else None
        return TagFacts(
            self.name,
            link_of(self.name, self.values, matcher, refused.address),
            self.values.get("title", ""),
            self.values,
            matcher.rule.with_ if matcher else "link",
            provider.name if provider else "",
            provider.privacy if provider else None,
            refused.text[:MAX_TEXT_FOR_PLACEHOLDER].decode("utf-8", "replace"),
            matcher is not None and matcher.rule.do is Action.RELAY,
        )

    def _place(self) -> PlaceholderPosition:
        empty = self.name in VOID or self.name in LOADING_ATTRIBUTES or self.raw.endswith(b"/>")
        alone = empty or self.name in QUOTATIONS
        return PlaceholderPosition.BEFORE if alone else PlaceholderPosition.INSIDE

    def _style(self, edits: Edits, inner: list[Verdict]) -> None:
        value = self.values.get("style", "")
        filtered = self.context.without_refused(value, inner)
        if filtered != value and (attribute := edits.first("style")) is not None:
            edits.set(attribute, filtered)

    def _srcdoc(self, edits: Edits, inner: list[Verdict]) -> None:
        if self.context.depth >= MAX_DOCUMENT_DEPTH:
            edits.rename({"srcdoc"})
            inner.append(Verdict(Does.HOLD, note="srcdoc nested too deep"))
            return
        inside = self.values["srcdoc"].encode("utf-8", "surrogateescape")
        filtered, verdicts = self.context.filtered_document(inside, xml=False)
        guarded = self.context.inject is not None and not self.context.judge.only_observes
        if guarded and not inside.startswith(_GUARD_BY_PARENT):
            filtered = _GUARD_BY_PARENT + filtered
        if filtered != inside and (attribute := edits.first("srcdoc")) is not None:
            edits.set(attribute, filtered.decode("utf-8", "surrogateescape"))
        inner += verdicts


def judge_inline_script(
    context: DocumentContext, raw: bytes, values: Mapping[str, str], body: bytes
) -> JudgedTag | None:
    """Return an inline script held for its text, or None where it may run."""
    cache = context.judge.xml_scripts if context.xml else context.judge.scripts
    key = raw + body
    found: JudgedTag | None = cache.get(key, UNDECIDED)
    if found is not UNDECIDED:
        return found
    found = _judge_inline_script(context, raw, values, body)
    if found is None:
        cache.store_repeated(key, found)
    else:  # the caller asks for it again at once
        cache.store(key, found)
    return found


def _judge_inline_script(
    context: DocumentContext, raw: bytes, values: Mapping[str, str], body: bytes
) -> JudgedTag | None:
    judge = context.judge
    matcher = judge.match_script(body, values)
    if matcher is None:
        if judge.calls is not None:
            judge.calls.note(body)
        return None
    rules = (
        m
        for m in judge.rules.for_element("script", values)
        if not m.by_address and m.matches_tag("script", values)
    )
    first = min((m.index for m in rules), default=None)
    if first is not None and first < matcher.index:
        return None  # an earlier rule kept it when its tag was judged
    verdict = judge.verdict_of(matcher)
    link, host = link_in(judge, matcher, body)
    return StartTag(context, "script", raw, values).held_script(verdict, matcher, link, host, body)


UNDECIDED: Final = JudgedTag("?")

_PASSING: Final = {b"script": _PASSING_SCRIPT, b"iframe": JudgedTag("iframe", ContentModel.RAW_TEXT)}
_NAME_OF_START: Final = {b"im": b"img", b"so": b"source", b"if": b"iframe", b"sc": b"script", b"li": b"link"}


def judge_by_host(context: DocumentContext, raw: bytes) -> JudgedTag | None:
    """Return a start tag that its name and the host of its one address decide, or UNDECIDED.

    That is where a rule needs more than those, or does more than hold.
    """
    judge = context.judge
    rules = judge.rules
    pattern = rules.host_tag_patterns.get(raw[1:3])
    if pattern is None or context.xml:
        return UNDECIDED
    match = pattern.match(raw)
    if match is None or (rules.hostless_paths is not None and rules.hostless_paths.search(raw)):
        return UNDECIDED
    name = _NAME_OF_START[raw[1:3]]
    at, rel = match.start("asks"), b""
    if name == b"script":
        if raw.count(b"type=") > 1:
            return UNDECIDED
        at = max(match.start("type1"), match.start("type2"))
    elif name == b"link":
        if raw.count(b"rel=") > 1:
            return UNDECIDED
        rel = match["rel1"] or match["rel2"] or b""
    host = match["host"]
    key = (name, host, rel)
    verdict = judge.by_host.get(key)
    if verdict is None and key not in judge.by_host:
        verdict = judge.by_host.store(key, _verdict_by_host(judge, name, host, rel))
    if verdict is None:
        return UNDECIDED
    passing = _PASSING.get(name)
    if verdict.does is Does.KEEP:
        return passing
    out = hold_in_place(raw, verdict, 1 + len(name), at, script=name == b"script")
    content_model = passing.content_model if passing is not None else ContentModel.NOTHING
    return JudgedTag(name.decode(), content_model, out, verdict, is_refused_frame=name == b"iframe")


def _verdict_by_host(judge: Judge, name: bytes, host: bytes, rel: bytes) -> Verdict | None:
    """Return the verdict for any address on this host, or None where it takes more."""
    element, url = name.decode(), Url(host.decode(), "/")
    rels = rel.decode("utf-8", "surrogateescape").lower().split() if rel else []
    if element == "link" and fetching_attributes.FETCHING_LINKS.isdisjoint(rels):
        return KEEP
    for matcher in judge.rules.at_host(url.host).matching:
        if matcher.elements and element not in matcher.elements:
            continue
        if matcher.paths or matcher.ids or matcher.classes or matcher.attributes:
            return None
        verdict = judge.verdict_of(matcher)
        if not verdict.note:
            verdict = judge.verdict_with_note(matcher, element, url.host)
        break
    else:
        verdict = judge.undeclared(url, element)
    if verdict.does is Does.HOLD and not fetching_attributes.WARNING_LINKS.isdisjoint(rels):
        return None  # its rel is renamed, too
    return verdict if verdict.does in (Does.KEEP, Does.HOLD) else None
