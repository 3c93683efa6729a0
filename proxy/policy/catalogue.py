"""From the files of the catalogue to nouns: platforms in blocks as rules.yaml has them, and trackers."""

from __future__ import annotations

from collections.abc import Mapping as MappingOf
from dataclasses import replace
from typing import TypeVar

from pydantic import ValidationError

from proxy.errors import PolicyError
from proxy.policy.catalogue_schema import PlatformShape, TrackerShape
from proxy.policy.load import place_of, provider_of
from proxy.policy.model import Catalogue, CookieRule, Provider, Tracker
from proxy.policy.rule_values import Shape
from proxy.policy.validation_messages import problems_of
from proxy.policy.yaml_source import Mapping, Node, read

Block = TypeVar("Block", bound=Shape)

DIGIT = "#"
"""Stands for one digit in names of the catalogue: cookies cut in pieces are numbered (`...C1`, `...C2`)."""


def load_catalogue(platforms: MappingOf[str, str], trackers: MappingOf[str, str]) -> Catalogue:
    """Return what these files (text by name) say; raise PolicyError where one is wrong."""
    return Catalogue(
        platforms=tuple(one for file, text in platforms.items() for one in _platforms(text, file)),
        trackers=tuple(one for file, text in trackers.items() for one in _trackers(text, file)),
    )


def _platforms(text: str, file: str) -> list[Provider]:
    tree, blocks = _blocks(text, file, PlatformShape)
    found = [provider_of(tree, (id_,), block) for id_, block in blocks.items()]
    return [replace(one, cookies=tuple(map(_numbered, one.cookies))) for one in found]


def _numbered(row: CookieRule) -> CookieRule:
    """Return the row with every name that a digit makes, in full: no pattern, so nothing else fits."""
    names = [
        name.replace(DIGIT, digit) for name in row.names for digit in ("0123456789" if DIGIT in name else "0")
    ]
    return replace(row, names=tuple(names))


def _trackers(text: str, file: str) -> list[Tracker]:
    tree, blocks = _blocks(text, file, TrackerShape)
    return [
        Tracker(id_, block.name, place_of(tree, id_), block.cookies, block.storage)
        for id_, block in blocks.items()
    ]


def _blocks(text: str, file: str, shape: type[Block]) -> tuple[Node, dict[str, Block]]:
    """Return a file of blocks by id, and the tree that knows where each stands."""
    tree, problems = read(text, file)
    if tree is None or problems or not isinstance(tree, Mapping):
        raise PolicyError(sorted(problems))
    blocks = {}
    for key, node in tree.entries:
        try:
            blocks[key.value] = shape.model_validate(node.plain())
        except ValidationError as error:
            raise PolicyError(problems_of(error, node, shape)) from None
    return tree, blocks
