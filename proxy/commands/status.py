"""`consent-proxy status`: the state of a running proxy, as a table."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from proxy.commands.terminal import fail, out, print_json, print_problems
from proxy.config.loading import read_config
from proxy.errors import ConfigError

_MOMENTS = frozenset({"since", "at", "loaded_at"})
"""Names of facts that are seconds since 1970."""

TIMEOUT = 5.0
"""Seconds until the admin address has to respond."""


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
        print_problems(error.problems)
        raise typer.Exit(1) from None
    if admin is None:
        fail(f"{config} has no `admin` address to ask; add a line such as admin: 127.0.0.1:9100")
    address = f"http://{admin.host or '127.0.0.1'}:{admin.port}/status"
    state = _ask(address)
    if as_json:
        print_json(state)
    else:
        out.print(_table(state))
    raise typer.Exit(0 if state.get("ready") else 1)


def _ask(address: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(address, timeout=TIMEOUT) as response:  # noqa: S310 - http from our own config
            state: dict[str, Any] = json.load(response)
            return state
    except (OSError, urllib.error.URLError, ValueError) as error:
        fail(f"nothing answers at {address} ({error}); is the proxy running with this config?")


def _table(state: dict[str, Any]) -> Table:
    """Return one row a fact, nested facts indented under their name."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in _rows(state):
        table.add_row(name, value)
    return table


def _rows(state: dict[str, Any], depth: int = 0) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for name, value in state.items():
        label = "  " * depth + name.replace("_", " ")
        if isinstance(value, dict):
            rows += [(label, ""), *_rows(value, depth + 1)]
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for number, one in enumerate(value, 1):
                rows += [(f"{label} {number}", ""), *_rows(one, depth + 1)]
        elif isinstance(value, list):
            rows.append((label, ", ".join(str(one) for one in value) or "none"))
        else:
            rows.append((label, _moment(value) if name in _MOMENTS else _text(value)))
    return rows


def _moment(value: object) -> str:
    """Return seconds since 1970 as a day and a time, whatever else as it is."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return _text(value)
    return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "-" if value is None else str(value)
