"""What the `records` commands share: their options, and the store that a config names."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer

from proxy.config.loading import read_config
from proxy.config.signing_key import existing_keys, key_file, load_keys
from proxy.errors import StartError
from proxy.records.store import RecordStore

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", help="The config file; it names the store and the key.")
]
Json = Annotated[bool, typer.Option("--json", help="JSON for programs.")]
Site = Annotated[str | None, typer.Option("--site", help="Only of this site.")]
Visitor = Annotated[str | None, typer.Option("--visitor", help="Only of the visitor with this id.")]
HowOption = Annotated[
    str | None,
    typer.Option("--how", help="Only accept, refuse, save, withdraw, once, placeholder or erased."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say how many; change nothing.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask (nobody is asked without a terminal).")]
Since = Annotated[
    str | None, typer.Option("--since", help="Only from this day or moment on (UTC): 2026-11-01.")
]
Until = Annotated[str | None, typer.Option("--until", help="Only before this day or moment (UTC).")]


def with_store(
    config: Path, run: Callable[[RecordStore], Awaitable[None]], *, needed: bool = True, create: bool = False
) -> None:
    """Run that on the store that a config names; with `needed=False` also on one that is damaged.

    With `create` the store may be missing, and is made; the key then has to be there.
    """

    async def main() -> None:
        async with _store(config, needed=needed, create=create) as store:
            await run(store)

    asyncio.run(main())


@contextlib.asynccontextmanager
async def _store(path: Path, *, needed: bool, create: bool) -> AsyncIterator[RecordStore]:
    """Open the store that a config names; it must exist, only a restore makes one."""
    config = read_config(path)
    # Without a store there is nothing to read, and no reason to make a key for it.
    folder = config.file(Path())
    if create and not existing_keys(config):
        raise StartError(
            f"there is no signing key at {key_file(config)}: put that of the backup there, "
            "without it no seal holds"
        )
    if not create:
        RecordStore.must_exist(config.records.url, folder)
    store = await RecordStore.open(
        config.records.url,
        keys=load_keys(config),
        keep=config.records.keep,
        folder=folder,
        create=create,
        needed=needed,
    )
    try:
        yield store
    finally:
        await store.close()
