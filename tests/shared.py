"""The folder beside the project that holds corpora and suites too large or too foreign to own."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("CONSENT_SHARED", Path(__file__).resolve().parents[2] / "shared"))


def shared(*parts: str) -> Path:
    """Return a path in ../shared, or skip with the reason; under CI its absence is a failure."""
    path = SHARED.joinpath(*parts)
    if not path.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{path} is missing, and CI must never skip it")
        pytest.skip(f"{'/'.join(parts)} lives in ../shared, which is not beside this clone")
    return path
