"""The catalogue that ships: what is known of platforms and trackers, a file each, and how it is read.

A file of a platform is a block as under `providers:` in rules.yaml, whose cookies are the site's
own (domain `self`). A name stands there in full or with the platform's own ending (`*`), never as
a mere beginning that anybody's cookie may have. trackers.yaml lists names only.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from proxy.policy.catalogue import load_catalogue
from proxy.policy.model import Catalogue

_FOLDER = Path(__file__).resolve().parent
_TRACKERS = "trackers.yaml"


@cache
def shipped_catalogue() -> Catalogue:
    """Return all of the catalogue; its files are part of the program, and read once."""
    texts = {path.name: path.read_text("utf-8") for path in sorted(_FOLDER.glob("*.yaml"))}
    named = {f"catalogue/{name}": text for name, text in texts.items() if name != _TRACKERS}
    return load_catalogue(named, {f"catalogue/{_TRACKERS}": texts[_TRACKERS]})
