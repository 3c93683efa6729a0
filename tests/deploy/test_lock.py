"""The locks name every package that is installed, with hashes, and nothing of where they came from."""

import re
import tomllib

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.shared import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOOK = (ROOT / "hatch_build.py").read_text().partition("def dependencies")[2]
COMPILING = re.findall(r'"([\w.-]+(?:[<>=][^"]*)?)"', re.search(r"return \[(.*?)\]", HOOK)[1])
LOCKS = {
    name: (ROOT / "deploy" / f"{name}.lock").read_text() for name in ("requirements", "build-requirements")
}


def locked(name: str) -> dict[str, str]:
    lines = re.findall(r"^([a-z0-9-]+)==(\S+)", LOCKS[name], re.MULTILINE)
    return dict(lines)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("requirements", PROJECT["project"]["dependencies"]),
        ("build-requirements", [*PROJECT["build-system"]["requires"], *COMPILING]),
    ],
    ids=["serving", "building"],
)
def test_what_the_project_needs_is_locked_at_a_version_that_it_takes(name, wanted):
    versions = locked(name)
    needed = list(map(Requirement, wanted))

    assert [
        str(one)
        for one in needed
        if not one.specifier.contains(versions.get(canonicalize_name(one.name), "0"))
    ] == [], "make lock"


def test_what_both_locks_name_has_one_version():
    one, other = locked("requirements"), locked("build-requirements")

    assert COMPILING
    assert {name for name in one.keys() & other.keys() if one[name] != other[name]} == set()


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_has_a_hash_and_none_an_address(name):
    packages = re.split(r"\n(?=[a-z#])", LOCKS[name].strip())
    named = [text for text in packages if not text.startswith("#")]

    assert len(named) == len(locked(name)) >= 10
    assert [text for text in named if "--hash=sha256:" not in text] == []
    assert not re.search(r"://|--(?:extra-)?index|--find-links|--trusted", LOCKS[name])
