"""The command `consent-proxy`: one sub-command a file in proxy/commands.

This file only mounts them and turns wrong use into one sentence and the way out.
"""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated, cast

import typer

from proxy.commands import check, demo, explain, rewrite, serve, status, table
from proxy.commands.records import records_app
from proxy.errors import ProxyError

_WrongUse = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""UsageError, which typer has but does not export (and brings in a copy of click of its own)."""

app = typer.Typer(
    name="consent-proxy",
    help="Makes a cookie policy true: nothing that needs consent loads or stores anything before agreement.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("check")(check.check)
app.command("explain")(explain.explain)
app.command("rewrite")(rewrite.rewrite)
app.command("table")(table.table)
app.command("status")(status.status)
app.add_typer(records_app, name="records")


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"consent-proxy {version('consent-proxy')}")
        raise typer.Exit


@app.callback()
def root(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Reverse proxy that enforces a cookie policy."""


def main(arguments: list[str] | None = None) -> int:
    """Run one command and end the process with its exit status.

    Wrong use is answered by one sentence and where to read more, exit 2.
    """
    try:
        code = app(args=arguments, standalone_mode=False)
    except _WrongUse as error:
        where = error.ctx.command_path if error.ctx else "consent-proxy"
        sys.stderr.write(f"consent-proxy: {error.format_message()} See: {where} --help\n")
        code = 2
    except typer.Abort:
        code = 130
    except ProxyError as error:
        sys.stderr.write(f"consent-proxy: {error}\n")
        code = 1
    except BrokenPipeError:
        # Whoever read our output has what they wanted (`table | head`).
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
