"""A key at a wrong indentation is told with whose key it is, or what its contents look like."""

import pytest
from pydantic import BaseModel

from proxy.policy.misplaced_keys import misplaced
from proxy.policy.rules_schema import RulesShape
from proxy.policy.yaml_source import read


class Tag(BaseModel):
    """`tags:` an element."""

    host: str = ""
    purpose: str = ""


class Row(BaseModel):
    """`cookies:` a row."""

    name: str = ""
    purpose: str = ""


class Extra(BaseModel):
    """`extra:` what no list of likely places has."""

    host: str = ""
    only: str = ""
    more: "list[Extra] | None" = None  # shapes may hold themselves


class Unnamed(BaseModel):
    """A shape whose docstring names no key."""

    hidden: str = ""


class Book(BaseModel):
    """`book:` a whole file."""

    extra: list[Extra] | None = None
    rows: dict[str, list[Row]] = {}
    tags: tuple[Tag, ...] = ()
    unnamed: Unnamed | None = None


def node(text: str):
    return read(text, "x.yaml")[0]


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("name", "; it is a key of cookies: check how far it is indented"),
        ("purpose", "; it is a key of tags: check how far it is indented"),
        ("host", "; it is a key of tags: check how far it is indented"),
        ("only", "; it is a key of extra: check how far it is indented"),
        ("hidden", ""),
        ("tags", ""),
        ("nothing", ""),
    ],
)
def test_a_key_that_another_shape_has_is_told_with_the_likeliest_of_them(key, told):
    assert misplaced(Book, key, None) == told


def test_an_unknown_key_is_told_by_what_stands_in_it():
    assert misplaced(Book, "x", node("{ name: a, purpose: b }")) == "; it looks like one of cookies: check how far it is indented"  # fmt: skip
    assert misplaced(Book, "x", node("{ name: a, other: b }")) == ""
    assert misplaced(Book, "x", node("{}")) == ""
    assert misplaced(Book, "x", node("- name")) == ""


def test_a_type_that_is_no_shape_has_no_keys():
    assert misplaced(dict, "name", None) == ""


def test_in_rules_a_key_may_have_another_name_than_its_field():
    assert misplaced(RulesShape, "from", None) == "; it is a key of tags: check how far it is indented"
    assert misplaced(RulesShape, "from_", None) == ""
