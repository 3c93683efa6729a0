"""What a banner offers as it is drawn: refusing against accepting, in size, contrast, clicks; and words."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from proxy.audit.browser import page_script
from proxy.audit.deciding import APPEARS, CLICK, Asked, who_asks
from proxy.banner.words import Words
from proxy.config.banner_colours import TEXT, contrast

if TYPE_CHECKING:
    from playwright.sync_api import ElementHandle, Locator, Page

LEAST_RATIO = 0.9
"""A button to refuse that is smaller than this part of the one to accept is called smaller."""

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

_AROUND = """button => {
  const box = button.closest("[role=dialog], [role=alertdialog], dialog")
    || button.closest("section, aside, form, div[id]") || button.parentElement;
  const links = [...box.querySelectorAll("a[href]")].map(one => one.innerText.trim()).slice(0, 50);
  return { text: box.innerText.slice(0, 20000), links };
}"""


class Clicks(NamedTuple):
    """How many clicks refusing takes, None where no way was found, and by which buttons."""

    needed: int | None
    how: str


class _Found(NamedTuple):
    button: ElementHandle
    words: str
    on: int  # switches that are on and can be turned off


def view(page: Page, languages: Sequence[Words], seconds: float = APPEARS) -> dict[str, Any]:
    """Return what the banner of this page offers; `found` is False where there is none."""
    asked = who_asks(page, languages, seconds)
    if asked is None:
        return {"found": False, "tool": "", "faults": [], "doubts": []}
    refuse, accept = asked.buttons(page)
    measured = _measured(refuse)
    found: dict[str, Any] = {
        "found": True,
        "tool": asked.name,
        "refuse": measured,
        "accept": _measured(accept),
        "clicks": {"accept": 1, "refuse": 1 if measured else None},
        "words": _words(accept, asked),
    }
    found["faults"], found["doubts"] = judged(found)
    return found


def judged(found: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Return what is wrong with a banner, and what somebody has to look at."""
    refuse, accept = found["refuse"], found["accept"]
    if refuse is None or accept is None:
        return [_none_to_refuse(found)] if accept else [], []
    faults: list[str] = []
    doubts = [
        f"refusing is smaller than accepting: {side} {refuse[side]} against {accept[side]}"
        for side in ("width", "height", "font")
        if refuse[side] < accept[side] * LEAST_RATIO
    ]
    if refuse["contrast"] < min(TEXT, accept["contrast"]):
        doubts.append(
            f"refusing is paler than accepting: contrast {refuse['contrast']} against {accept['contrast']}"
        )
    if not refuse["visible"] and accept["visible"]:
        faults.append("the button to refuse is not on the first screen, the one to accept is")
    doubts += [f"the banner does not say {what}" for what, there in found["words"].items() if not there]
    return faults, doubts


def count_clicks(page: Page, languages: Sequence[Words], found: dict[str, Any]) -> None:
    """Find out how many clicks refusing takes in further layers, where the first has no button for it."""
    asked = who_asks(page, languages)
    if asked is None or asked.tool is None:
        return
    clicks = clicks_to_refuse(page, asked.tool.shown)
    found["clicks"]["refuse"], found["refused_by"] = clicks
    found["faults"], found["doubts"] = judged(found)


def _none_to_refuse(found: dict[str, Any]) -> str:
    words = "the first layer has no button to refuse, but one to accept"
    if "refused_by" not in found:
        return words
    count = found["clicks"]["refuse"]
    if count is None:
        return f"{words}: no way to refuse was found in further layers"
    return f"{words}: refusing takes {count} clicks ({found['refused_by']}), accepting 1"


def _measured(button: Locator) -> dict[str, Any] | None:
    from playwright.sync_api import Error  # noqa: PLC0415 - an optional extra

    with contextlib.suppress(Error):
        if button.count() and button.first.is_visible():
            found = dict(button.first.evaluate(page_script("measure.js")))
            return found | {"contrast": round(contrast(found.pop("ink"), found.pop("ground")), 2)}
    return None


def _words(button: Locator, asked: Asked) -> dict[str, bool]:
    """Return which words that a person has to read are in the banner."""
    from playwright.sync_api import Error  # noqa: PLC0415

    text, links = "", []
    with contextlib.suppress(Error):
        around = button.first.evaluate(_AROUND)
        text, links = str(around["text"]).lower(), [str(one).lower() for one in around["links"]]
    said = (
        [asked.words.plain(f"banner.{name}").lower() for name in ("policy", "privacy")] if asked.words else []
    )
    known = (*said, "polic", "privacy", "politique", "confidentialit", "datenschutz", "richtlinie")
    taken_back = (
        "withdraw",
        "any time",
        "change your",
        "manage",
        "retirer",
        "tout moment",
        "gérer",
        "widerruf",
        "jederzeit",
    )
    return {
        "where the policy is": any(word in link for link in links for word in known),
        "that the choice can be taken back": any(word in text for word in taken_back),
        "that something is stored": any(word in text for word in ("cookie", "traceur", "tracker", "stor")),
    }


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
