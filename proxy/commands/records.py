"""`consent-proxy records ...`: read, check, hand out and take away proofs of consent."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from proxy.commands.record_backup import backup, restore
from proxy.commands.record_page import letter_page, no_page, record_page
from proxy.commands.record_stats import stats
from proxy.commands.record_store import (
    ConfigFile,
    DryRun,
    HowOption,
    Json,
    Since,
    Site,
    Until,
    Visitor,
    Yes,
    with_store,
)
from proxy.commands.terminal import confirm, err, fail, may_ask, print_json
from proxy.commands.time_options import moment, seconds
from proxy.config.loading import read_config
from proxy.consent.answer import How
from proxy.consent.record import ConsentRecord
from proxy.errors import PolicyError, RecordsError
from proxy.records import display, export
from proxy.records.chain import ChainHead
from proxy.records.queries import Which
from proxy.records.store import RecordStore, now_ms
from proxy.version import VERSION

records_app = typer.Typer(
    help="Proofs of consent: list, show, verify, export, erase, purge, count, back up.", no_args_is_help=True
)


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

    with_store(config, run)


@records_app.command()
def show(
    config: ConfigFile,
    record: Annotated[str, typer.Argument(help="Its id.")],
    html: Annotated[bool, typer.Option("--html", help="A page with banner and panel as they were.")] = False,
    json: Json = False,
) -> None:
    """Print one record as the visitor saw it: the words, the policy version, the answer."""
    if html and json:
        raise typer.BadParameter("--html and --json exclude each other")

    async def run(store: RecordStore) -> None:
        found = await _found(store, record)
        shown = await store.shown(found)
        if json:
            print_json(display.record_json(found, shown))
        elif html and shown is not None and found.content is not None:
            before = await store.get(found.content.previous) if found.content.previous else None
            _write_page(record_page(read_config(config), found, shown, before, VERSION))
        elif html:
            fail(f"record {found.id} was erased: there is nothing to show")
        else:
            sys.stdout.write(display.record_page(found, shown))

    _drawn(config, record, run)


@records_app.command()
def letter(config: ConfigFile, record: Annotated[str, typer.Argument(help="The id on the receipt.")]) -> None:
    """Write the answer to a request for access, to print: all that is kept of this record's visitor."""

    async def run(store: RecordStore) -> None:
        found = await _found(store, record)
        shown = await store.shown(found)
        if found.content is None or shown is None:
            fail(f"record {found.id} was erased: nothing of it is kept but its number and time")
        visitor = found.content.visitor
        kept = [one async for one in store.every(Which(visitor=visitor))]
        shown = await store.shown(kept[-1]) or shown
        _write_page(letter_page(read_config(config), kept, shown, now_ms() // 1000, visitor))

    _drawn(config, record, run)


async def _found(store: RecordStore, record: str) -> ConsentRecord:
    found = await store.get(record)
    if found is None:
        fail(f"there is no record {record} in {store.name}")
    return found


def _drawn(config: Path, record: str, run: Callable[[RecordStore], Awaitable[None]]) -> None:
    """Run that; end with a sentence where the rules of then cannot be read any more."""
    try:
        with_store(config, run)
    except PolicyError as error:
        fail(no_page(record, error))


def _write_page(page: bytes) -> None:
    sys.stdout.write(page.decode() + "\n")


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

    with_store(config, run, needed=False)  # a damaged file is a finding, not a failure


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

    with_store(config, run)


@records_app.command()
def erase(  # noqa: PLR0917 - flags, given by name
    config: ConfigFile,
    record: Annotated[str | None, typer.Argument(help="The id on the receipt.")] = None,
    visitor: Annotated[
        str | None, typer.Option("--visitor", help="All records of this visitor instead.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Empty a record on request; its tombstone stays, and the chain still verifies."""
    if (record is None) == (visitor is None):
        raise typer.BadParameter("name one record, or --visitor")

    async def run(store: RecordStore) -> None:
        found = await store.get(record) if record else None
        count = int(found is not None and found.content is not None)
        if visitor is not None:
            count = await store.count(Which(visitor=visitor))
        if not count:
            fail(f"there is nothing to erase for {record or visitor} in {store.name}")
        if dry_run:
            _say_count("would erase", count, "would_erase", json=json)
            return
        confirm(f"Erase {_many(count)} in {store.name} for good?", yes=yes)
        count = int(await store.erase(record)) if record else await store.erase_visitor(str(visitor))
        _say_count("erased", count, "erased", json=json)

    with_store(config, run)


@records_app.command()
def purge(
    config: ConfigFile,
    older_than: Annotated[
        str | None, typer.Option("--older-than", help="Instead of `records.keep`: 5 years, 18 months.")
    ] = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Delete what is older than `records.keep` (default 5 years)."""
    age = seconds(older_than) if older_than else None

    async def run(store: RecordStore) -> None:
        before = None if age is None else now_ms() - age * 1000
        if dry_run or may_ask(yes=yes):
            count = await store.purgeable(before)
            if dry_run:
                _say_count("would purge", count, "would_purge", json=json)
                return
            confirm(f"Delete {_many(count)} from {store.name} for good?", yes=yes)
        _say_count("purged", await store.purge(before), "purged", json=json)

    with_store(config, run)


def _say_count(doing: str, count: int, key: str, *, json: bool) -> None:
    if json:
        print_json({key: count})
    else:
        sys.stdout.write(f"{doing} {_many(count)}\n")


records_app.command()(stats)
records_app.command()(backup)
records_app.command()(restore)


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

    with_store(config, run)


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
        return None  # a damaged file: the verification finds what is wrong


def _progress(doing: str) -> Progress:
    """Return a bar on standard error; standard output is for the records."""
    return Progress(TextColumn(doing), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=err)


def _many(count: int, what: str = "record") -> str:
    return f"1 {what}" if count == 1 else f"{count} {what}s"
