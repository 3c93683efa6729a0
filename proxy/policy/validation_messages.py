"""Turns pydantic's validation errors into messages for the author, each with its place.

Works for every file that is a tree of nodes and has a pydantic model or dataclasses: rules.yaml, the config.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from typing import Any, get_args, get_type_hints

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from proxy.policy import yaml_source
from proxy.policy.misplaced_keys import misplaced
from proxy.policy.rule_values import listed, meant
from proxy.policy.yaml_source import Listing, Node, Step, Text, locate, spell
from proxy.problems import Place, Problem

IDS_ARE_AT = 2
"""Steps to an id of a purpose or provider in rules.yaml."""

_STRANGE = ("extra_forbidden", "unexpected_keyword_argument")
"""Pydantic's error types for an unknown key, of a model and of a dataclass."""


def problems_of(error: ValidationError, tree: Node, model: type) -> list[Problem]:
    """Return every problem, each at the word that causes it, in the order of the file."""
    details = error.errors()
    instead = {_corrected_key(each, model) for each in details if each["type"] in _STRANGE}
    return sorted(
        {
            _problem(each, tree, model)
            for each in details
            if each["type"] != "missing" or tuple(each["loc"]) not in instead
        }
    )


def _corrected_key(details: ErrorDetails, model: type) -> tuple[Step, ...]:
    """Return the path of the key that was misspelt, so that it is not reported missing."""
    *above, key = details["loc"]
    near = get_close_matches(str(key).lower(), _fields_at(model, above), n=1, cutoff=0.6)
    return (*above, *near)


def _problem(details: ErrorDetails, tree: Node, model: type) -> Problem:
    steps: list[Step] = [step for step in details["loc"] if step != "[key]"]
    about_key = "[key]" in details["loc"]
    kind = details["type"]
    if kind == "missing" or kind in _STRANGE:
        steps, key = steps[:-1], str(steps[-1])
        node, path = locate(tree, steps)
        if kind == "missing":
            what = (_fields_at(model, steps).get(key) or "").rstrip(".")
            purpose = f": {what[0].lower()}{what[1:]}" if what else ""
            return Problem(node.place, f"{_subject(path)} has no '{key}'{purpose}")
        below = node.value(key) if isinstance(node, yaml_source.Mapping) else None
        known = _fields_at(model, steps)
        near = _unpaired(node, key, known) or meant(key, known) or misplaced(model, key, below)
        return Problem(_key_place(node, key), f"{_subject(path)} has no key '{key}'{near}")
    node, path = locate(tree, steps)
    place = node.place
    if about_key:
        above, _ = locate(tree, path[:-1])
        place = _key_place(above, path[-1])
    hint = _instead_of_id(details, path, model)
    if hint:
        place = _key_place(locate(tree, path[:-1])[0], path[-1])
    return Problem(place, f"{_subject(path)} {_sentence(details, node)}{hint}")


def _unpaired(node: Node, key: str, known: Mapping[str, object]) -> str:
    """Return the way out where a key has no value: it is key and value in one, or a second value."""
    entries = node.entries if isinstance(node, yaml_source.Mapping) else ()
    at = next((n for n, (one, _) in enumerate(entries) if one.value == key), None)
    if at is None or not (isinstance(below := entries[at][1], Text) and not below.value):
        return ""
    word = re.fullmatch(r"([\w-]+)(?::| +)(\S.*)", key)
    if word is not None and word[1] in known:
        return f"; a key needs ': ' (colon and space) after it: '{word[1]}: {word[2]}'"
    before, value = entries[at - 1] if at else (None, None)
    if before is None or not isinstance(value, Text) or before.place.line != entries[at][0].place.line:
        return ""
    return f"; several values of '{before.value}' are a list: [{value.value}, {key}]"


def _instead_of_id(details: ErrorDetails, path: Sequence[Step], model: type) -> str:
    """Return the way out where a key stands among ids: `tags:` at the indentation of a provider."""
    if details["type"] not in ("model_type", "model_attributes_type") or len(path) != IDS_ARE_AT:
        return ""
    return misplaced(model, str(path[-1]), None)


def _subject(path: Sequence[Step]) -> str:
    return spell(path) or "the file"


def _key_place(node: Node, key: Step) -> Place:
    found = node.key(key) if isinstance(node, yaml_source.Mapping) else None
    return found.place if found is not None else node.place


def _sentence(details: ErrorDetails, node: Node) -> str:
    """Return the sentence after the path."""
    if isinstance(node, Text) and not node.value:
        return "is empty; give it a value or take the key out"
    match details["type"]:
        case "fault":
            return details["msg"]
        case "literal_error" | "enum":
            known = re.findall(r"'([^']*)'", str(details.get("ctx", {}).get("expected", "")))
            if not isinstance(node, Text):
                return f"is {_what(node)}; it can be {listed(known)}"
            return f"is '{node.value}'{meant(node.value, known) or f'; it can be {listed(known)}'}"
        case "string_type":
            return f"is {_what(node)}, and must be one text"
        case "tuple_type" | "list_type":
            return f"is {_what(node)}, and must be a list: lines that begin with '- ', or [a, b]"
        case "dict_type" | "model_type" | "model_attributes_type" | "dataclass_type":
            return f"is {_what(node)}, and must be keys with values: {{ key: value }}"
        case "string_pattern_mismatch":
            return "must be a whole number above 0"
        case _:
            return f"is wrong: {details['msg'][:1].lower()}{details['msg'][1:]}"


def _what(node: Node) -> str:
    if isinstance(node, Text):
        return f"the text '{node.value}'"
    return "a list" if isinstance(node, Listing) else "a mapping with keys"


def _fields_at(model: type, steps: Sequence[Step]) -> dict[str, str | None]:
    """Return the keys that may stand on that path, with what each is for."""
    here = model
    for step in steps:
        if not isinstance(step, str):
            continue
        found = _keys(here).get(step)
        if found is None:  # the id in a mapping of ids: its model was entered with the field
            continue
        here = next(_models_in(found[0]), here)
    return {key: purpose for key, (_, purpose) in _keys(here).items()}


def _keys(model: type) -> dict[str, tuple[Any, str | None]]:
    """Return the keys of a model: the type of each, and what it is for."""
    if issubclass(model, BaseModel):
        return {f.alias or name: (f.annotation, f.description) for name, f in model.model_fields.items()}
    assert is_dataclass(model)
    types = get_type_hints(model)
    return {one.name: (types[one.name], None) for one in fields(model)}


def _models_in(annotation: Any) -> Iterator[type]:
    if isinstance(annotation, type) and (issubclass(annotation, BaseModel) or is_dataclass(annotation)):
        yield annotation
    for argument in get_args(annotation):
        yield from _models_in(argument)
