"""The four tables of the store, the same on SQLite and PostgreSQL, and rows <-> nouns.

`records` holds one row an answer, `writers` one row a process that wrote (its chain has a
base, where purging stopped, and a head), `texts` every text that was shown, once, and
`keys` the keys of older chains, wrapped. Made by migrations/; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

from proxy.consent.answer import How
from proxy.consent.record import ConsentRecord, Content

metadata = MetaData()

records = Table(
    "records",
    metadata,
    Column("id", Text, primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("writer", Text, nullable=False),
    Column("position", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("link", LargeBinary, nullable=False),
    # From here to `previous`: what an erasure empties.
    Column("visitor", Text),
    Column("site", Text),
    Column("language", Text),
    Column("policy_version", Text),
    Column("rules_digest", Text),
    Column("wording_digest", Text),
    Column("policy_digest", Text),
    Column("scope", Text),
    Column("granted", Text),
    Column("refused", Text),
    Column("how", Text),
    Column("provider", Text),
    Column("previous", Text),
    Column("erased", BigInteger),
    Column("seal", LargeBinary),
    Index("records_by_writer", "writer", "position", unique=True),
    Index("records_by_visitor", "visitor", "id"),
)

writers = Table(
    "writers",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("name", Text, nullable=False, unique=True),
    Column("key_id", LargeBinary, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("head_position", BigInteger, nullable=False),
    Column("head_link", LargeBinary, nullable=False),
    Column("head_time", BigInteger, nullable=False),
    Column("head_seal", LargeBinary, nullable=False),
    Column("base_position", BigInteger, nullable=False),
    Column("base_link", LargeBinary, nullable=False),
    Column("base_seal", LargeBinary, nullable=False),
)

texts = Table(
    "texts",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("added", BigInteger, nullable=False),
)

keys = Table(
    "keys",
    metadata,
    Column("id", LargeBinary, primary_key=True),
    Column("wrapped_by", LargeBinary, primary_key=True),
    Column("wrapped", LargeBinary, nullable=False),
)

CONTENT = tuple(column.name for column in records.columns)[6:-2]
"""The columns that an erasure empties."""


def row_of(record: ConsentRecord) -> dict[str, Any]:
    """Return the row of a record that was not erased."""
    content = record.content
    assert content is not None, "an erased record is never inserted"
    return {
        "id": record.id,
        "time": record.time,
        "writer": record.writer,
        "position": record.position,
        "digest": record.digest,
        "link": record.link,
        "visitor": content.visitor,
        "site": content.site,
        "language": content.language,
        "policy_version": content.policy_version,
        "rules_digest": content.rules_digest,
        "wording_digest": content.wording_digest,
        "policy_digest": content.policy_digest,
        "scope": json.dumps(content.scope, sort_keys=True, separators=(",", ":")),
        "granted": json.dumps(content.granted),
        "refused": json.dumps(content.refused),
        "how": content.how.value,
        "provider": content.provider,
        "previous": content.previous,
        "erased": None,
        "seal": None,
    }


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
    )
