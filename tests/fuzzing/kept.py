"""Inputs that a fuzzer found worth keeping: tests/data/fuzz/LAW.txt, an input a line, as Python writes bytes."""

import ast
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "data" / "fuzz"


def kept(law: str) -> list[bytes]:
    """Return the inputs that are kept for a law."""
    path = FOLDER / f"{law}.txt"
    return [ast.literal_eval(line) for line in path.read_text("ascii").splitlines()] if path.exists() else []


def keep(law: str, inputs: Iterable[bytes]) -> None:
    """Keep these inputs, and no others."""
    lines = sorted({ascii(data) for data in inputs}, key=lambda line: (len(line), line))
    (FOLDER / f"{law}.txt").write_text("".join(f"{line}\n" for line in lines), "ascii")
