"""What is broken, and the tests that know it."""

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

LONG = ("tests/filter/test_work.py", "tests/filter/test_inline_tests.py")
"""Tests that are not run: how work grows with the input, and the rules file with one rule less each time."""


@dataclass(frozen=True, slots=True)
class Area:
    """Files that are broken together, with the tests that know them."""

    name: str
    files: tuple[str, ...]
    tests: tuple[str, ...]


AREAS = (
    Area("html", ("proxy/filter/html",), ("tests/filter", "tests/promise")),
    Area("tags", ("proxy/filter/tags",), ("tests/filter", "tests/promise")),
    Area(
        "gates",
        ("proxy/route/gates.py",),
        (
            "tests/route/test_gates.py",
            "tests/own/test_addresses.py",
            "tests/own/test_declared_answers.py",
            "tests/promise",
        ),
    ),
    Area(
        "consent",
        ("proxy/consent",),
        ("tests/consent", "tests/own/test_choice.py", "tests/own/test_addresses.py"),
    ),
    Area(
        "set-cookie",
        ("proxy/filter/headers/set_cookie.py", "proxy/filter/headers/cookies.py"),
        ("tests/filter", "tests/promise"),
    ),
    Area(
        "etag",
        ("proxy/filter/headers/cache_headers.py",),
        (
            "tests/filter/headers",
            "tests/route/test_response_headers.py",
            "tests/route/test_relay.py",
            "tests/route/fast",
        ),
    ),
)


def files_of(area: Area) -> list[str]:
    """Return the sources of an area, by their path in the project."""
    found: list[Path] = []
    for name in area.files:
        path = ROOT / name
        found += sorted(path.glob("*.py")) if path.is_dir() else [path]
    return [str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py"]


def own_tests(file: str) -> str:
    """Return the file of tests that mirrors a source file."""
    path = Path(file)
    return str(Path("tests", *path.parts[1:-1], f"test_{path.name}"))
