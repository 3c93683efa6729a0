"""The wheel is the same bytes wherever and whenever it is built (pure; a compiler writes paths and times)."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.shared import ROOT

CARRIED = ("proxy", "config", "docs", "deploy")
FILES = ("pyproject.toml", "hatch_build.py", "README.md", "CHANGELOG.md", "LICENSE", "rules.yaml")


def built(folder: Path, *, umask: int, seed: str, zone: str) -> str:
    """Build the wheel from a fresh copy of the source; return the digest of its bytes."""
    source = folder / "source"
    for name in CARRIED:
        shutil.copytree(
            ROOT / name,
            source / name,
            ignore=shutil.ignore_patterns("__pycache__"),
            copy_function=shutil.copyfile,
        )
    for name in FILES:
        shutil.copyfile(ROOT / name, source / name)
    environment = {"PATH": os.environ["PATH"], "PYTHONHASHSEED": seed, "TZ": zone, "HOME": str(folder)}
    before = os.umask(umask)
    try:
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"],
            cwd=source, env=environment, check=True, capture_output=True, timeout=100,
        )  # fmt: skip
    finally:
        os.umask(before)
    [wheel] = (folder / "dist").glob("*.whl")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


def test_two_builds_of_one_source_are_one_wheel_byte_for_byte(tmp_path):
    one = built(tmp_path / "here", umask=0o022, seed="1", zone="UTC")
    other = built(tmp_path / "a longer path elsewhere", umask=0o077, seed="2", zone="Asia/Tokyo")

    assert one == other
