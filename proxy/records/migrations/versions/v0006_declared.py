"""The consent tool that was answered, where it was not us, and when: two columns that an erasure empties."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_KEPT = ("id", "time", "writer", "position", "digest", "link")
_NEW = ("declared_by", "declared_at")
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
    "gesture",
    "control",
    "withdrawn",
    "asked",
    "surface",
    *_NEW,
)


def _erasure(same: str) -> str:
    """Return when an update of a record is an erasure. `same`: null-safe equality."""
    emptied = " AND ".join(f"NEW.{name} IS NULL" for name in _CONTENT)
    kept = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in _KEPT)
    return f"OLD.erased IS NULL AND NEW.erased IS NOT NULL AND NEW.seal IS NOT NULL AND {emptied} AND {kept}"


def upgrade() -> None:
    """Add the columns and, to the guard of erasures, that they are emptied."""
    for name in _NEW:
        op.add_column("records", sa.Column(name, sa.Text))
    if op.get_context().dialect.name == "sqlite":
        op.execute("DROP TRIGGER records_only_erased")
        op.execute(
            f"CREATE TRIGGER records_only_erased BEFORE UPDATE ON records WHEN NOT ({_erasure('IS')}) "
            "BEGIN SELECT RAISE(ABORT, 'records are append-only'); END"
        )
    else:
        op.execute(
            "CREATE OR REPLACE FUNCTION records_only_erased() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF NOT ({_erasure('IS NOT DISTINCT FROM')}) THEN "
            "RAISE EXCEPTION 'records are append-only'; END IF; RETURN NEW; END $$"
        )
