"""Writes the two locks of deploy/: every package that serves and that builds, with hashes (pip-tools).

What is locked stays as it is, unless `--upgrade` is said; what pyproject.toml asks for anew is added.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVING = ROOT / "deploy" / "requirements.lock"
BUILDING = ROOT / "deploy" / "build-requirements.lock"
BUILD_NEEDS = "hatchling>=1.25\nmypy>=2.4,<2.5\nsetuptools>=77\npydantic>=2.10,<3\ntypes-PyYAML\n"
"""What builds the wheel: the build system's needs, and those of hatch_build.py, which compiles."""

_OPTIONS = (
    "--quiet",
    "--generate-hashes",
    "--strip-extras",
    "--no-annotate",
    "--no-header",
    "--allow-unsafe",
    "--no-emit-index-url",  # where this machine takes packages from is nobody's business
    "--no-emit-trusted-host",
    "--no-emit-find-links",
    "--no-emit-options",
)


def compile_lock(target: Path, source: Path | str, more: list[str]) -> None:
    """Write one lock from a file of requirements, or from lines."""
    lines = None if isinstance(source, Path) else source
    name = str(source) if isinstance(source, Path) else "-"
    command = [sys.executable, "-m", "piptools", "compile", *_OPTIONS, *more, "-o", str(target), name]
    environment = {**os.environ, "CUSTOM_COMPILE_COMMAND": "python -m tools.lock"}
    subprocess.run(command, check=True, input=lines, text=True, cwd=ROOT, env=environment)  # noqa: S603


def main(arguments: list[str]) -> None:
    """Write both locks."""
    compile_lock(SERVING, ROOT / "pyproject.toml", arguments)
    compile_lock(BUILDING, BUILD_NEEDS, ["--constraint", str(SERVING), *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
