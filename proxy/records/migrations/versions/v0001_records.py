"""Records, writers, texts and keys, and the triggers that make them append-only."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_KEPT = ("id", "time", "writer", "position", "digest", "link")
_CONTENT = (
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
)
_WRITER = ("number", "name", "key_id", "root", "started")


def _same(columns: tuple[str, ...], operator: str) -> str:
    return " AND ".join(f"NEW.{name} {operator} OLD.{name}" for name in columns)


def _rules(same: str) -> dict[str, tuple[str, str, str]]:
    """Return the guards: name -> (table, event, when it is refused). `same`: null-safe equality."""
    emptied = " AND ".join(f"NEW.{name} IS NULL" for name in _CONTENT)
    erasure = (
        "OLD.erased IS NULL AND NEW.erased IS NOT NULL AND NEW.seal IS NOT NULL "
        f"AND {emptied} AND {_same(_KEPT, same)}"
    )
    purged = "OLD.position <= (SELECT base_position FROM writers WHERE name = OLD.writer)"
    onward = (
        f"{_same(_WRITER, same)} AND NEW.head_position >= OLD.head_position "
        "AND NEW.base_position >= OLD.base_position AND NEW.base_position <= NEW.head_position"
    )
    return {
        "records_only_erased": ("records", "UPDATE", f"NOT ({erasure})"),
        "records_only_purged": ("records", "DELETE", f"NOT coalesce({purged}, {_false()})"),
        "writers_only_onward": ("writers", "UPDATE", f"NOT ({onward})"),
        "writers_stay": ("writers", "DELETE", _true()),
        "texts_never_change": ("texts", "UPDATE", _true()),
        "texts_stay": ("texts", "DELETE", _true()),
    }


def _sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"


def _true() -> str:
    return "1" if _sqlite() else "true"


def _false() -> str:
    return "0" if _sqlite() else "false"


def _guard_sqlite() -> None:
    for name, (table, event, when) in _rules("IS").items():
        op.execute(
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} WHEN {when} "
            f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
        )


def _guard_postgresql() -> None:
    for name, (table, event, when) in _rules("IS NOT DISTINCT FROM").items():
        kept = "OLD" if event == "DELETE" else "NEW"
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {when} THEN RAISE EXCEPTION '{table} are append-only'; END IF; RETURN {kept}; END $$"
        )
        op.execute(f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")
    op.execute(
        "CREATE FUNCTION records_never_truncated() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION 'records are append-only'; END $$"
    )
    for table in ("records", "writers", "texts"):
        op.execute(
            f"CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION records_never_truncated()"
        )


def upgrade() -> None:
    """Make the tables and their guards."""
    op.create_table(
        "records",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("time", sa.BigInteger, nullable=False),
        sa.Column("writer", sa.Text, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("link", sa.LargeBinary, nullable=False),
        *(sa.Column(name, sa.Text) for name in _CONTENT),
        sa.Column("erased", sa.BigInteger),
        sa.Column("seal", sa.LargeBinary),
    )
    op.create_index("records_by_writer", "records", ["writer", "position"], unique=True)
    op.create_index("records_by_visitor", "records", ["visitor", "id"])
    op.create_table(
        "writers",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, nullable=False, unique=True),
        sa.Column("key_id", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("started", sa.BigInteger, nullable=False),
        sa.Column("head_position", sa.BigInteger, nullable=False),
        sa.Column("head_link", sa.LargeBinary, nullable=False),
        sa.Column("head_time", sa.BigInteger, nullable=False),
        sa.Column("head_seal", sa.LargeBinary, nullable=False),
        sa.Column("base_position", sa.BigInteger, nullable=False),
        sa.Column("base_link", sa.LargeBinary, nullable=False),
        sa.Column("base_seal", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "texts",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("added", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.LargeBinary, primary_key=True),
        sa.Column("wrapped_by", sa.LargeBinary, primary_key=True),
        sa.Column("wrapped", sa.LargeBinary, nullable=False),
    )
    if _sqlite():
        _guard_sqlite()
    else:
        _guard_postgresql()
