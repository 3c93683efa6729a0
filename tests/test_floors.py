"""The house keeps its shape: floors, sizes, and names that tests can find."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tools.architecture import PAGE, drawn

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted(p for p in (ROOT / "proxy").rglob("*.py") if "migrations" not in p.parts)


def test_a_floor_imports_only_the_floors_below_it():
    linter = Path(sys.executable).parent / "lint-imports"
    told = subprocess.run([linter, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)

    assert told.returncode == 0, told.stdout


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_longer_than_a_reader_can_hold(path):
    assert len(path.read_text().splitlines()) <= 500


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_function_is_longer_than_a_screen(path):
    long = [
        f"{node.name}: {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno - node.lineno >= 50
    ]

    assert long == []


def test_no_modules_import_each_other_in_a_circle_type_only_imports_counted():
    imports = {module_name(path): imported_by(path) for path in FILES}

    assert circles(imports) == []


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imported_by(path: Path) -> set[str]:
    known = {module_name(one) for one in FILES}
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                found.add(name if name in known else node.module)
    return (found & known) - {module_name(path)}


def circles(imports: dict[str, set[str]]) -> list[str]:
    """The modules that reach themselves."""

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = list(imports[start])
        while waiting:
            module = waiting.pop()
            if module not in seen:
                seen.add(module)
                waiting += imports.get(module, ())
        return seen

    return sorted(module for module in imports if module in reached(module))


def test_the_pictures_of_the_architecture_are_those_of_the_imports():
    page = PAGE.read_text(encoding="utf-8")

    assert page == drawn(page), (
        "docs/architecture.md is not current: run make picture (python -m tools.architecture)"
    )


def test_every_module_says_in_its_first_line_what_lives_there():
    silent = [
        str(p.relative_to(ROOT))
        for p in FILES
        if p.read_text().strip() and not ast.get_docstring(ast.parse(p.read_text()))
    ]

    assert silent == []


def test_every_source_file_has_its_test_file():
    """`proxy/own/choice.py` is tested by `tests/own/test_choice.py`, whatever else may test it."""
    package = ROOT / "proxy"
    sources = [p.relative_to(package) for p in FILES if p.name not in {"__init__.py", "__main__.py"}]
    untested = [
        str(source)
        for source in sources
        if not (ROOT / "tests" / source.parent / f"test_{source.name}").is_file()
    ]

    assert len(sources) > 200
    assert untested == []


def test_no_test_file_is_empty():
    """A file that only bears the name of its source tests nothing."""
    empty = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if "data" not in path.parts and not any(map(is_test, ast.parse(path.read_text()).body))
    ]

    assert empty == []


def is_test(node: ast.stmt) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")


@pytest.mark.parametrize(
    "path",
    [p for p in FILES if p.relative_to(ROOT).parts[1] in {"policy", "consent", "filter"}],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_the_pure_floors_know_no_clock_and_no_file(path):
    calls = {
        node.func.id
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }

    assert calls & {"open", "print", "input", "exec", "eval"} == set()


def test_constants_that_the_filter_reads_for_a_page_are_final():
    """Compiled code then reads them directly, any other global by a look-up of its name."""
    filter_ = ROOT / "proxy" / "filter"
    files = [path for name in ("html", "rules", "syntax", "tags") for path in (filter_ / name).rglob("*.py")]
    found = [f"{p.relative_to(ROOT)}: {name}" for p in files for name in sorted(_read_and_not_final(p))]

    assert len(files) > 30
    assert found == []


def _read_and_not_final(path: Path) -> set[str]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    read = {node.id for function in functions for node in ast.walk(function) if isinstance(node, ast.Name)}
    assigned = {name.id for node in tree.body if isinstance(node, ast.Assign) for name in _names(node)}
    assigned |= {
        node.target.id
        for node in tree.body
        if isinstance(node, ast.AnnAssign) and not ast.unparse(node.annotation).startswith("Final")
    }
    return {name for name in assigned & read if name.isupper()}


def _names(node: ast.Assign) -> list[ast.Name]:
    return [name for target in node.targets for name in ast.walk(target) if isinstance(name, ast.Name)]
