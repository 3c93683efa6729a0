"""What the documents name exists: tests, threats, commands, addresses, files."""

import ast
import re
from functools import cache

import pytest
from typer.main import get_command

import proxy
from proxy.cli import app_of
from proxy.telemetry.logs import EVENTS
from proxy.telemetry.metrics import _GAUGES, _OF_ALL, Metrics
from tests.shared import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")
THREATS = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PUBLIC = (ROOT / "docs" / "public.md").read_text(encoding="utf-8")
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")),
    ]
)
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

    assert list(rows) == [f"T{n}" for n in range(1, 61)]
    assert [line for line, held in rows.items() if "::test_" not in held] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page):
    text = page.read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_on_the_map():
    folder = ROOT / "docs"
    linked = set(re.findall(r"\]\(([\w./-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8")))
    there = {page.relative_to(folder).as_posix() for page in folder.rglob("*.md")} - {"README.md"}

    assert {page for page in there if not page.startswith("decisions/0")} - linked == set()


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


@pytest.mark.parametrize("page", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_targets_of_the_makefile_that_a_page_names_exist(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = set(re.findall(r"^make ([a-z-]+)", page, re.MULTILINE))

    assert named
    assert named <= targets


@pytest.mark.parametrize("page", [CONTRIBUTING, ARCHITECTURE], ids=["CONTRIBUTING", "architecture"])
def test_files_and_folders_that_a_page_names_exist(page):
    named = set(re.findall(r"`((?:proxy|tests|bench|docs|config|tools)/[\w./-]+)`", page))

    assert named
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_names_in_the_code_that_contributing_leads_to_stand_where_it_says():
    named = [
        (name, path)
        for name, path in re.findall(
            r"`([A-Z_][A-Za-z_]+)` (?:in|of) `(proxy/[\w/.]+\.py)`", CONTRIBUTING.replace("\n", " ")
        )
        if not re.search(
            rf"^(?:class |def )?{name}\b", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
        )
    ]

    assert named == []


def test_every_package_has_its_row_in_the_architecture():
    table = ARCHITECTURE.partition("## Packages")[2].partition("\n\n`")[0]
    there = {f"proxy/{path.parent.name}" for path in (ROOT / "proxy").glob("*/__init__.py")}

    assert there - set(re.findall(r"`(proxy/[\w/]+)`", table)) == set()


def test_the_docstring_of_the_product_names_every_package():
    named = set(re.findall(r"^([a-z]+(?:, [a-z]+)*) {2,}", proxy.__doc__, re.MULTILINE))
    words = {word for line in named for word in line.split(", ")} | set(
        re.findall(r"; (\w+):", proxy.__doc__)
    )

    assert {path.parent.name for path in (ROOT / "proxy").glob("*/__init__.py")} - words == set()


def section(title: str) -> str:
    """Return what docs/public.md says under a title."""
    return PUBLIC.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_command_is_public():
    named = re.findall(r"`([\w-]+)`", section("Commands").partition("their flags")[0])

    assert sorted(named) == sorted(get_command(app_of()).commands)


def test_every_log_event_is_public():
    assert sorted(re.findall(r"`(\w+)`", section("Log events"))) == sorted(EVENTS)


def test_every_metric_is_public_with_its_labels():
    metrics = Metrics()
    series = [*metrics._counters.values(), *metrics._histograms.values()]
    there = {family.name: set(each._labelnames) for each in series for family in each.describe()}
    rows = re.findall(r"^\| `(\w+?)(?:_total)?` \| (.*)\|$", section("Metrics"), re.MULTILINE)
    named = {name: set(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    gauges = {f"consent_proxy_{name}": set(labels) for name, (_, labels, _) in _GAUGES.items()}
    gauges |= {f"consent_proxy_{name}": set() for name in _OF_ALL}
    metrics.build("0.1.0", "compiled")
    build = re.search(r"consent_proxy_build_info\{(.*)\} 1\.0", metrics.page().decode())

    assert build is not None
    info = {"consent_proxy_build_info": set(re.findall(r'(\w+)="', build[1]))}
    assert named == there | gauges | info


def test_public_addresses_exist():
    code = (ROOT / "proxy" / "own" / "addresses.py").read_text(encoding="utf-8")
    named = re.findall(r"^\| `/\.consent/([\w.]*)`", section("Addresses"), re.MULTILINE)

    assert named
    assert [name for name in named if f'b"{name}":' not in code] == []
