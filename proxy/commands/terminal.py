"""How commands print: colours on a terminal, plain text in a pipe, JSON on request."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, NoReturn

import typer
from rich.console import Console
from rich.text import Text

from proxy.catalogue.shipped import shipped_catalogue
from proxy.errors import PolicyError, StartError
from proxy.policy.load import load_policy
from proxy.policy.model import Policy
from proxy.problems import Problem

WIDTH_OF_A_PIPE = 400
"""Columns where no terminal shows a table: names stay whole."""

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else WIDTH_OF_A_PIPE)
err = Console(stderr=True, highlight=False, soft_wrap=True)

STYLES = {
    "keep": "green",
    "hold": "yellow",
    "replace": "yellow",
    "remove": "yellow",
    "drop": "yellow",
    "cap": "cyan",
    "answer 204": "yellow",
}


def print_json(value: Any) -> None:
    """Print one JSON document for programs, the same on a terminal and in a pipe."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def print_problems(problems: tuple[Problem, ...]) -> None:
    """Print each problem on a line of its own, as `file:line:column: what is wrong`."""
    for problem in problems:
        line = Text(f"{problem.place}: ", style="bold")
        line.append("warning: " if problem.warning else "", style="yellow")
        line.append(problem.text, style="default" if problem.warning else "red")
        err.print(line)


def fail(message: str, code: int = 1) -> NoReturn:
    """Print one sentence and end with that exit status."""
    err.print(Text(f"consent-proxy: {message}", style="red"))
    raise typer.Exit(code)


def may_ask(*, yes: bool) -> bool:
    """True where somebody is at a terminal who can be asked, and did not pass --yes."""
    return not yes and sys.stdin.isatty()


def confirm(question: str, *, yes: bool) -> None:
    """Ask before something is deleted for good; without a terminal nobody can be asked."""
    if may_ask(yes=yes) and not typer.confirm(question, err=True):
        raise typer.Exit(1)


def read_text(path: Path, what: str) -> str:
    """Return the text of a file that the caller named, or end with a sentence."""
    try:
        return path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        fail(f"there is no {what} at {path}", 2)
    except IsADirectoryError:
        fail(f"{path} is a folder; name the {what} itself", 2)
    except UnicodeDecodeError as error:
        fail(f"{path} is not UTF-8 (byte {error.start}); save the {what} as UTF-8", 1)
    except OSError as error:
        fail(f"cannot read the {what} at {path}: {error.strerror}", 1)


def read_policy(path: Path) -> Policy:
    """Return the policy of a rules file, or print every problem and end with 1."""
    text = read_text(path, "rules file")
    try:
        return load_policy(text, path.name, shipped_catalogue())
    except PolicyError as error:
        print_problems(error.problems)
        raise typer.Exit(1) from None


def start_failed(error: StartError) -> NoReturn:
    """Print why the program cannot start here and end with 1."""
    fail(str(error))
