"""How many clicks it takes to refuse where the first layer of a banner has no button for it."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, NamedTuple

from proxy.audit.page_scripts import page_script

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle, Page

OPENS = (
    "setting|preference|manage|customi[sz]e|option|choose|personali|param[eè]tr|g[eé]rer|einstellung|anpassen"
    "|verwalten|auswahl|impostazion|preferenz|gestisci|configurar|instelling|voorkeur|beheer"
)
REFUSES = (
    "reject|refuse|decline|deny|disagree|object to all"
    "|(?:only|nur).*(?:necessary|essential|notwendig|erforderlich)"
    "|(?:necessary|essential).*only|refuser|rejeter|sans accepter|ablehnen|verweigern|rifiuta|rechazar|weiger"
)
SAVES = "save|confirm|apply|enregistrer|confirmer|valider|speichern|best[aä]tig|salva|guardar|opslaan"
LAYERS = 3
"""Layers that are opened at most."""

OPENS_IN = 3.0
"""Seconds in which a further layer has to open."""

CLICK = 3_000


class Clicks(NamedTuple):
    """How many clicks refusing takes, None where no way was found, and by which buttons."""

    needed: int | None
    how: str


class _Found(NamedTuple):
    button: ElementHandle
    words: str
    on: int  # switches that are on and can be turned off


def clicks_to_refuse(page: Page, shown: str) -> Clicks:
    """Open further layers of a banner until one refuses; nothing is refused. `shown` is its selector."""
    from playwright.sync_api import Error  # noqa: PLC0415 - an optional extra

    path: list[str] = []
    with contextlib.suppress(Error):
        for _ in range(LAYERS):
            opener = _find(page, OPENS, shown)
            if opener is None:
                break
            opener.button.click(timeout=CLICK)
            path.append(opener.words)
            if (clicks := _last_click(page, shown, path)) is not None:
                return clicks
    return Clicks(None, ", ".join(path))


def _last_click(page: Page, shown: str, path: list[str]) -> Clicks | None:
    """Return the clicks where this layer refuses: by a button, or by saving with all switches off."""
    end = time.monotonic() + OPENS_IN
    while time.monotonic() < end:
        refuse, save = _find(page, REFUSES, shown), _find(page, SAVES, shown)
        if refuse is not None:
            return Clicks(len(path) + 1, ", ".join([*path, refuse.words]))
        if save is not None:
            off = [f"{save.on} switches off"] if save.on else []
            return Clicks(len(path) + save.on + 1, ", ".join([*path, *off, save.words]))
        page.wait_for_timeout(100)
    return None


def _find(page: Page, words: str, shown: str) -> _Found | None:
    found = page.evaluate_handle(page_script("layers.js"), [words, shown])
    button = found.get_property("button").as_element() if found.evaluate("one => one !== null") else None
    if button is None:
        return None
    return _Found(button, str(found.evaluate("one => one.words"))[:60], int(found.evaluate("one => one.on")))
