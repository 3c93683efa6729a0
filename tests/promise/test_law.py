"""docs/law.md names a test for every line of the law, and every test it names exists."""

import ast
import re
from functools import cache

import pytest

from tests.shared import ROOT

TEXT = (ROOT / "docs" / "law.md").read_text(encoding="utf-8")
LINES = [
    *(f"L{n}" for n in range(1, 20)),
    *(f"G{n}" for n in range(1, 4)),
    "M1",
    *(f"W{n}" for n in range(1, 9)),
]
NAMED = sorted(set(re.findall(r"`([a-z0-9_/]+\.py)::(test_\w+)`", TEXT)))


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_every_line_of_the_law_has_its_row_and_something_that_holds_it():
    rows = dict(re.findall(r"^\| ([LGMW]\d+) \| .* \| (.*) \|$", TEXT, re.MULTILINE))

    assert list(rows) == LINES
    assert [line for line, held in rows.items() if "::test_" not in held and "judgement" not in held] == []


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_every_test_that_is_named_exists(file, name):
    assert name in names_in(file)
