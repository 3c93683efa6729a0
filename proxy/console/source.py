"""What the console needs of the process that serves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol


class UnavailableError(Exception):
    """Something could not be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of a reload: `loaded` in all workers, or `refused` with every problem."""

    outcome: str
    problems: tuple[str, ...]
    workers: int


class ConsoleSource(Protocol):
    """The process that serves the admin address, alone or for all workers of a supervisor."""

    def ready(self) -> dict[str, Any]:
        """Return the body of /readyz."""

    def figures(self) -> bytes:
        """Return the body of /metrics."""

    def workers(self) -> list[dict[str, Any]]:
        """Return the state of each worker, as /status tells it."""

    async def reload_all(self) -> Reloaded:
        """Have every worker read the files, and return what came of it."""

    async def stored(self) -> dict[str, Any]:
        """Return `consent`, `purposes`, `found` and `alerts` from the store of proofs; UnavailableError."""

    async def record(self, receipt: str) -> dict[str, Any] | None:
        """Return the record of a receipt, None if there is none; UnavailableError."""
