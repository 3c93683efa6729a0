"""Answers of visitors, and ways to lay hands on a store that its guards do not allow."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from proxy.consent.answer import How
from proxy.consent.record import NewRecord, Shown
from proxy.policy.scope import Pair, Scope

SCOPE = Scope(
    frozenset(
        {Pair("functional", "hubspot"), Pair("performance", "hubspot"), Pair("performance", "analytics")}
    )
)
WORDS = {
    "language": "fr",
    "banner": {"title": "Vos choix de cookies", "accept": "Tout accepter", "refuse": "Tout refuser"},
    "purposes": {"functional": "Fonctionnels", "performance": "Performance"},
}
SHOWN = Shown("2026-11-01", "policy:\n  version: 2026-11-01\n", json.dumps(WORDS, ensure_ascii=False))
KEY = b"the key that signs consent cookies"
NOON = 1_795_435_200_000
"""2026-11-23T12:00:00Z in milliseconds."""

_numbers = itertools.count()


def answer(visitor: str | None = None, **changes: Any) -> NewRecord:
    """Return an acceptance of everything by a visitor nobody has seen."""
    fields: dict[str, Any] = {
        "visitor": visitor or f"visitor-{next(_numbers)}",
        "time": NOON,
        "site": "callkom.io",
        "language": "fr",
        "shown": SHOWN,
        "scope": SCOPE,
        "granted": SCOPE.purposes,
        "how": How.ACCEPT,
    }
    return NewRecord(**{**fields, **changes})


def refusal(visitor: str | None = None, **changes: Any) -> NewRecord:
    return answer(visitor, granted=frozenset(), how=How.REFUSE, **changes)


def sqlite_path(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///").partition("?")[0])


async def raw(url: str, *statements: str, guarded: bool = False) -> list[tuple[Any, ...]]:
    """Run statements behind the program's back, with the guards of the tables lifted."""
    sqlite = url.startswith("sqlite")
    engine = create_async_engine(
        f"sqlite+aiosqlite:///{sqlite_path(url)}"
        if sqlite
        else url.replace("postgresql:", "postgresql+asyncpg:")
    )
    rows: list[tuple[Any, ...]] = []
    try:
        async with engine.begin() as connection:
            if not guarded and sqlite:
                named = await connection.execute(
                    text("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                )
                for (name,) in named.all():
                    await connection.execute(text(f"DROP TRIGGER {name}"))
            elif not guarded:
                await connection.execute(text("SET session_replication_role = replica"))
            for statement in statements:
                result = await connection.execute(text(statement))
                rows = [tuple(row) for row in result.all()] if result.returns_rows else []
    finally:
        await engine.dispose()
    return rows
