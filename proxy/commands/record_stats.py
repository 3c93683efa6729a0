"""`consent-proxy records stats`: what is kept, and the daily numbers that outlive it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from proxy.commands.record_store import ConfigFile, Json, Since, Site, Until, with_store
from proxy.commands.stats_page import stats_page
from proxy.commands.terminal import print_json
from proxy.commands.time_options import moment
from proxy.config.loading import read_config
from proxy.records import display
from proxy.records.days import DAY_MS, Key
from proxy.records.figures import (
    By,
    Figures,
    as_dict,
    by_site_name,
    day_name,
    figures,
    kinds,
    purposes,
)
from proxy.records.store import LAST_DAY, RecordStore


def stats(  # noqa: PLR0917 - flags, given by name
    config: ConfigFile,
    since: Since = None,
    until: Until = None,
    site: Site = None,
    by: Annotated[By | None, typer.Option("--by", help="Told apart by this.")] = None,
    html: Annotated[bool, typer.Option("--html", help="One page with plots, to standard output.")] = False,
    json: Json = False,
) -> None:
    """Count what was shown and answered, also where the records were purged."""
    if html and json:
        raise typer.BadParameter("--html and --json exclude each other")
    sites = [one.hosts for one in read_config(config).sites]
    days = _day(since, 0), _day(until, LAST_DAY)

    async def run(store: RecordStore) -> None:
        numbers = by_site_name(await store.days(*days), sites, site)
        if html:
            sys.stdout.write(stats_page(numbers, name=store.name, period=_period(*days, numbers), by=by))
        elif by is not None:
            _write(_by(numbers, by), json=json)
        else:
            kept = {} if since or until or site else display.stats_json(await store.stats())
            _write({**kept, "in_all": as_dict(figures(numbers).get("", Figures()))}, json=json)

    with_store(config, run)


def _day(text: str | None, otherwise: int) -> int:
    return moment(text) // DAY_MS if text else otherwise


def _period(since: int, until: int, numbers: Mapping[Key, int]) -> str:
    found = {key[0] for key in numbers}
    if not found:
        return "no numbers"
    first, last = max(since, min(found)), min(until - 1, max(found))
    return f"{day_name(first)} to {day_name(last)} (UTC)"


def _by(numbers: Mapping[Key, int], by: By) -> dict[str, Any]:
    match by:
        case By.HOW:
            return dict(kinds(numbers))
        case By.PURPOSE:
            return {
                name: {
                    "granted": one.granted,
                    "refused": one.refused,
                    "withdrawn": one.withdrawn,
                    "granted_share": one.share,
                }
                for name, one in purposes(numbers).items()
            }
        case _:
            return {name or "not told": as_dict(one) for name, one in figures(numbers, by).items()}


def _write(found: Mapping[str, Any], *, json: bool) -> None:
    if json:
        print_json(found)
    elif found and "in_all" not in found and all(isinstance(value, dict) for value in found.values()):
        sys.stdout.writelines(f"{line}\n" for line in _table(found))
    else:
        sys.stdout.writelines(f"{line}\n" for line in _lines(found, ""))


def _table(found: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Give a table: one line for each name, one column for each figure."""
    heads = list(next(iter(found.values())))
    lines = [["", *(head.replace("_", " ") for head in heads)]]
    lines += [[name, *(_text(one[head]) for head in heads)] for name, one in found.items()]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        cells = [line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]
        yield "  ".join(cells).rstrip()


def _lines(found: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, value in found.items():
        if isinstance(value, dict):
            yield f"{indent}{name.replace('_', ' ')}:"
            yield from _lines(value, f"{indent}  ")
        else:
            yield f"{indent}{name.replace('_', ' ')}: {_text(value)}"


def _text(value: object) -> str:
    return "none" if value is None else str(value)
