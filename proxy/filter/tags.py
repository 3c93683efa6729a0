"""One start tag in, what becomes of it out: the meeting of grammar, rules and actions."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.filter import actions, css, elements
from proxy.filter.actions import Edits, Follow, Judged, TagFacts, Where
from proxy.filter.attributes import Attribute, attributes_of, decoded, tag_name
from proxy.filter.injection import Injector
from proxy.filter.matching import Judge, Matcher
from proxy.filter.urls import Url, cleaned, enclosed, listed, url_of
from proxy.filter.verdict import Does, Verdict

DEEPEST = 8
"""srcdoc within srcdoc beyond this is held unread."""

_FOLLOWS = {
    "script": Follow.INLINE,
    "style": Follow.STYLE,
    "noscript": Follow.NOSCRIPT,
    "plaintext": Follow.PLAINTEXT,
    "svg": Follow.FOREIGN,
    "math": Follow.FOREIGN,
} | dict.fromkeys("title textarea xmp iframe noembed noframes".split(), Follow.RAW)
_FRAMES = frozenset({"iframe", "frame", "object", "embed", "portal", "fencedframe"})
_LINK = re.compile(r"(?:https?:)?//[^\s'\"<>\\)]+")
_JAVASCRIPT = re.compile(r"javascript:", re.IGNORECASE)


@dataclass(slots=True)
class Reader:
    """What a tag is judged with: the judge, and where in which document it stands."""

    judge: Judge
    base: str = ""  # host of a `<base href>` on a third party
    xml: bool = False
    depth: int = 0
    entities: dict[str, str] = field(default_factory=dict)
    is_based: bool = False  # a <base href> was seen: the first one counts
    inject: Injector | None = None  # for placeholders inside srcdoc
    nested: Callable[[Reader, bytes, bool], tuple[bytes, list[Verdict]]] | None = None

    def judged(self, raw: bytes) -> Judged | None:
        """Return what becomes of this start tag; None where nothing does and nothing follows."""
        name = tag_name(raw).decode("utf-8", "replace")
        if self.xml:
            name = name.rpartition(":")[2]
        attributes = attributes_of(raw)
        tag = _Tag(self, name, raw, attributes, self._values(attributes))
        judged = tag.script() if name == "script" else tag.other()
        if judged.follow is Follow.NOTHING and judged.out is None and not judged.also and name not in _KNOWN:
            return None
        return judged

    def _values(self, attributes: list[Attribute]) -> dict[str, str]:
        found: dict[str, str] = {}
        for attribute in attributes:
            if attribute.name not in found:
                found[attribute.name] = decoded(attribute.raw, self.entities)
        return found


_KNOWN = frozenset({"base", "meta", "html", "head", "body", "frameset"})
"""Tags the scanner learns from even where nothing is done to them."""


@dataclass(slots=True)
class _Refusal:
    """Why a tag may not pass: the verdict, and the attributes that would load or run."""

    verdict: Verdict
    matcher: Matcher | None
    names: set[str]
    address: str | None = None


@dataclass(slots=True)
class _Tag:
    """One start tag while it is judged."""

    reader: Reader
    name: str
    raw: bytes
    attributes: list[Attribute]
    values: dict[str, str]

    # What it asks for

    def addresses(self) -> list[tuple[str, str, bool]]:
        """Return (attribute, address, is fetched by the browser itself or a loader)."""
        loads = elements.loads(self.name)
        if (self.name == "input" and self.values.get("type", "").strip().lower() != "image") or (
            self.name == "link" and not self._fetching_link()
        ):
            loads = frozenset()
        known = self.name in elements.LOADS
        found = []
        for name, value in self.values.items():
            if name in loads or name in elements.ANYWHERE:
                found += [(name, word, True) for word in (value.split() if name == "ping" else [value])]
            elif name in elements.SETS:
                if self.name != "link" or loads:
                    found += [(name, address, known) for address in listed(value)]
            elif name in elements.LAZY:
                found.append((name, value, known))
            elif name in elements.CONTAINER or (name in elements.NAVIGATES and self._is_named()):
                found.append((name, value, False))
        return found

    def _is_named(self) -> bool:
        return self.name in self.reader.judge.rules.named

    def _fetching_link(self) -> bool:
        words = self.values.get("rel", "").lower().split()
        return any(word in elements.FETCHING_LINKS for word in words)

    # What the rules say

    def refusal(self) -> _Refusal | None:
        """Return why this tag may not pass as it is, or None."""
        judge = self.reader.judge
        others = judge.rules.of_element(self.name, self.values)
        refused: _Refusal | None = None
        asked = False
        for name, address, fetched in self.addresses():
            url = url_of(address, self.reader.base)
            if url is None:
                verdict, matcher = self._enclosed(address)
            else:
                asked = True
                matcher = judge.match_url(url, self.name, self.values, others)
                verdict = self._of(matcher, url, fetched)
            if verdict is None or verdict.keeps:
                continue
            if refused is None:
                refused = _Refusal(verdict, matcher, set(), address)
            refused.names.add(name)
        if refused is None and not asked:
            refused = self._by_itself(others)
        if refused is not None and refused.matcher is not None and not refused.matcher.rule.hosts:
            refused.names |= self._element_names()
        if refused is not None and refused.matcher is not None:
            refused.names |= self._condition_names(refused.matcher)
        return refused

    def _of(self, matcher: Matcher | None, url: Url, fetched: bool) -> Verdict | None:
        judge = self.reader.judge
        if matcher is not None:
            return judge.verdict_of(matcher)
        return judge.undeclared(url) if fetched else None

    def _by_itself(self, others: list[Matcher]) -> _Refusal | None:
        """Return the refusal by a rule about the element, whatever it loads."""
        for matcher in sorted(others, key=lambda m: m.index):
            if not matcher.by_address and matcher.fits(self.name, self.values):
                verdict = self.reader.judge.verdict_of(matcher)
                return None if verdict.keeps else _Refusal(verdict, matcher, set())
        return None

    def _element_names(self) -> set[str]:
        """Return what an element refused as such would load from."""
        return {name for name, _, _ in self.addresses()} | ({"srcdoc"} & self.values.keys())

    def _condition_names(self, matcher: Matcher) -> set[str]:
        """Return the attributes a rule knew the element by, that a provider's code would look for."""
        names = {name for name, _ in matcher.attributes}
        if matcher.classes:
            names.add("class")
        if matcher.ids and self.name not in elements.LOADS:
            names.add("id")
        return names & self.values.keys()

    def _enclosed(self, address: str) -> tuple[Verdict | None, Matcher | None]:
        """Return what is said of code or a document inside a data: or javascript: address."""
        judge = self.reader.judge
        address = cleaned(address)
        if _JAVASCRIPT.match(address) and self.name in _FRAMES:
            matcher = judge.match_text(
                judge.rules.read(decoded(address[11:].encode("utf-8", "replace")).encode("utf-8", "replace")),
                "script",
                {},
            )
            return (judge.verdict_of(matcher), matcher) if matcher else (None, None)
        held = enclosed(address)
        if held is None:
            return None, None
        if self.name == "script":
            matcher = judge.match_text(judge.rules.read(held.body), "script", self.values)
            return (judge.verdict_of(matcher), matcher) if matcher else (None, None)
        if self.name == "link":
            calm: list[Verdict] = []
            self._calm(held.body.decode("latin-1"), calm)
            return (calm[0], None) if calm else (None, None)
        if self.name in _FRAMES and ("html" in held.type or "xml" in held.type):
            verdicts = self._nested(held.body, xml="html" not in held.type)[1]
            return (verdicts[0], None) if verdicts else (None, None)
        return None, None

    # What is done

    def script(self) -> Judged:
        """Return what becomes of a script."""
        if self.values.get(actions.MARK) is not None and elements.script_type(self.values) == "text/plain":
            return Judged("script", Follow.SCRIPT)  # held already
        type_ = elements.script_type(self.values)
        special = {"importmap": Follow.MAP, "speculationrules": Follow.SPECULATION}.get(type_)
        if special is None and elements.is_inert(type_):
            return Judged("script", Follow.SCRIPT)
        refusal = self.refusal()
        if refusal is not None:
            return self.held_script(refusal.verdict, refusal.matcher, refusal.address)
        if special is None and self.values.keys() & {"src", "href", "xlink:href"} and "src" in self.values:
            return Judged("script", Follow.SCRIPT)
        return Judged("script", special or Follow.INLINE, values=self.values)

    def held_script(self, verdict: Verdict, matcher: Matcher | None, address: str | None = None) -> Judged:
        """Return a script made inert."""
        edits = Edits(self.raw, self.attributes, xml=self.reader.xml)
        actions.hold_script(edits, verdict, (elements.LAZY | elements.SETS) & self.values.keys())
        return self._finished(edits, verdict, matcher, address, Follow.SCRIPT)

    def other(self) -> Judged:
        """Return what becomes of any other element."""
        follow = _FOLLOWS.get(self.name, Follow.NOTHING)
        edits = Edits(self.raw, self.attributes, xml=self.reader.xml)
        also: list[Verdict] = []
        self._style(edits, also)
        if self.name == "iframe" and "srcdoc" in self.values:
            self._srcdoc(edits, also)
        refusal = self.refusal()
        if refusal is None:
            out = edits.result() if edits else None
            known = self.values if self.name in _KNOWN else {}
            return Judged(self.name, follow, out, values=known, also=tuple(also))
        self._hold(edits, refusal)
        return self._finished(edits, refusal.verdict, refusal.matcher, refusal.address, follow, tuple(also))

    def _hold(self, edits: Edits, refusal: _Refusal) -> None:
        if self.name == "a" and refusal.verdict.does is Does.REPLACE:
            link = self.link(refusal.matcher, refusal.address)
            if link:
                actions.relink(edits, link)
        actions.hold(edits, refusal.verdict, refusal.names)
        if refusal.verdict.does is Does.REPLACE and self._place() is Where.BEFORE and self.name != "a":
            actions.hide(edits)

    def _finished(
        self,
        edits: Edits,
        verdict: Verdict,
        matcher: Matcher | None,
        address: str | None,
        follow: Follow,
        also: tuple[Verdict, ...] = (),
    ) -> Judged:
        noted = Verdict(
            verdict.does,
            verdict.because,
            verdict.provider,
            verdict.needs,
            verdict.note or self._note(address),
        )
        if verdict.does is Does.REMOVE and (
            self.name in elements.VOID or follow in (Follow.SCRIPT, Follow.RAW)
        ):
            return Judged(self.name, follow, b"", noted, removes=True, also=also)
        where = Where.NOWHERE
        if (
            verdict.does is Does.REPLACE
            and self.name != "a"
            and (not matcher or matcher.rule.with_ != "nothing")
        ):
            where = self._place()
        return Judged(
            self.name, follow, edits.result(), noted, where, self._facts(matcher, address), also=also
        )

    def _facts(self, matcher: Matcher | None, address: str | None) -> TagFacts:
        policy = self.reader.judge.rules.policy
        provider = policy.provider(matcher.rule.provider) if matcher else None
        return TagFacts(
            self.name,
            self.link(matcher, address),
            self.values.get("title", ""),
            self.values,
            matcher.rule.with_ if matcher else "link",
            provider.name if provider else "",
            provider.privacy if provider else None,
        )

    def _note(self, address: str | None) -> str:
        url = url_of(address, self.reader.base) if address else None
        return f"{self.name} {url.host}".strip() if url else self.name

    def _place(self) -> Where:
        alone = self.name in elements.VOID or self.name in elements.LOADS or self.raw.endswith(b"/>")
        return Where.BEFORE if alone else Where.INSIDE

    def link(self, matcher: Matcher | None, address: str | None) -> str | None:
        """Return the provider's page that this tag names, or the rule's."""
        if matcher is not None and matcher.rule.link:
            return matcher.rule.link
        texts = [
            address or "",
            *(v for n, v in self.values.items() if n in elements.CONTAINER or n.startswith("on")),
        ]
        if matcher is None or self.name == "script":
            return address if address and _LINK.match(address) else None
        for text in texts:
            match = _LINK.search(text)
            if match is not None:
                return match[0] if match[0].startswith("http") else "https:" + match[0]
        return None

    def _style(self, edits: Edits, also: list[Verdict]) -> None:
        for attribute in self.attributes:
            if attribute.name == "style" and attribute.raw:
                value = decoded(attribute.raw, self.reader.entities)
                calm = self._calm(value, also)
                if calm != value:
                    edits.set(attribute, calm)
                return

    def _calm(self, text: str, also: list[Verdict]) -> str:
        return css.calmed(text, lambda address: style_refuses(self.reader, address, also))

    def _srcdoc(self, edits: Edits, also: list[Verdict]) -> None:
        attribute = next(a for a in self.attributes if a.name == "srcdoc")
        if self.reader.depth >= DEEPEST:
            edits.rename({"srcdoc"})
            also.append(Verdict(Does.HOLD, note="srcdoc nested too deep"))
            return
        inside = self.values["srcdoc"].encode("utf-8", "surrogateescape")
        filtered, verdicts = self._nested(inside, xml=False)
        if filtered != inside:
            edits.set(attribute, filtered.decode("utf-8", "surrogateescape"))
        also += verdicts

    def _nested(self, inside: bytes, *, xml: bool) -> tuple[bytes, list[Verdict]]:
        if self.reader.nested is None:
            return inside, []
        return self.reader.nested(self.reader, inside, xml)


def style_refuses(reader: Reader, address: str, also: list[Verdict]) -> bool:
    """True when a style sheet may not ask this address; the verdict is noted."""
    url = url_of(address, reader.base)
    if url is None:
        return False
    verdict = reader.judge.judge_url(url, "style")
    if not verdict.keeps:
        also.append(verdict)
    return not verdict.keeps


def judged_inline(reader: Reader, raw: bytes, values: dict[str, str], body: bytes) -> Judged | None:
    """Return an inline script held for its text, or None where it may run."""
    judge = reader.judge
    matcher = judge.match_text(judge.rules.read(body), "script", values)
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
    tag = _Tag(reader, "script", raw, attributes_of(raw), values)
    match = _LINK.search(body.decode("utf-8", "replace"))
    named = matcher.rule.link or (match[0] if match and _is_of(match[0], matcher, reader) else None)
    return tag.held_script(verdict, matcher, named)


def _is_of(address: str, matcher: Matcher, reader: Reader) -> bool:
    """True when the address belongs to the provider that the rule speaks for."""
    url = url_of(address)
    return url is not None and any(
        m.rule.provider == matcher.rule.provider for m in reader.judge.rules.of_host(url.host)
    )
