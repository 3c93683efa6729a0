"""Records for other programs: JSON Lines and CSV, one at a time, and heads as JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

from proxy.consent.record import ConsentRecord, utc
from proxy.records.chain import ChainHead
from proxy.records.queries import Which
from proxy.records.store import RecordStore

COLUMNS = (
    "id",
    "time",
    "site",
    "granted",
    "refused",
    "how",
    "policy_version",
    "visitor",
    "language",
    "provider",
    "previous",
    "gesture",
    "control",
    "withdrawn",
    "asked",
    "surface",
    "declared_by",
    "declared_at",
    "scope",
    "rules_digest",
    "wording_digest",
    "policy_digest",
    "writer",
    "position",
    "digest",
    "link",
)
"""The columns of the CSV, in this order."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def json_line(record: ConsentRecord) -> str:
    """Return the record as one line of JSON."""
    return json.dumps(record.to_json(), ensure_ascii=False, separators=(",", ":")) + "\n"


def csv_line(values: Iterable[Any]) -> str:
    """Return one line of CSV (RFC 4180)."""
    line = io.StringIO()
    csv.writer(line).writerow([_cell(value) for value in values])
    return line.getvalue()


def csv_record(record: ConsentRecord) -> str:
    """Return the record as one line of CSV: lists with spaces between, the scope as JSON."""
    fields = record.to_json()
    return csv_line(fields.get(column) for column in COLUMNS)


async def lines(
    store: RecordStore,
    which: Which,
    *,
    as_csv: bool = False,
    on_progress: Callable[[int], None] = lambda _done: None,
) -> AsyncIterator[str]:
    """Give the export line by line, oldest first; tombstones have nothing to export."""
    write = csv_record if as_csv else json_line
    if as_csv:
        yield csv_line(COLUMNS)
    done = 0
    async for record in store.every(which):
        yield write(record)
        done += 1
        if done % 1000 == 0:
            on_progress(1000)
    on_progress(done % 1000)


def heads_line(heads: Iterable[ChainHead], now: int) -> str:
    """Return the ends of the chains as one line of JSON, for a file kept elsewhere."""
    return json.dumps({"time": utc(now), "heads": heads_of(heads)}, separators=(",", ":")) + "\n"


def heads_of(heads: Iterable[ChainHead]) -> list[dict[str, Any]]:
    """Return the ends of the chains for a log; `records verify --heads` reads such lines too."""
    return [
        {"writer": head.writer, "position": head.position, "link": head.link.hex(), "time": utc(head.time)}
        for head in heads
    ]


def read_heads(text: str) -> list[ChainHead]:
    """Return the heads in lines of JSON, a log among them; raises ValueError where there are none."""
    found: list[ChainHead] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            said = json.loads(line) if line.strip() else {}
            found += [
                ChainHead(str(end["writer"]), int(end["position"]), bytes.fromhex(end["link"]), 0)
                for end in said.get("heads", ())
            ]
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"line {number} holds no heads of chains") from error
    if not found:
        raise ValueError("no line holds heads of chains")
    return found


def _cell(value: Any) -> str:
    """Return a cell; a text that a spreadsheet would run as a formula gets a quote in front."""
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    text = " ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
