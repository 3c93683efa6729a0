"""`consent-proxy serve`: the proxy itself, until it is told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from proxy.bundled import bundled
from proxy.commands.console import say_problems
from proxy.errors import FaultsError


def serve(
    config: Annotated[Path, typer.Option("--config", "-c", help="Where it runs: the config file.")],
    rules: Annotated[
        Path | None,
        typer.Option(
            "--rules", "-r", help="What may run and be stored: rules.yaml (default: the shipped one)."
        ),
    ] = None,
) -> None:
    """Run the proxy. SIGTERM drains and ends it, SIGHUP reads rules and config again."""
    from proxy.server.start import run  # noqa: PLC0415 - a second of imports that `explain` can do without

    try:
        run(config, rules or bundled("rules.yaml"))
    except FaultsError as error:
        say_problems(error.problems)
        raise typer.Exit(1) from None
