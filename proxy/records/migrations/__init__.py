"""The steps that bring a store of any age to the schema of this program (Alembic)."""

STEPS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every step, oldest first. Written here too, so that a store at our schema opens without Alembic."""

VERSIONS = "consent_proxy_schema"
"""The table that holds the schema's number; a name of our own, others use Alembic too."""
