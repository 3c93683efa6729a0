"""`use:` of rules.yaml: providers of the catalogue, with what the file says differently.

The block of a file of the catalogue and the keys that rules.yaml gives beside its name become one
tree, in which every word still knows the file and line it stands in.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import ValidationError

from proxy.errors import PolicyError
from proxy.policy import catalogue_schema, rules_schema
from proxy.policy.hosts import registrable
from proxy.policy.inline_test import KINDS
from proxy.policy.model import OWN, Catalogue, CatalogueBlock, Example
from proxy.policy.validation_messages import problems_of
from proxy.policy.yaml_source import Listing, Mapping, Node, Text, locate, read
from proxy.problems import Place, Problem

USE = "use"
_ABOUT = ("kind", "checked", "shares", "note", "tests")
"""Keys of the catalogue's files alone."""

_RULES = ("cookies", "tags", "requests", "storage")
"""Where one of these is replaced, the block's own tests no longer speak of what is there."""

_LIST = re.compile(r",\s*|(?<=[a-z0-9])\s+(?=[a-z0-9])")
"""Between names of the catalogue in one text; `Acme Chat` is one that nobody knows."""

_HERE_ONLY = ("purpose", "domain")


@dataclass(frozen=True, slots=True)
class UsedProvider:
    """A provider of the catalogue as these rules use it."""

    id: str
    tree: Node
    shape: rules_schema.ProviderShape
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class _Here:
    """What the rules say: their purposes, those of them that need no consent, the site's domain."""

    purposes: tuple[str, ...]
    free: frozenset[str]
    site: str


def with_use_as_mapping(tree: Node) -> tuple[Node, list[Problem]]:
    """Return the rules with `use: [a, b: {...}]` as a mapping of each name to what differs."""
    if not isinstance(tree, Mapping) or (use := tree.value(USE)) is None:
        return tree, []
    entries: dict[str, tuple[Text, Node]] = {}
    problems = []
    for key, node in _named(use):
        if key.value in rules_schema.UseShape.model_fields:
            text = f"use has '{key.value}' beside a name, not under it: indent it deeper than the name"
            problems.append(Problem(key.place, text))
        elif unpaired := re.fullmatch(r"([\w-]+) *\{(.*)", key.value):
            meant = f"{unpaired[1]}: {{ {unpaired[2].strip()}: ... }}"
            text = f"use names '{key.value}'; a name needs ': ' after it: '{meant}'"
            problems.append(Problem(key.place, text))
        elif len(several := _LIST.split(key.value.strip())) > 1:
            text = f"use names '{key.value}'; several names are a list: [{', '.join(several)}]"
            problems.append(Problem(key.place, text))
        elif key.value in entries:
            text = f"use names '{key.value}' twice: first in line {entries[key.value][0].place.line}"
            problems.append(Problem(key.place, text))
        elif key.value:
            entries[key.value] = (key, node)
        else:
            problems.append(Problem(key.place, "use holds something that is no name: write [youtube, vimeo]"))
    changed = Mapping(use.place, tuple(entries.values()))
    return Mapping(
        tree.place, tuple((k, changed if k.value == USE else n) for k, n in tree.entries)
    ), problems


def _named(use: Node) -> Iterator[tuple[Text, Node]]:
    for item in use.items if isinstance(use, Listing) else (use,):
        if isinstance(item, Mapping):
            for key, node in item.entries:
                nothing = isinstance(node, Text) and not node.value
                yield key, Mapping(node.place, ()) if nothing else node
        else:
            name = item if isinstance(item, Text) else Text(item.place, "")
            yield name, Mapping(name.place, ())


def used_providers(
    tree: Node, rules: rules_schema.RulesShape, catalogue: Catalogue
) -> tuple[UsedProvider, ...]:
    """Return the providers that `use:` names; raise PolicyError with all that does not fit."""
    use = tree.value(USE) if isinstance(tree, Mapping) else None
    if not isinstance(use, Mapping):
        return ()
    host = urlsplit(rules.policy.page).hostname or ""
    free = frozenset(id_ for id_, one in rules.purposes.items() if one.basis == "legitimate interest")
    here = _Here(tuple(rules.purposes), free, f".{registrable(host)}" if registrable(host) else host)
    problems: list[Problem] = []
    found: list[UsedProvider] = []
    for key, override in use.entries:
        block = catalogue.block(key.value)
        if block is None:
            problems.append(Problem(key.place, f"use.{key.value} is no provider of the catalogue"))
        elif key.value in rules.providers:
            text = f"use names '{key.value}', and 'providers' has a block of that name: keep one of them"
            problems.append(Problem(key.place, text))
        else:
            assert isinstance(override, Mapping)  # the shape has refused what is none
            used = _used(block, key, override, rules.use[key.value], here)
            problems += [used] if isinstance(used, Problem) else []
            found += [used] if isinstance(used, UsedProvider) else []
    if problems:
        raise PolicyError(sorted(problems))
    return tuple(found)


def block_of(block: CatalogueBlock) -> tuple[Mapping, catalogue_schema.CatalogueShape]:
    """Return a file of the catalogue as it stands; raise PolicyError where it is wrong."""
    tree, problems = read(block.text, block.file)
    if problems or not isinstance(tree, Mapping) or not isinstance(below := tree.value(block.id), Mapping):
        said = problems or [Problem(Place(block.file, 1), f"holds no block '{block.id}'")]
        raise PolicyError(sorted(said))
    try:
        shape = catalogue_schema.CatalogueShape.model_validate(
            below.plain(), context={"purposes": rules_schema.CATALOGUE_PURPOSES}, by_alias=True
        )
    except ValidationError as error:
        raise PolicyError(problems_of(error, below, catalogue_schema.CatalogueShape)) from None
    return below, shape


def _used(
    block: CatalogueBlock, key: Text, override: Mapping, said: rules_schema.UseShape, here: _Here
) -> UsedProvider | Problem:
    """Return one provider as it is used, or why it cannot be."""
    below, shape = block_of(block)
    moved = _moved(said.purpose or {}, shape)
    lacking = sorted({moved.get(p, p) for p in needed(shape)} - set(here.purposes))
    if lacking and "tags" not in said.model_fields_set | ({"tags"} if not shape.tags else set()):
        return Problem(key.place, _lacking(block.id, lacking[0], here.purposes))
    domains = said.domain or (here.site,)
    entries = {
        k.value: (k, _renamed(k.value, n, moved, domains)) for k, n in below.entries if k.value not in _ABOUT
    }
    entries |= {k.value: (k, n) for k, n in override.entries if k.value not in _HERE_ONLY}
    tree = Mapping(key.place, tuple(entries.values()))
    try:
        merged = rules_schema.ProviderShape.model_validate(
            tree.plain(), context={"purposes": here.purposes}, by_alias=True
        )
    except ValidationError as error:
        raise PolicyError(problems_of(error, tree, rules_schema.ProviderShape)) from None
    changed = said.model_fields_set & set(_RULES) or set(moved.values()) & here.free
    tests = () if changed else tuple(_tests(below, shape, moved, here.purposes))
    return UsedProvider(block.id, tree, merged, tests)


def _lacking(id_: str, purpose: str, known: tuple[str, ...]) -> str:
    one = next((word for word in known if word != "necessary"), purpose)
    return (
        f"use.{id_} is for the purpose '{purpose}', which 'purposes' does not list: add"
        f" '{purpose}: {{ basis: consent }}' there, or give it another: {id_}: {{ purpose: {one} }}"
    )


def needed(shape: catalogue_schema.CatalogueShape) -> set[str]:
    """Return the purposes that a block of the catalogue names."""
    found = {row.purpose for row in shape.cookies} | {rule.purpose for rule in shape.storage}
    found |= {purpose for tag in shape.tags for purpose in tag.purpose}
    return found | {purpose for rule in shape.requests for purpose in rule.purpose}


def _moved(table: dict[str, str], shape: catalogue_schema.CatalogueShape) -> dict[str, str]:
    """Return the purpose that stands here for each of the block's; `*` is all that needs consent."""
    every = {p: table["*"] for p in needed(shape) if p != "necessary"} if "*" in table else {}
    return every | {before: after for before, after in table.items() if before != "*"}


def _renamed(key: str, node: Node, moved: dict[str, str], domains: tuple[str, ...]) -> Node:
    """Return what stands under a key with purposes and own domains as they are here."""
    if key == "signals" and isinstance(node, Mapping):
        values = (
            (word, Text(one.place, moved.get(str(one.plain()), str(one.plain()))))
            for word, one in node.entries
        )
        return Mapping(node.place, tuple(values))
    if key not in _RULES:
        return node

    def word(name: str, text: Text) -> Node:
        if name == "purpose" and text.value in moved:
            return Text(text.place, moved[text.value])
        if name == "domain" and text.value == OWN:
            return Listing(text.place, tuple(Text(text.place, domain) for domain in domains))
        return text

    return _changed("", node, word)


def _changed(name: str, node: Node, word: Callable[[str, Text], Node]) -> Node:
    match node:
        case Text():
            return word(name, node)
        case Listing():
            items: list[Node] = []
            for item in node.items:
                one = _changed(name, item, word)
                items += one.items if isinstance(item, Text) and isinstance(one, Listing) else (one,)
            return Listing(node.place, tuple(items))
        case Mapping():
            return Mapping(node.place, tuple((k, _changed(k.value, n, word)) for k, n in node.entries))


def _tests(
    tree: Mapping, shape: catalogue_schema.CatalogueShape, moved: dict[str, str], known: tuple[str, ...]
) -> Iterator[Example]:
    """Yield the block's tests with its visitors by the purposes of these rules."""
    for at, test in enumerate(shape.tests):
        expect = {}
        for visitor, verdict in sorted(test.expect.items(), key=lambda row: row[0].count("+")):
            parts = dict.fromkeys(moved.get(part, part) for part in visitor.split("+"))
            if visitor in ("refused", "accepted") or all(part in known for part in parts):
                place = locate(tree, ("tests", at, "expect", visitor))[0].place
                expect["+".join(parts)] = (verdict, place)
        place = locate(tree, ("tests", at))[0].place
        rows = tuple((visitor, verdict, at_) for visitor, (verdict, at_) in expect.items())
        kind = next(kind for kind in KINDS if getattr(test, kind) is not None)
        for subject in getattr(test, kind):
            yield Example(test.it, kind, subject, test.host, rows, place)
