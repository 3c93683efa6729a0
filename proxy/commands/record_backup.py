"""`consent-proxy records backup` and `restore`: a whole store as one file, and back."""

from __future__ import annotations

import dataclasses
import sys
from pathlib import Path
from typing import Annotated

import typer

from proxy.commands.record_store import ConfigFile, Json, Yes, with_store
from proxy.commands.terminal import confirm, err, fail, print_json
from proxy.records.backup import Contents
from proxy.records.migrations import STEPS
from proxy.records.store import RecordStore
from proxy.records.verify import Verification

BackupFile = Annotated[Path, typer.Argument(help="The backup: one SQLite file, of either kind of store.")]


def backup(
    config: ConfigFile,
    file: BackupFile,
    schema: Annotated[
        str, typer.Option("--schema", help="For an older version to restore: the schema that it knows.")
    ] = STEPS[-1],
    json: Json = False,
) -> None:
    """Write the whole store to a new file (0600), also while the proxy serves."""

    async def run(store: RecordStore) -> None:
        _say("backed up", await store.back_up(file.absolute(), schema), json=json)

    with_store(config, run)


def restore(  # noqa: PLR0917 - flags, given by name
    config: ConfigFile,
    file: BackupFile,
    replace: Annotated[bool, typer.Option("--replace", help="Also where the store is not empty.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only check the backup; change nothing.")
    ] = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Put a backup whose seals hold into the store, all or nothing, and verify the store."""

    async def run(store: RecordStore) -> None:
        found, kept = await store.verify_backup(file)
        _require_sound(found, f"the backup {file} is not restored")
        held = await store.contents()
        if not held.empty and not replace:
            fail(f"the store {store.name} is not empty ({held}); --replace puts the backup in its place")
        if dry_run:
            _say("would restore", kept, json=json)
            return
        if not held.empty:
            confirm(f"Replace all of {store.name} ({held}) for good?", yes=yes)
        kept = await store.restore(file, replace=replace)
        _require_sound(await store.verify(), f"{store.name} was restored, and does not verify")
        _say("restored", kept, json=json)

    with_store(config, run, create=not dry_run)


def _require_sound(found: Verification, otherwise: str) -> None:
    if not found.sound:
        for fault in found.faults:
            err.print(f"{fault.kind}: {fault.says}")
        fail(otherwise)


def _say(done: str, what: Contents, *, json: bool) -> None:
    if json:
        print_json({done.replace(" ", "_"): dataclasses.asdict(what)})
    else:
        sys.stdout.write(f"{done} {what}\n")
