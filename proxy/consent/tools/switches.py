"""Tools whose cookie is a JSON table of names and booleans, without a time: Klaro, Orejime."""

from __future__ import annotations

from proxy.consent.tools.tool_answer import Cookies, Reading, Silence, json_object, of_switches


def read_switches(cookies: Cookies, now: int) -> Reading:  # noqa: ARG001 - they state no time
    """Return the answer in `{"youtube":true,"matomo":false}`."""
    value = next(iter(cookies.values()), None)
    if value is None:
        return Silence.OPEN
    table = json_object(value)
    return Silence.UNREADABLE if table is None else of_switches(table)
