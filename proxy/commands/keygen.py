"""`consent-proxy keygen`: a fresh signing key, in a file or for a secret store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from proxy.commands.file_owner import give_to_folder_owner
from proxy.commands.terminal import fail, out, start_failed
from proxy.config.signing_key import create_key, new_key
from proxy.errors import StartError


def keygen(
    file: Annotated[
        Path | None, typer.Argument(help="The file to write, mode 0600; without it the key is printed.")
    ] = None,
) -> None:
    """Make a key that signs consent cookies. All replicas share one; keep it secret, and keep it."""
    if file is None:
        sys.stdout.write(new_key() + "\n")
        return
    if file.exists():
        fail(f"{file} is there already: whoever replaces a key asks every visitor again; name another file")
    try:
        create_key(file)
    except StartError as error:
        start_failed(error)
    give_to_folder_owner(file)
    out.print(f"{file} is written; name it in the config: consent: {{ key: {file} }}")
