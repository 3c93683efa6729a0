"""`consent-proxy console-token`: a token for the console, and the line of the config with its hash."""

from __future__ import annotations

import sys
from enum import Enum
from typing import Annotated

import typer

from proxy.commands.terminal import err
from proxy.config.value_parsers import read_token_name
from proxy.console.tokens import hash_of, new_token


class Role(Enum):
    """What a token lets its owner do."""

    VIEW = "view"
    RECORDS = "records"
    RELOAD = "reload"


def console_token(
    name: Annotated[str, typer.Option("--name", help="Who has it; the log says it with each look-up.")],
    role: Annotated[
        list[Role],
        typer.Option("--role", help="view: see the figures; records: look up receipts; reload. Repeat it."),
    ],
) -> None:
    """Print a new token, once: the config, whose line is printed too, has only its hash."""
    try:
        read_token_name(name)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--name") from None
    token = new_token()
    roles = ", ".join(dict.fromkeys(one.value for one in role))
    err.print("The token, for its owner alone; it is shown this once:")
    sys.stdout.write(f"{token}\n")
    sys.stdout.flush()
    err.print("The line of the config, below `console:` and `tokens:`; serve reads it when it starts:")
    sys.stdout.write(f"    - {{ name: {name}, roles: [{roles}], hash: {hash_of(token)} }}\n")
