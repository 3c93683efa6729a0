"""The seven tables of the store, the same on SQLite and PostgreSQL, as Alembic reads them.

`records` holds one row per recorded choice, `writers` one row a process that wrote (its chain has a
base, where purging stopped, and a head), `texts` every text that was shown, once, `keys` the keys of
older chains, wrapped, `days` daily numbers without a person in them, `seen` what was seen on each site,
a name a row, and `alerts` those about new ones, until they are sent (proxy/seen). Made by migrations/;
a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

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
    # From here to `declared_at`: what an erasure empties.
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
    Column("gesture", Text),
    Column("control", Text),
    Column("withdrawn", Text),
    Column("asked", Text),
    Column("surface", Text),
    Column("declared_by", Text),
    Column("declared_at", Text),
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

days = Table(
    "days",
    metadata,
    Column("day", Integer, primary_key=True, autoincrement=False),
    Column("site", Text, primary_key=True),
    Column("language", Text, primary_key=True),
    Column("measure", Text, primary_key=True),
    Column("purpose", Text, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

seen = Table(
    "seen",
    metadata,
    Column("site", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("by_us", Integer, nullable=False),
    Column("first_seen", BigInteger, nullable=False),
    Column("last_seen", BigInteger, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
)

alerts = Table(
    "alerts",
    metadata,
    Column("site", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("id", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_try", BigInteger, nullable=False),
    Column("tries", BigInteger, nullable=False),
    Column("facts", Text, nullable=False),
)
