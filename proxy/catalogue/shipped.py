"""Reads the catalogue that ships, once: platforms, trackers, and the blocks of providers."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

from proxy.policy.catalogue import load_catalogue
from proxy.policy.catalogue_schema import CatalogueShape
from proxy.policy.model import Catalogue, CatalogueBlock
from proxy.policy.used_providers import block_of

_FOLDER = Path(__file__).resolve().parent
_TRACKERS = "trackers.yaml"


@cache
def shipped_catalogue() -> Catalogue:
    """Return all of the catalogue; its files are part of the program, and read once."""
    texts = {path.name: path.read_text("utf-8") for path in sorted(_FOLDER.glob("*.yaml"))}
    named = {f"catalogue/{name}": text for name, text in texts.items() if name != _TRACKERS}
    known = load_catalogue(named, {f"catalogue/{_TRACKERS}": texts[_TRACKERS]})
    return replace(known, blocks=_blocks())


def _blocks() -> tuple[CatalogueBlock, ...]:
    """Return the files of providers as text: only those that are used are ever parsed."""
    paths = sorted((_FOLDER / "providers").glob("*.yaml"))
    return tuple(
        CatalogueBlock(path.stem, f"catalogue/providers/{path.name}", path.read_text("utf-8"))
        for path in paths
    )


@cache
def providers() -> dict[str, CatalogueShape]:
    """Return every block of a provider by its name, read and checked: for lists and suggestions."""
    return {block.id: block_of(block)[1] for block in _blocks()}


@cache
def consent_tools() -> frozenset[str]:
    """Return the names of the blocks that are other consent tools."""
    return frozenset(id_ for id_, block in providers().items() if block.kind == "consent tool")
