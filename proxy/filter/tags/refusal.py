"""What the rules say about one tag: of everything it asks for, the first refusal."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from proxy.filter.rules.judge import Judge, Rules
from proxy.filter.rules.rule_matcher import Matcher
from proxy.filter.syntax import fetching_attributes
from proxy.filter.syntax.fetching_attributes import ValueKind
from proxy.filter.syntax.urls import COMMON, Url, cleaned, data_url, srcset_addresses, srcset_hosts, url_of
from proxy.filter.tags.document_context import Reader
from proxy.filter.verdict import Does, Verdict

_FRAMES = frozenset({"iframe", "frame", "object", "embed", "portal", "fencedframe"})
_ENCLOSING = _FRAMES | {"script", "link"}
_JAVASCRIPT = re.compile(r"javascript:", re.IGNORECASE)


@dataclass(slots=True)
class Refusal:
    """Why a tag may not pass: the verdict, and the attributes that would load or run."""

    verdict: Verdict
    matcher: Matcher | None
    names: set[str]
    address: str | None = None
    host: str = ""
    text: bytes = b""  # of an inline script


def holding(judge: Judge, name: str, values: Mapping[str, str]) -> Mapping[str, ValueKind]:
    """Return which attributes of this very tag hold an address, and how."""
    if name == "link":
        if fetching_attributes.FETCHING_LINKS.isdisjoint(values.get("rel", "").lower().split()):
            return fetching_attributes.unfetched_attributes()
    elif name == "input":
        if values.get("type", "").strip().lower() != "image":
            return fetching_attributes.unfetched_attributes()
    elif name in fetching_attributes.NAVIGATING_ELEMENTS and name in judge.rules.named:
        return fetching_attributes.navigating_attributes()
    return fetching_attributes.address_attributes(name)


def addresses(name: str, value: str, holds: ValueKind) -> list[str]:
    """Return the addresses in the value of an attribute that holds some."""
    if holds is ValueKind.ADDRESS or holds is ValueKind.NAMED:
        return [value]
    return value.split() if name == "ping" else srcset_addresses(value)


_RELATIVE = re.compile(r"/?[A-Za-z0-9._-]+[/?#][^\\:\t\n\r]*+\Z")


def _is_free(rules: Rules, name: str, value: str, holds: ValueKind) -> bool:
    """True when what an attribute asks for passes on every element: the usual case, told quickly."""
    if holds is ValueKind.ADDRESS or holds is ValueKind.NAMED:
        plain = COMMON.match(value)
        if plain is not None:
            return rules.leaves_alone(plain[1], plain[2])
        if value.startswith("data:"):
            return name not in _ENCLOSING
        return _RELATIVE.match(value) is not None and rules.leaves_alone("", value)
    hosts = srcset_hosts(value)
    return hosts is not None and all(rules.leaves_alone(host, value) for host in ("", *hosts))


def refusal(reader: Reader, name: str, values: Mapping[str, str]) -> Refusal | None:
    """Return why this tag may not pass as it is, or None."""
    judge = reader.judge
    rules = judge.rules
    held = holding(judge, name, values)
    others = rules.of_element(name, values)
    quick = not others and not reader.base
    asking: dict[str, ValueKind] = {}
    for attribute, value in values.items():
        holds = held.get(attribute)
        if holds is not None and not (quick and _is_free(rules, name, value, holds)):
            asking[attribute] = holds
    if not asking and not others:
        return None
    if rules.roaming:
        others = [*others, *rules.roaming]
    refused, judged = _asked(reader, name, values, asking, others)
    if refused is None and not judged and others:
        refused = _by_itself(judge, name, values, others)
    if refused is not None and refused.matcher is not None:
        if not refused.matcher.rule.hosts:
            refused.names.update(attribute for attribute in values if attribute in held)
            refused.names |= {"srcdoc"} & values.keys()
        refused.names |= _known_by(refused.matcher, name) & values.keys()
    return refused


def _asked(
    reader: Reader,
    name: str,
    values: Mapping[str, str],
    asking: Mapping[str, ValueKind],
    others: Sequence[Matcher],
) -> tuple[Refusal | None, bool]:
    """Return the first refusal of what these attributes ask for, and whether rules were asked at all."""
    judge, rules = reader.judge, reader.judge.rules
    refused: Refusal | None = None
    judged = False
    for attribute, holds in asking.items():
        fetched = holds < ValueKind.NAMED
        for address in addresses(attribute, values[attribute], holds):
            url = url_of(address, reader.base)
            matcher: Matcher | None = None
            if url is None:
                if name not in _ENCLOSING:
                    continue
                found, matcher = _enclosed(reader, name, values, address)
            elif others or rules.of_host(url.host):
                judged = True
                found, matcher = _of(judge, url, name, values, others, fetched=fetched)
            else:
                found = judge.undeclared(url) if fetched else None
            if found is None or found.does is Does.KEEP:
                continue
            if refused is None:
                refused = Refusal(found, matcher, set(), address, url.host if url else "")
            refused.names.add(attribute)
    return refused, judged


def _of(
    judge: Judge, url: Url, name: str, values: Mapping[str, str], others: Sequence[Matcher], *, fetched: bool
) -> tuple[Verdict | None, Matcher | None]:
    matcher = judge.match_url(url, name, values, others)
    if matcher is not None:
        return judge.verdict_of(matcher), matcher
    return (judge.undeclared(url) if fetched else None), None


def _by_itself(
    judge: Judge, name: str, values: Mapping[str, str], others: Sequence[Matcher]
) -> Refusal | None:
    """Return the refusal by a rule about the element, whatever it loads."""
    for matcher in sorted(others, key=lambda m: m.index):
        if not matcher.by_address and matcher.fits(name, values):
            verdict = judge.verdict_of(matcher)
            return None if verdict.keeps else Refusal(verdict, matcher, set())
    return None


def _known_by(matcher: Matcher, name: str) -> set[str]:
    """Return the attributes a rule knew the element by: a provider's code would look for them."""
    names = {attribute for attribute, _ in matcher.attributes}
    if matcher.classes:
        names.add("class")
    if matcher.ids and name not in fetching_attributes.LOADING_ATTRIBUTES:
        names.add("id")
    return names


def _enclosed(
    reader: Reader, name: str, values: Mapping[str, str], address: str
) -> tuple[Verdict | None, Matcher | None]:
    """Return what is said of code or a document inside a data: or javascript: address."""
    address = cleaned(address)
    if name in _FRAMES and _JAVASCRIPT.match(address):
        return _code(reader.judge, address.encode("utf-8", "replace"), {})
    held = data_url(address)
    if held is None:
        return None, None
    if name == "script":
        return _code(reader.judge, held.body, values)
    refused: list[Verdict] = []
    if name == "link":
        reader.without_refused(held.body.decode("latin-1"), refused)
    elif name in _FRAMES and ("html" in held.type or "xml" in held.type):
        refused = reader.document(held.body, xml="html" not in held.type)[1]
    return (refused[0], None) if refused else (None, None)


def _code(judge: Judge, text: bytes, values: Mapping[str, str]) -> tuple[Verdict | None, Matcher | None]:
    matcher = judge.match_text(judge.rules.words.within(text), "script", values)
    return (judge.verdict_of(matcher), matcher) if matcher else (None, None)
