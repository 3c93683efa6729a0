"""The house keeps its shape: floors, sizes, and names that tests can find."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(p for p in (ROOT / "proxy").rglob("*.py") if "migrations" not in p.parts)


def test_a_floor_imports_only_the_floors_below_it():
    linter = Path(sys.executable).parent / "lint-imports"
    told = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_longer_than_a_reader_can_hold(path):
    assert len(path.read_text().splitlines()) <= 300


def test_every_module_says_in_its_first_line_what_lives_there():
    silent = [
        str(p.relative_to(ROOT))
        for p in FILES
        if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))
    ]

    assert silent == []


@pytest.mark.parametrize(
    "path", [p for p in FILES if p.parts[-2] in {"policy", "consent", "filter"}], ids=lambda p: p.stem
)
def test_the_pure_floors_know_no_clock_and_no_file(path):
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert calls & {"open", "print", "input", "exec", "eval"} == set()
