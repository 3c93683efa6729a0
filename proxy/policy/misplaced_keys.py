"""The way out where a key stands at a wrong indentation: whose key it is, or what its contents look like."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from proxy.policy.yaml_source import Mapping, Node

_NAMED = re.compile(r"`(\w+):`")
"""How the docstring of a shape begins: with the key under which it stands."""

LIKELY = ("providers", "tags", "cookies", "storage", "requests", "tests", "purposes", "policy")
"""Where what is misplaced belongs, the likeliest first."""


def misplaced(root: type, key: str, node: Node | None) -> str:
    """Return `; it is a key of ...` where another shape of the file knows the key or what is in it."""
    if not issubclass(root, BaseModel):
        return ""
    found = dict(_shapes(root))
    shapes = {under: found[under] for under in sorted(found, key=_likely)}
    owners = [under for under, shape in shapes.items() if key in _keys(shape)]
    if owners:
        return f"; it is a key of {owners[0]}: check how far it is indented"
    inside = {word.value for word, _ in node.entries} if isinstance(node, Mapping) else set()
    like = [under for under, shape in shapes.items() if inside and inside <= _keys(shape)]
    return f"; it looks like one of {like[0]}: check how far it is indented" if like else ""


def _likely(under: str) -> int:
    return LIKELY.index(under) if under in LIKELY else len(LIKELY)


def _keys(shape: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in shape.model_fields.items()}


def _shapes(root: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    """Yield each shape that the file may hold below its head, with the key under which it stands."""
    waiting, seen = [root], {root}
    while waiting:
        shape = waiting.pop(0)
        named = _NAMED.match(shape.__doc__ or "")
        if shape is not root and named:
            yield named[1], shape
        for field in shape.model_fields.values():
            new = [one for one in _models(field.annotation) if one not in seen]
            seen.update(new)
            waiting += new


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _models(argument)
