"""Rows <-> records, and the statements that name every column. schema.py says the same to Alembic."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proxy.consent.answer import Gesture, How, Surface
from proxy.consent.decision import Ask
from proxy.consent.record import ConsentRecord, Content

COLUMNS = (
    "id",
    "time",
    "writer",
    "position",
    "digest",
    "link",
    # From here to `declared_at`: what an erasure empties.
    "visitor",
    "site",
    "language",
    "policy_version",
    "rules_digest",
    "wording_digest",
    "policy_digest",
    "scope",
    "granted",
    "refused",
    "how",
    "provider",
    "previous",
    "gesture",
    "control",
    "withdrawn",
    "asked",
    "surface",
    "declared_by",
    "declared_at",
    "erased",
    "seal",
)
"""The columns of `records`, in the table's order."""

CONTENT = COLUMNS[6:-2]
"""The columns that an erasure empties."""

RECORDS = f"SELECT {', '.join(COLUMNS)} FROM records"  # noqa: S608 - our own words
INSERT = f"INSERT INTO records ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608


def values_of(record: ConsentRecord) -> tuple[Any, ...]:
    """Return the row of a record that was not erased, in the order of COLUMNS."""
    content = record.content
    assert content is not None, "an erased record is never inserted"
    return (
        record.id,
        record.time,
        record.writer,
        record.position,
        record.digest,
        record.link,
        content.visitor,
        content.site,
        content.language,
        content.policy_version,
        content.rules_digest,
        content.wording_digest,
        content.policy_digest,
        json.dumps(content.scope, sort_keys=True, separators=(",", ":")),
        json.dumps(content.granted),
        json.dumps(content.refused),
        content.how.value,
        content.provider,
        content.previous,
        content.gesture.value if content.gesture is not None else None,
        content.control.value if content.control is not None else None,
        json.dumps(content.withdrawn) if content.withdrawn else None,
        content.asked.value if content.asked is not None else None,
        content.surface.value if content.surface is not None else None,
        content.declared_by,
        content.declared_at,
        None,
        None,
    )


def record_of(row: Mapping[str, Any]) -> ConsentRecord:
    """Return the record of a row; raises ValueError, KeyError or TypeError on nonsense."""
    return ConsentRecord(
        id=row["id"],
        time=row["time"],
        writer=row["writer"],
        position=row["position"],
        digest=row["digest"],
        link=row["link"],
        content=_content_of(row) if row["erased"] is None else None,
        erased=row["erased"],
        seal=row["seal"],
    )


def _content_of(row: Mapping[str, Any]) -> Content:
    return Content(
        visitor=row["visitor"],
        site=row["site"],
        language=row["language"],
        policy_version=row["policy_version"],
        rules_digest=row["rules_digest"],
        wording_digest=row["wording_digest"],
        policy_digest=row["policy_digest"],
        scope={purpose: tuple(providers) for purpose, providers in json.loads(row["scope"]).items()},
        granted=tuple(json.loads(row["granted"])),
        refused=tuple(json.loads(row["refused"])),
        how=How(row["how"]),
        provider=row["provider"],
        previous=row["previous"],
        gesture=Gesture(row["gesture"]) if row["gesture"] is not None else None,
        control=How(row["control"]) if row["control"] is not None else None,
        withdrawn=tuple(json.loads(row["withdrawn"] or "[]")),
        asked=Ask(row["asked"]) if row["asked"] is not None else None,
        surface=Surface(row["surface"]) if row["surface"] is not None else None,
        declared_by=row["declared_by"],
        declared_at=row["declared_at"],
    )
