"""Days, moments and durations as people type them after an option."""

from __future__ import annotations

from datetime import UTC, datetime

import typer

from proxy.policy.durations import EXAMPLES, parse_duration


def moment(text: str) -> int:
    """Return a day or a moment in milliseconds since 1970; without a zone it is UTC."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no day; write 2026-11-01 or 2026-11-01T12:00:00Z") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def seconds(text: str) -> int:
    """Return a duration such as `5 years` in seconds."""
    found = parse_duration(text)
    if found is None or found.seconds is None:
        raise typer.BadParameter(f"{text!r} is no duration; write one such as {EXAMPLES}")
    return found.seconds
