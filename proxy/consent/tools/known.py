"""The consent tools whose cookies can be read: where each keeps its answer, and whether it says when."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from proxy.consent.tools.cookiebot import read_cookiebot
from proxy.consent.tools.cookieconsent import read_cookieconsent
from proxy.consent.tools.didomi import BINARY, TOKEN, read_didomi
from proxy.consent.tools.onetrust import CLOSED, CONSENT, read_onetrust
from proxy.consent.tools.switches import read_switches
from proxy.consent.tools.tool_answer import MAX_LENGTH, Cookies, Reading, Silence, ToolAnswer
from proxy.consent.tools.word_lists import COMPLIANZ, read_complianz, read_cookieyes, read_tarteaucitron

MAX_COOKIES = 32
"""Cookies of one tool that a request may carry and have read."""

MAX_OTHERS = 8
"""Further values under names that came before: pages disagree on few domains, strangers send any."""


@dataclass(frozen=True, slots=True)
class ReadableTool:
    """A consent tool: its id is that of its block in the catalogue.

    `cookies` are names, or beginnings that end with `*`; the first can be called otherwise
    on a site where `renamed` says so. `states_time`: its answers say when they were given, and so
    can be grants that count.
    """

    id: str
    name: str
    cookies: tuple[str, ...]
    read: Callable[[Cookies, int], Reading]
    states_time: bool = False
    renamed: bool = False

    def named(self, cookie: str | None) -> tuple[str, ...]:
        """Return the names of its cookies, the first called as a site calls it."""
        return self.cookies if cookie is None else (cookie, *self.cookies[1:])


TOOLS = {
    tool.id: tool
    for tool in (
        ReadableTool("tarteaucitron", "tarteaucitron", ("tarteaucitron",), read_tarteaucitron, renamed=True),
        ReadableTool("klaro", "Klaro", ("klaro",), read_switches, renamed=True),
        ReadableTool(
            "cookieconsent",
            "vanilla-cookieconsent",
            ("cc_cookie",),
            read_cookieconsent,
            states_time=True,
            renamed=True,
        ),
        ReadableTool("orejime", "Orejime", ("eu-consent",), read_switches, renamed=True),
        ReadableTool("complianz", "Complianz", (f"{COMPLIANZ}*",), read_complianz),
        ReadableTool("cookieyes", "CookieYes", ("cookieyes-consent",), read_cookieyes),
        ReadableTool("onetrust", "OneTrust", (CONSENT, CLOSED), read_onetrust, states_time=True),
        ReadableTool("cookiebot", "Cookiebot", ("CookieConsent",), read_cookiebot, states_time=True),
        ReadableTool("didomi", "Didomi", (TOKEN, BINARY), read_didomi, states_time=True, renamed=True),
    )
}
"""By id, in the order in which the documentation lists them."""


def read_tool(tool: ReadableTool, pairs: Iterable[tuple[str, str]], now: int) -> Reading:
    """Return what a visitor told this tool, given the cookies of its names in the order sent.

    A browser sends two of one name where pages of a site disagree on the domain. What both grant is
    granted, what one refuses is refused, and nobody can say when.
    """
    found: dict[str, list[str]] = {}
    for number, (name, value) in enumerate(pairs):
        if number >= MAX_COOKIES or len(value) > MAX_LENGTH:
            return Silence.UNREADABLE
        found.setdefault(name, []).append(value)
    first = {name: values[0] for name, values in found.items()}
    others = [(name, value) for name, values in found.items() for value in values[1:] if value != values[0]]
    if len(others) > MAX_OTHERS:
        return Silence.UNREADABLE
    reading = tool.read(first, now)
    readings = [tool.read({**first, name: value}, now) for name, value in others]
    return reading if all(one == reading for one in readings) else _both([reading, *readings])


def _both(readings: list[Reading]) -> Reading:
    answers = [one for one in readings if isinstance(one, ToolAnswer)]
    if len(answers) != len(readings):
        return Silence.UNREADABLE
    granted = frozenset.intersection(*(one.granted for one in answers))
    named = [one.refused | one.granted if one.refused is not None else None for one in answers]
    whole = None if any(one is None for one in named) else frozenset().union(*(n for n in named if n))
    unclear = frozenset().union(*(one.unclear for one in answers))
    exceptions = frozenset().union(*(one.exceptions for one in answers))
    return ToolAnswer(granted, None if whole is None else whole - granted, None, unclear, exceptions)
