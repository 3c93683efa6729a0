"""The steps that bring a store of any age to the schema of this program (Alembic)."""
