"""What a document may request: the first refusal of one tag, and of a style sheet.

Each address it would load is judged by the rules, in the context of its document.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from proxy.filter.headers.fence import closes, open_domains
from proxy.filter.patterns import Matcher
from proxy.filter.rules.judge import Judge, Rules
from proxy.filter.size_limits import MAX_DOCUMENT_DEPTH
from proxy.filter.syntax import css, fetching_attributes
from proxy.filter.syntax.fetching_attributes import ValueKind
from proxy.filter.syntax.urls import COMMON, Url, cleaned, data_url, srcset_addresses, srcset_hosts, url_of
from proxy.filter.tags.injection import Injector
from proxy.filter.verdict import Does, Verdict

Nested = Callable[["DocumentContext", bytes, bool], tuple[bytes, list[Verdict]]]
"""Filters a document inside an attribute of another one: its context, its bytes, whether it is XML."""


class DocumentContext:
    """What a tag or text is judged with: the judge, and facts of its document."""

    __slots__ = ("base", "depth", "entities", "inject", "is_based", "judge", "nested", "xml")

    def __init__(
        self,
        judge: Judge,
        *,
        xml: bool = False,
        inject: Injector | None = None,
        nested: Nested | None = None,
    ) -> None:
        self.judge = judge
        self.xml = xml
        self.inject = inject  # for placeholders inside srcdoc
        self.nested = nested
        self.base = ""  # host of a `<base href>` on a third party
        self.is_based = False  # a <base href> was seen: the first one counts
        self.depth = 0  # how many documents this one is nested in
        self.entities: dict[str, str] = {}

    def copy(self) -> DocumentContext:
        """Return the same context for a part of the document that is read by itself."""
        made = DocumentContext(self.judge, xml=self.xml, inject=self.inject, nested=self.nested)
        made.base, made.is_based, made.depth = self.base, self.is_based, self.depth
        made.entities = self.entities
        return made

    def refuses(self, address: str, element: str, refused: list[Verdict]) -> bool:
        """True when that element may not load this address; appends the verdict."""
        url = url_of(address, self.base)
        if url is None:
            return False
        verdict = self.judge.judge_url(url, element)
        if not verdict.keeps:
            refused.append(verdict)
        return not verdict.keeps

    def without_refused(self, style: str, refused: list[Verdict]) -> str:
        """Return a style sheet without refused addresses; appends their verdicts."""
        hosts = css.hosts_in(style)
        rules = self.judge.rules
        if (
            hosts is not None
            and not self.base
            and all(rules.passes_everywhere(host, style) for host in (*hosts, ""))
        ):
            return style
        return css.without_refused(style, lambda address: self.refuses(address, "style", refused))

    def filtered_document(self, inside: bytes, *, xml: bool) -> tuple[bytes, list[Verdict]]:
        """Return a document inside an attribute, filtered, and what was refused in it."""
        return self.nested(self, inside, xml) if self.nested is not None else (inside, [])


_FRAMES: Final = frozenset({"iframe", "frame", "object", "embed", "portal", "fencedframe"})
_EMBEDDING: Final = _FRAMES | {"script", "link"}
_READ_BY_SCRIPT: Final = (
    fetching_attributes.LAZY_ATTRIBUTES
    | fetching_attributes.LAZY_SRCSETS
    | fetching_attributes.WIDGET_ATTRIBUTES
)
_JAVASCRIPT: Final = re.compile(r"javascript:", re.IGNORECASE)


class Refusal:
    """Why a tag may not pass: the verdict, and the attributes to rename."""

    __slots__ = ("address", "host", "matcher", "names", "text", "verdict")

    def __init__(
        self,
        verdict: Verdict,
        matcher: Matcher | None,
        address: str | None = None,
        host: str = "",
        text: bytes = b"",
    ) -> None:
        self.verdict = verdict
        self.matcher = matcher
        self.names: set[str] = set()
        self.address = address
        self.host = host
        self.text = text  # of an inline script


def address_attributes_of(judge: Judge, name: str, values: Mapping[str, str]) -> Mapping[str, ValueKind]:
    """Return the attributes of this very tag that hold an address."""
    if name == "link":
        if fetching_attributes.FETCHING_LINKS.isdisjoint(values.get("rel", "").lower().split()):
            return fetching_attributes.unfetched_attributes()
    elif name == "input":
        if values.get("type", "").strip().lower() != "image":
            return fetching_attributes.unfetched_attributes()
    elif name in fetching_attributes.NAVIGATING_ELEMENTS and name in judge.rules.named:
        return fetching_attributes.navigating_attributes()
    return fetching_attributes.address_attributes(name)


def addresses(name: str, value: str, kind: ValueKind) -> list[str]:
    """Return the addresses in the value of such an attribute."""
    if kind is ValueKind.ADDRESS or kind is ValueKind.NAMED:
        return [value]
    return value.split() if name == "ping" else srcset_addresses(value)


_RELATIVE: Final = re.compile(r"/?[A-Za-z0-9._-]+[/?#][^\\:\t\n\r]*+\Z")


def _passes_fast(rules: Rules, name: str, value: str, kind: ValueKind) -> bool:
    """True when the fast path can tell that this address passes on any element."""
    if kind is ValueKind.ADDRESS or kind is ValueKind.NAMED:
        plain = COMMON.match(value)
        if plain is not None:
            return rules.passes_everywhere(plain[1], plain[2])
        if value.startswith("data:"):
            return name not in _EMBEDDING
        return _RELATIVE.match(value) is not None and rules.passes_everywhere("", value)
    hosts = srcset_hosts(value)
    return hosts is not None and all(rules.passes_everywhere(host, value) for host in ("", *hosts))


def refusal(context: DocumentContext, name: str, values: Mapping[str, str]) -> Refusal | None:
    """Return why this tag may not pass as it is, or None."""
    judge = context.judge
    rules = judge.rules
    held = address_attributes_of(judge, name, values)
    others = rules.for_element(name, values)
    fast = not others and not context.base
    loading: dict[str, ValueKind] = {}
    for attribute, value in values.items():
        kind = held.get(attribute)
        if kind is not None and not (fast and _passes_fast(rules, name, value, kind)):
            loading[attribute] = kind
    if not loading and not others:
        return None
    if rules.hostless:
        others = [*others, *rules.hostless]
    refused, judged = _first_refusal(context, name, values, loading, others)
    if refused is None and not judged and others:
        refused = _refused_as_element(judge, name, values, others)
    if refused is None:
        return None
    identifying: set[str] = set()
    if (matcher := refused.matcher) is not None:
        if not matcher.rule.hosts:
            refused.names.update(attribute for attribute in values if attribute in held)
            refused.names |= {"srcdoc"}.intersection(values)
        identifying = _identifying_attributes(matcher, name).intersection(values)
    left = _left_to_the_fence(context, name, values, refused)
    if left and left == refused.names | identifying and refused.verdict.does is Does.HOLD:
        return None
    refused.names = (refused.names - left) | identifying
    return refused


def _left_to_the_fence(
    context: DocumentContext, name: str, values: Mapping[str, str], refused: Refusal
) -> set[str]:
    """Return the refused attributes that the site's own player or lazy loader reads, where the fence holds.

    Renamed, they would make it load the page `undefined` of the site. What it tries meets the fence;
    a rule that replaces has its offer at once, another when the frame comes (banner/offers.js). Not
    of scripts, and of boxes only where their provider's script is not what reads them.
    """
    rule = None if refused.matcher is None else refused.matcher.rule
    by_name = rule is not None and (rule.classes or rule.ids or rule.attributes)
    if name in ("script", "link"):
        return set()
    if name not in _FRAMES and (by_name or refused.verdict.does is not Does.HOLD):
        return set()
    return {
        attribute
        for attribute in refused.names & _READ_BY_SCRIPT
        if all(
            _is_stopped(context, one) or not (by_name or context.refuses(one, name, []))
            for one in _addresses(attribute, values[attribute])
        )
    }


def _addresses(attribute: str, value: str) -> list[str]:
    return srcset_addresses(value) if attribute in fetching_attributes.SRCSETS else [value]


def _is_stopped(context: DocumentContext, address: str) -> bool:
    """True when the fence surely stops this address; what is no address loads nothing."""
    url, judge = url_of(address, context.base), context.judge
    if url is None or judge.rules.owns(url.host):
        return False
    policy = judge.rules.policy
    if judge.open_domains is None:
        judge.open_domains = open_domains(policy, judge.grants)
    return closes(policy, judge.open_domains, url.host)


def _first_refusal(
    context: DocumentContext,
    name: str,
    values: Mapping[str, str],
    loading: Mapping[str, ValueKind],
    others: Sequence[Matcher],
) -> tuple[Refusal | None, bool]:
    """Return the first refused address, and whether any rule applied at all."""
    judge, rules = context.judge, context.judge.rules
    refused: Refusal | None = None
    judged = False
    for attribute, kind in loading.items():
        fetched = kind < ValueKind.NAMED
        for address in addresses(attribute, values[attribute], kind):
            url = url_of(address, context.base)
            matcher: Matcher | None = None
            if url is None:
                if name not in _EMBEDDING:
                    continue
                found, matcher = _judge_embedded(context, name, values, address)
            elif others or rules.for_host(url.host):
                judged = True
                found, matcher = _judge_url(judge, url, name, values, others, fetched=fetched)
            else:
                found = judge.undeclared(url, name) if fetched else None
            if found is None or found.does is Does.KEEP:
                continue
            if refused is None:
                refused = Refusal(found, matcher, address, url.host if url else "")
            refused.names.add(attribute)
    return refused, judged


def _judge_url(
    judge: Judge, url: Url, name: str, values: Mapping[str, str], others: Sequence[Matcher], *, fetched: bool
) -> tuple[Verdict | None, Matcher | None]:
    matcher = judge.match_url(url, name, values, others)
    if matcher is not None:
        return judge.verdict_of(matcher), matcher
    return (judge.undeclared(url, name) if fetched else None), None


def _refused_as_element(
    judge: Judge, name: str, values: Mapping[str, str], others: Sequence[Matcher]
) -> Refusal | None:
    """Return the refusal by a rule about the element itself, whatever it loads."""
    for matcher in sorted(others, key=lambda m: m.index):
        if not matcher.by_address and matcher.matches_tag(name, values):
            verdict = judge.verdict_of(matcher)
            return None if verdict.keeps else Refusal(verdict, matcher)
    return None


def _identifying_attributes(matcher: Matcher, name: str) -> set[str]:
    """Return the attributes a rule matched: the provider's script looks for them."""
    names = {attribute for attribute, _ in matcher.attributes}
    if matcher.classes:
        names.add("class")
    if matcher.ids and name not in fetching_attributes.LOADING_ATTRIBUTES:
        names.add("id")
    return names


def _judge_embedded(
    context: DocumentContext, name: str, values: Mapping[str, str], address: str
) -> tuple[Verdict | None, Matcher | None]:
    """Return the verdict on code or a document in a data: or javascript: address."""
    address = cleaned(address)
    if name in _FRAMES and _JAVASCRIPT.match(address):
        return _code(context.judge, address.encode("utf-8", "replace"), {})
    held = data_url(address)
    if held is None:
        return None, None
    if name == "script":
        return _code(context.judge, held.body, values)
    refused: list[Verdict] = []
    if name == "link":
        context.without_refused(held.body.decode("latin-1"), refused)
    elif name in _FRAMES and ("html" in held.type or "xml" in held.type):
        if context.depth >= MAX_DOCUMENT_DEPTH:
            return Verdict(Does.HOLD, note="data: documents nested too deep"), None
        refused = context.filtered_document(held.body, xml="html" not in held.type)[1]
    return (refused[0], None) if refused else (None, None)


def _code(judge: Judge, text: bytes, values: Mapping[str, str]) -> tuple[Verdict | None, Matcher | None]:
    matcher = judge.match_script(text, values)
    return (judge.verdict_of(matcher), matcher) if matcher else (None, None)
