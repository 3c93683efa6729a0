"""The command `consent-proxy`: each sub-command is a file in proxy/commands.

Imports only the one that is run, and turns usage errors into one sentence with a hint.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, cast

import typer

from proxy.build_digest import build_kind
from proxy.errors import ProxyError
from proxy.version import VERSION

_UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__mro__[1])
"""click's UsageError, from the copy of click inside typer, which does not export it."""

_HELP = "Makes a cookie policy true: nothing that needs consent loads or stores anything before agreement."
_COMMANDS = (
    "init",
    "keygen",
    "serve",
    "demo",
    "preview",
    "check",
    "explain",
    "rewrite",
    "table",
    "diff",
    "discover",
    "audit",
    "catalogue",
    "schema",
    "files",
    "languages",
    "status",
    "records",
    "console-token",
)
_GROUPS = ("catalogue", "languages", "records")
"""Each is a function or a command group of that name, in a file of that name."""


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"consent-proxy {VERSION} ({build_kind()})")
        raise typer.Exit


def _root(
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and end.", callback=_print_version, is_eager=True),
    ] = False,
) -> None:
    """Reverse proxy that enforces a cookie policy."""


def app_of(names: Sequence[str] = _COMMANDS) -> typer.Typer:
    """Return the program with these commands; the others are not imported."""
    app = typer.Typer(
        name="consent-proxy",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    app.callback()(_root)
    for name in names:
        function = name.replace("-", "_")
        module = import_module(f"proxy.commands.{function}")
        if name in _GROUPS:
            app.add_typer(getattr(module, f"{name}_app"), name=name)
        else:
            app.command(name)(getattr(module, function))
    return app


def main(arguments: list[str] | None = None) -> int:
    """Run one command and end the process with its exit status; usage errors exit with 2."""
    argv = sys.argv[1:] if arguments is None else arguments
    try:
        app = app_of(argv[:1] if argv and argv[0] in _COMMANDS else _COMMANDS)
        code = app(args=argv, standalone_mode=False)
    except _UsageError as error:
        if not argv[1:] and error.format_message().startswith(
            "Usage:"
        ):  # a group without a command: its help
            sys.stderr.write(f"{error.format_message()}\n")
            sys.exit(2)
        where = error.ctx.command_path if error.ctx else "consent-proxy"
        sys.stderr.write(f"consent-proxy: {error.format_message()} See: {where} --help\n")
        code = 2
    except typer.Abort:
        code = 130
    except ProxyError as error:
        sys.stderr.write(f"consent-proxy: {error}\n")
        code = 1
    except BrokenPipeError:
        # The reader of the pipe has closed it (`table | head`).
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
