"""docs/rules.md speaks of every key that rules.yaml may have, and of no other."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from proxy.policy import inline_test, rules_schema

PAGE = (Path(__file__).parents[2] / "docs" / "rules.md").read_text(encoding="utf-8")
SHAPES = [
    found
    for module in (rules_schema, inline_test)
    for found in vars(module).values()
    if isinstance(found, type) and issubclass(found, BaseModel) and found.model_fields
]


@pytest.mark.parametrize("model", SHAPES, ids=lambda model: model.__name__)
def test_every_key_is_in_the_reference(model):
    keys = [field.alias or name for name, field in model.model_fields.items()]

    assert [key for key in keys if not re.search(rf"[`,{{ ]{key}[`,}}: ]", PAGE)] == []


def test_every_key_of_its_tables_exists():
    known = {field.alias or name for model in SHAPES for name, field in model.model_fields.items()}
    known |= {"hold", "replace", "remove", "relay", "keep", "never"}
    first = [row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")]
    named = {word for cell in first for word in re.findall(r"`([a-z_]+)`", cell)}

    assert named - known == set()
