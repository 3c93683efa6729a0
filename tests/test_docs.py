"""What the documents name exists: tests, threats, commands, addresses, files."""

import ast
import re
from functools import cache

import pytest
from typer.main import get_command

from proxy.cli import app_of
from tests.shared import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
THREATS = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "README.md"])
NAMED = sorted(
    {
        (file.removeprefix("tests/"), name)
        for page in PAGES
        for file, name in re.findall(r"`([\w/]+\.py)::(test_\w+)`", page.read_text(encoding="utf-8"))
    }
)


@cache
def names_in(file: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}


@pytest.mark.parametrize(("file", "name"), NAMED, ids=lambda value: value)
def test_every_test_that_a_page_names_exists(file, name):
    assert name in names_in(file)


def test_every_threat_has_its_line_and_a_test_that_holds_it():
    rows = dict(re.findall(r"^\| (T\d+) \| .+ \| .+ \| (.+) \|$", THREATS, re.MULTILINE))

    assert list(rows) == [f"T{n}" for n in range(1, 58)]
    assert [line for line, held in rows.items() if "::test_" not in held] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_names_commands_that_exist():
    known = set(get_command(app_of()).commands)
    named = set(re.findall(r"consent-proxy ([a-z]+)", README))

    assert named
    assert named <= known


def test_the_readme_names_the_records_commands_there_are():
    known = set(get_command(app_of()).commands["records"].commands)
    said = re.search(r"consent-proxy records ([a-z |]+)`", README)

    assert said is not None
    assert set(said[1].split(" | ")) <= known


def test_the_readme_names_targets_of_the_makefile_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))

    assert set(re.findall(r"^make ([a-z-]+)", README, re.MULTILINE)) <= targets
