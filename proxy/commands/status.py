"""`consent-proxy status`: what a running proxy says of itself, as a table."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from proxy.commands.terminal import fail, out, print_json, say_problems
from proxy.config.loading import read_config
from proxy.errors import ConfigError

PATIENCE = 5.0


def status(
    config: Annotated[
        Path, typer.Option("--config", "-c", help="Config of the running proxy: says where it can be asked.")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Ask the admin address of a running proxy; exit 0 ready, 1 not ready or not there."""
    try:
        admin = read_config(config).admin
    except ConfigError as error:
        say_problems(error.problems)
        raise typer.Exit(1) from None
    if admin is None:
        fail(f"{config} has no `admin` address to ask; add a line such as admin: 127.0.0.1:9100")
    address = f"http://{admin.host or '127.0.0.1'}:{admin.port}/status"
    said = _ask(address)
    if as_json:
        print_json(said)
    else:
        out.print(_table(said))
    raise typer.Exit(0 if said.get("ready") else 1)


def _ask(address: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(address, timeout=PATIENCE) as answer:  # noqa: S310 - http from our own config
            said: dict[str, Any] = json.load(answer)
            return said
    except (OSError, urllib.error.URLError, ValueError) as error:
        fail(f"nothing answers at {address} ({error}); is the proxy running with this config?")


def _table(said: dict[str, Any]) -> Table:
    """Return one row a fact, nested facts indented under their name."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in _rows(said):
        table.add_row(name, value)
    return table


def _rows(said: dict[str, Any], depth: int = 0) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in said.items():
        label = "  " * depth + name.replace("_", " ")
        if isinstance(value, dict):
            rows += [(label, ""), *_rows(value, depth + 1)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, one in enumerate(value, 1):
                rows += [(f"{label} {number}", ""), *_rows(one, depth + 1)]
        elif isinstance(value, list):
            rows.append((label, ", ".join(str(one) for one in value) or "none"))
        else:
            rows.append((label, _said(value)))
    return rows


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
