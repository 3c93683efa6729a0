"""npm packages that tests measure with: installed once into .tests/, at fixed versions."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import pytest

from tests.shared import ROOT
from tools.assets import ESBUILD

VERSIONS = {
    "axe-core": "4.11.0",
    "bootstrap": "5.3.3",
    "foundation-sites": "6.8.1",
    "bulma": "1.0.2",
    "normalize.css": "8.0.1",
    "react-calendly": "4.4.0",
    "react": "18.3.1",
    "react-dom": "18.3.1",
    "react-19": "npm:react@19.0.9",
    "react-dom-19": "npm:react-dom@19.0.9",
    "vue": "3.5.45",
    "@hotwired/turbo": "8.0.23",
    "htmx.org": "2.0.4",
    "swup": "4.8.2",
    "esbuild": ESBUILD,
    "@microsoft/applicationinsights-web": "3.4.4",
    "tarteaucitronjs": "1.34.0",
    "klaro": "0.7.22",
    "vanilla-cookieconsent": "3.1.0",
    "orejime": "3.2.1",
}
FOLDER = ROOT / ".tests" / "npm"


def installed(name: str) -> Path:
    """Return the folder of a package; skips with the reason where npm cannot provide it, never under CI."""
    if not (FOLDER / "node_modules" / name).is_dir():
        told = _install()
        if told:
            if os.environ.get("CI"):
                pytest.fail(told)
            pytest.skip(told)
    return FOLDER / "node_modules" / name


@cache
def _install() -> str:
    """Install all of them, one process after the other; returns what went wrong.

    Several processes test at once. What they find in the folder is whole: it comes there in one piece.
    """
    if shutil.which("npm") is None:
        return "npm is not installed, and this test measures with packages from there"
    FOLDER.parent.mkdir(parents=True, exist_ok=True)
    with (FOLDER.parent / "npm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if all((FOLDER / "node_modules" / name).is_dir() for name in VERSIONS):
            return ""  # by another process, while this one waited
        with tempfile.TemporaryDirectory(dir=FOLDER.parent, prefix="npm-") as fresh:
            told = fetch(VERSIONS, fresh)
            if not told:
                shutil.rmtree(FOLDER, ignore_errors=True)
                FOLDER.mkdir()
                (Path(fresh) / "node_modules").rename(FOLDER / "node_modules")
    return told


def fetch(versions: dict[str, str], folder: str | Path) -> str:
    """Install these versions into a folder; returns what went wrong."""
    wanted = [f"{name}@{version}" for name, version in versions.items()]
    command = [
        "npm",
        "install",
        "--no-save",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--omit=peer",
        "--legacy-peer-deps",
        *wanted,
    ]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=200, check=False)
    except subprocess.TimeoutExpired:
        return "npm took more than 200 seconds"
    return "" if done.returncode == 0 else f"npm could not install {', '.join(wanted)}: {done.stderr[-300:]}"
