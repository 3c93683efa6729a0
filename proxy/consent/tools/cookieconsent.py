"""vanilla-cookieconsent: JSON with the categories granted and the time of the last answer."""

from __future__ import annotations

from proxy.consent.tools.tool_answer import (
    Cookies,
    Reading,
    Silence,
    ToolAnswer,
    is_credible,
    json_object,
    moment_of,
    names_in,
)


def read_cookieconsent(cookies: Cookies, now: int) -> Reading:
    """Return the answer in `{"categories":[...],"services":{...},"lastConsentTimestamp":"..."}`.

    A category with services counts by its services, named `category/service`: it stands among the
    categories as soon as one of them is granted.
    """
    value = next(iter(cookies.values()), None)
    if value is None:
        return Silence.OPEN
    table = json_object(value)
    if table is None or "categories" not in table:
        return Silence.UNREADABLE
    granted, services = names_in(table["categories"]), table.get("services", {})
    first, last = moment_of(table.get("consentTimestamp")), moment_of(table.get("lastConsentTimestamp"))
    if granted is None or first is None or not isinstance(services, dict):
        return Silence.UNREADABLE
    at = first if last is None else last
    if not is_credible(at, now) or at < first:
        return Silence.UNREADABLE
    single: set[str] = set()
    unclear: set[str] = set()
    for category, listed in services.items():
        names = names_in(listed)
        if names is None:
            return Silence.UNREADABLE
        single |= {f"{category}/{name}" for name in names}
        if names and category in granted:
            unclear.add(category)
    if _is_over(table.get("expirationTime"), now):
        return Silence.OPEN
    return ToolAnswer((granted - unclear) | single, None, at, frozenset(unclear))


def _is_over(ends: object, now: int) -> bool:
    """True where the cookie says that its time is over: the tool asks again."""
    return isinstance(ends, int | float) and not isinstance(ends, bool) and ends < now * 1000
