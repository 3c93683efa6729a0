"""Reads for the console what the store of proofs tells (`python -m`); a question and an answer in JSON."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from proxy.config.loading import read_config
from proxy.config.policies import Policies
from proxy.config.signing_key import load_keys
from proxy.config.types import Config
from proxy.errors import ProxyError
from proxy.process.handover import read_handover
from proxy.process.read_files import on_configured_hosts, read_policies
from proxy.records import display
from proxy.records.days import Key
from proxy.records.driver import FAILURES
from proxy.records.figures import Figures, PurposeFigures, by_site_name, day_name
from proxy.records.store import LAST_DAY, RecordStore
from proxy.seen.alert_store import AlertStore
from proxy.seen.discovery import discover
from proxy.seen.names import Kind
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key as Name
from proxy.seen.sightings import Seen
from proxy.seen.suggestions import as_yaml, suggest
from proxy.snapshot.sites import Site, build_sites

DAYS = 92
"""Days of which the answers are shown."""

MOST_FOUND = 500
"""Names that are shown."""

_UNUSED_KEY = (b"x" * 32,)
_NICE = 10
_KINDS = {Kind.HOST: "tag", Kind.COOKIE: "cookie", Kind.KEY: "storage", Kind.CALL: "call"}


def main(arguments: list[str]) -> None:
    """Write the answer, or why there is none, to standard output."""
    parser = argparse.ArgumentParser(prog="proxy.process.console_store", description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("rules", type=Path)
    parser.add_argument("--given", type=int, required=True, help="descriptor that holds what is served from")
    options = parser.parse_args(arguments)
    os.nice(_NICE)
    question = json.load(sys.stdin)
    _, config, policies = read_handover(options.given)
    try:
        found = asyncio.run(_answer(question, options, config, policies))
        answer: dict[str, Any] = {"found": found}
    except (ProxyError, *FAILURES) as error:
        answer = {"failed": str(error)}
    json.dump(answer, sys.stdout, ensure_ascii=True, default=str)


async def _answer(
    question: Mapping[str, str], options: argparse.Namespace, config: Config, policies: Policies
) -> dict[str, Any] | None:
    if receipt := question.get("record"):
        return await _record(config, receipt)
    return await _figures(config, *_sites_and_rules(options, config, policies))


def _sites_and_rules(
    options: argparse.Namespace, config: Config, policies: Policies
) -> tuple[Config, Policies]:
    """Return what the files say now; where they are refused, what was handed over."""
    try:
        there = read_config(options.config)
        return there, on_configured_hosts(read_policies(there, options.rules), there)
    except ProxyError:
        return config, policies


async def _open(config: Config) -> RecordStore:
    RecordStore.must_exist(config.records.url, config.file(Path()))
    return await RecordStore.open(
        config.records.url,
        keys=load_keys(config),
        keep=config.records.keep,
        folder=config.file(Path()),
        create=False,
    )


async def _record(config: Config, receipt: str) -> dict[str, Any] | None:
    store = await _open(config)
    try:
        found = await store.get(receipt)
        return None if found is None else display.record_json(found, await store.shown(found))
    finally:
        await store.close()


async def _figures(config: Config, served: Config, policies: Policies) -> dict[str, Any]:
    """Return the answers of days, and what no rule speaks of."""
    now = int(time.time())
    store = await _open(config)
    try:
        numbers = await store.days(now // 86_400 - DAYS + 1, LAST_DAY)
        names = await SeenStore(store.database).all()
        alerts = await AlertStore(store.database).undelivered()
    finally:
        await store.close()
    numbers_by_site = by_site_name(numbers, [site.hosts for site in served.sites])
    found = [
        row
        for site in build_sites(served, policies, _UNUSED_KEY, now).all
        for row in _found(site, names, now)
    ]
    return {
        "consent": consent_rows(numbers_by_site),
        "purposes": purpose_rows(numbers_by_site),
        "alerts": alerts,
        "found": sorted(found, key=lambda row: -row["count"])[:MOST_FOUND],
    }


def consent_rows(numbers: Mapping[Key, int]) -> list[dict[str, Any]]:
    """Return the answers by day, site and language."""
    found: dict[tuple[int, str, str], Figures] = {}
    for (day, site, language, measure, purpose), count in sorted(numbers.items()):
        if not purpose:
            found.setdefault((day, site, language), Figures()).count(measure, count)
    return [
        {
            "day": day_name(day),
            "site": site,
            "language": language,
            "shown": one.shown,
            "accepted": one.accepted,
            "refused": one.refused,
            "custom": one.custom,
            "withdrawn": one.withdrawn,
        }
        for (day, site, language), one in found.items()
    ]


def purpose_rows(numbers: Mapping[Key, int]) -> list[dict[str, Any]]:
    """Return what was answered to each purpose, by day and site."""
    found: dict[tuple[int, str, str], PurposeFigures] = {}
    for (day, site, _, measure, purpose), count in sorted(numbers.items()):
        if purpose:
            one = found.setdefault((day, site, purpose), PurposeFigures())
            setattr(one, measure, getattr(one, measure) + count)
    return [
        {
            "day": day_name(day),
            "site": site,
            "purpose": purpose,
            "granted": one.granted,
            "refused": one.refused,
        }
        for (day, site, purpose), one in sorted(found.items())
    ]


def _found(site: Site, names: Mapping[Name, Seen], now: int) -> Iterator[dict[str, Any]]:
    """Yield what was seen on a site and no rule speaks of, each with the block that would."""
    seen = discover(site.name, names, site.rules, site.cookies, now=now, sees_allowed=False)
    blocks = suggest(seen, site.policy, site.own, site.name)
    texts = {name: as_yaml([block]) for block in reversed(blocks) for name in block.names}
    for one in (*seen.undeclared, *seen.presumed):
        yield {
            "site": site.name,
            "kind": _KINDS.get(one.kind, one.kind.value),
            "name": one.name,
            "count": one.seen.count,
            "since": one.seen.first,
            "block": texts.get(one.name, ""),
            "owner": one.whose.owner,
        }


if __name__ == "__main__":
    main(sys.argv[1:])
