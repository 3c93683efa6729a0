"""`consent-proxy records ...`: read, check, hand out and take away proofs of consent."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from proxy.commands.terminal import err, fail, print_json
from proxy.commands.time_options import moment, seconds
from proxy.config.loading import read_config
from proxy.config.signing_key import load_keys
from proxy.consent.answer import How
from proxy.errors import RecordsError
from proxy.records import display, export
from proxy.records.chain import ChainHead
from proxy.records.queries import Which
from proxy.records.store import RecordStore, now_ms

records_app = typer.Typer(
    help="Proofs of consent: list, show, verify, export, erase, purge, count.", no_args_is_help=True
)

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
Since = Annotated[
    str | None, typer.Option("--since", help="Only from this day or moment on (UTC): 2026-11-01.")
]
Until = Annotated[str | None, typer.Option("--until", help="Only before this day or moment (UTC).")]


@records_app.command("list")
def list_(  # noqa: PLR0917 - flags, given by name
    config: ConfigFile,
    site: Site = None,
    visitor: Visitor = None,
    how: HowOption = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=100_000, help="How many, newest first.")
    ] = 50,
    erased: Annotated[bool, typer.Option("--erased", help="Tombstones too.")] = False,
    json: Json = False,
) -> None:
    """Print the newest records."""
    which = _which(site, visitor, how, since, until, erased=erased)

    async def run(store: RecordStore) -> None:
        found = await store.newest(which, limit)
        if json:
            print_json([record.to_json() for record in found])
            return
        sys.stdout.writelines(f"{line}\n" for line in display.table(found))

    _with_store(config, run)


@records_app.command()
def show(
    config: ConfigFile, record: Annotated[str, typer.Argument(help="Its id.")], json: Json = False
) -> None:
    """Print one record as the visitor saw it: the words, the policy version, the answer."""

    async def run(store: RecordStore) -> None:
        found = await store.get(record)
        if found is None:
            fail(f"there is no record {record} in {store.name}")
        shown = await store.shown(found)
        if json:
            print_json(display.record_json(found, shown))
        else:
            sys.stdout.write(display.record_page(found, shown))

    _with_store(config, run)


@records_app.command()
def verify(
    config: ConfigFile,
    heads: Annotated[
        Path | None, typer.Option("--heads", help="Heads kept elsewhere (`records heads`).")
    ] = None,
    json: Json = False,
) -> None:
    """Check every seal; name what was altered, removed or put in another's place. Exit 1 if anything."""
    kept = _read_heads(heads) if heads else []

    async def run(store: RecordStore) -> None:
        with _progress("verifying") as bar:
            bar.add_task("", total=await _total(store, Which(erased=True)))
            found = await store.verify(kept, lambda done: bar.advance(bar.task_ids[0], done))
        if json:
            print_json(display.verification_json(found))
        for fault in () if json else found.faults:
            sys.stdout.write(f"{fault.kind}: {fault.says}\n")
        if not json and found.sound:
            sys.stdout.write(
                f"{_many(found.records)} ({found.erased} erased) in {_many(found.writers, 'chain')}: "
                "every seal holds\n"
            )
        if not found.sound:
            raise typer.Exit(1)

    _with_store(config, run, needed=False)  # a damaged file is a finding, not a failure


@records_app.command("export")
def export_(  # noqa: PLR0917 - flags, given by name
    config: ConfigFile,
    site: Site = None,
    visitor: Visitor = None,
    how: HowOption = None,
    since: Since = None,
    until: Until = None,
    csv: Annotated[bool, typer.Option("--csv", help="CSV instead of JSON Lines.")] = False,
    json: Annotated[bool, typer.Option("--json", help="JSON Lines (the default).")] = False,
) -> None:
    """Write every record to standard output, oldest first, one a line."""
    if csv and json:
        raise typer.BadParameter("--csv and --json exclude each other")
    which = _which(site, visitor, how, since, until)

    async def run(store: RecordStore) -> None:
        with _progress("exporting") as bar:
            task = bar.add_task("", total=await store.count(which))
            async for line in export.lines(
                store, which, as_csv=csv, on_progress=lambda done: bar.advance(task, done)
            ):
                sys.stdout.write(line)
            sys.stdout.flush()

    _with_store(config, run)


@records_app.command()
def erase(
    config: ConfigFile,
    record: Annotated[str | None, typer.Argument(help="The id on the receipt.")] = None,
    visitor: Annotated[
        str | None, typer.Option("--visitor", help="All records of this visitor instead.")
    ] = None,
    json: Json = False,
) -> None:
    """Empty a record on request; its tombstone stays, and the chain still verifies."""
    if (record is None) == (visitor is None):
        raise typer.BadParameter("name one record, or --visitor")

    async def run(store: RecordStore) -> None:
        count = int(await store.erase(record)) if record else await store.erase_visitor(str(visitor))
        if json:
            print_json({"erased": count})
        elif count:
            sys.stdout.write(f"erased {_many(count)}\n")
        if not count:
            fail(f"there is nothing to erase for {record or visitor} in {store.name}")

    _with_store(config, run)


@records_app.command()
def purge(
    config: ConfigFile,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Instead of `records.keep`: 5 years, 18 months.")
    ] = None,
    json: Json = False,
) -> None:
    """Delete what is older than `records.keep` (default 5 years)."""
    age = seconds(older_than) if older_than else None

    async def run(store: RecordStore) -> None:
        count = await store.purge(None if age is None else now_ms() - age * 1000)
        if json:
            print_json({"purged": count})
        else:
            sys.stdout.write(f"purged {_many(count)}\n")

    _with_store(config, run)


@records_app.command()
def stats(config: ConfigFile, json: Json = False) -> None:
    """Count records by control, site, policy version and purpose."""

    async def run(store: RecordStore) -> None:
        found = await store.stats()
        if json:
            print_json(display.stats_json(found))
        else:
            sys.stdout.writelines(f"{line}\n" for line in display.stats_lines(found))

    _with_store(config, run)


@records_app.command()
def heads(
    config: ConfigFile,
    since: Since = None,
    json: Annotated[bool, typer.Option("--json", help="One line of JSON (always).")] = False,  # noqa: ARG001
) -> None:
    """Print the end of each chain as one line, to be kept outside the store, daily."""
    after = moment(since) if since else 0

    async def run(store: RecordStore) -> None:
        sys.stdout.write(export.heads_line(await store.heads(after), now_ms()))

    _with_store(config, run)


def _with_store(config: Path, run: Callable[[RecordStore], Awaitable[None]], *, needed: bool = True) -> None:
    async def main() -> None:
        async with _store(config, needed=needed) as store:
            await run(store)

    asyncio.run(main())


@contextlib.asynccontextmanager
async def _store(path: Path, *, needed: bool) -> AsyncIterator[RecordStore]:
    """Open the store that a config names; it must exist, a command makes none."""
    config = read_config(path)
    # Without a store there is nothing to read, and no reason to make a key for it.
    folder = config.file(Path())
    RecordStore.must_exist(config.records.url, folder)
    store = await RecordStore.open(
        config.records.url,
        keys=load_keys(config),
        keep=config.records.keep,
        folder=folder,
        create=False,
        needed=needed,
    )
    try:
        yield store
    finally:
        await store.close()


def _which(
    site: str | None,
    visitor: str | None,
    how: str | None,
    since: str | None,
    until: str | None,
    *,
    erased: bool = False,
) -> Which:
    known = [*(one.value for one in How), "erased"]
    if how is not None and how not in known:
        raise typer.BadParameter(f"--how is one of {', '.join(known)}, not '{how}'")
    return Which(
        site,
        visitor,
        how,
        moment(since) if since else None,
        moment(until) if until else None,
        erased=erased,
    )


def _read_heads(path: Path) -> list[ChainHead]:
    try:
        return export.read_heads(path.read_text("utf-8"))
    except OSError as error:
        fail(f"cannot read the heads at {path}: {error.strerror}", 2)
    except ValueError as error:
        fail(f"{path}: {error}")


async def _total(store: RecordStore, which: Which) -> int | None:
    try:
        return await store.count(which)
    except RecordsError:
        return None  # a damaged file; what is wrong is said by the verification


def _progress(doing: str) -> Progress:
    """Return a bar on standard error; standard output is for the records."""
    return Progress(TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err)


def _many(count: int, what: str = "record") -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
