"""Runs the steps on a connection that already holds the lock and the transaction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from proxy.records.migrations import VERSIONS


def scripts() -> ScriptDirectory:
    """Return the steps as Alembic sees them."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return ScriptDirectory.from_config(config)


def upgrade(connection: Connection, to: str) -> None:
    """Bring the store behind that connection to a schema."""
    directory = scripts()
    config = Config(attributes={"connection": connection, "version_table": VERSIONS})

    def steps(found: Any, _context: object) -> Any:
        return directory._upgrade_revs(to, found)  # noqa: SLF001 - as Alembic's own command does

    with EnvironmentContext(config, directory, fn=steps):
        directory.run_env()
