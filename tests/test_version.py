"""One version: of the program and of the distribution that it was installed from."""

import tomllib
from pathlib import Path

from proxy.version import VERSION

ROOT = Path(__file__).resolve().parents[1]


def test_the_distribution_takes_its_version_from_the_program():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())

    assert "version" in project["project"]["dynamic"]
    assert (ROOT / project["tool"]["hatch"]["version"]["path"]).read_text().count(
        f'VERSION = "{VERSION}"'
    ) == 1
