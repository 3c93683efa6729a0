"""Commands run in this process, as their users would: arguments in; status, output and errors out."""

import contextlib
import io
import os
from dataclasses import dataclass
from pathlib import Path

from proxy.cli import main

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Told:
    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path) -> Told:
    """Run `consent-proxy` with these arguments, in the project's folder."""
    out, err, here = io.StringIO(), io.StringIO(), Path.cwd()
    status = 0
    os.chdir(ROOT)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                main([str(argument) for argument in arguments])
            except SystemExit as end:
                status = int(end.code or 0)
    finally:
        os.chdir(here)
    return Told(status, out.getvalue(), err.getvalue())
