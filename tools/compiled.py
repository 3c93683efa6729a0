"""Build the wheel with the filter compiled and unpack it into .compiled: make compiled.

It holds the package alone. The tests of the checkout run against it with that folder first on the path.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".compiled"


def build(folder: Path) -> Path:
    """Build the compiled wheel as `pip install` does, into this folder; return it."""
    command = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)]
    subprocess.run(command, check=True, env={**os.environ, "CONSENT_PROXY_COMPILE": "1"})  # noqa: S603
    return next(folder.glob("*.whl"))


def unpack(wheel: Path, folder: Path) -> int:
    """Replace the folder's content by the wheel's; return how many libraries are in it."""
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
        return sum(name.endswith(EXTENSION_SUFFIXES[0]) for name in archive.namelist())


def main() -> int:
    """Build and unpack."""
    with tempfile.TemporaryDirectory() as temporary:
        wheel = build(Path(temporary))
        count = unpack(wheel, FOLDER)
        print(f"{wheel.name}: {count} libraries in {FOLDER}")  # noqa: T201
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
