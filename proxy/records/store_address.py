"""The address of a store, as the config says it: sqlite:///FILE or postgresql://..."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from proxy.errors import StartError

_OPTIONS = frozenset({"mode", "max_page_count"})


@dataclass(frozen=True, slots=True)
class StoreAddress:
    """Where a store is: `path` is its file, None for PostgreSQL; `name` shows no password."""

    url: str
    name: str
    path: Path | None = None
    read_only: bool = False
    pages: str = ""


def read_store_address(url: str, folder: Path) -> StoreAddress:
    """Return the address; a relative SQLite file counts from `folder`."""
    if url.startswith("postgresql://"):
        return StoreAddress(url, _without_password(url))
    if not url.startswith("sqlite://"):
        raise StartError(f"records: {url!r} is no address; write sqlite:///FILE or postgresql://...")
    file, _, query = url.removeprefix("sqlite://").removeprefix("/").partition("?")
    options = dict(parse_qsl(query))
    if unknown := sorted(set(options) - _OPTIONS):
        raise StartError(
            f"records: the option {unknown[0]!r} is unknown; sqlite takes {', '.join(sorted(_OPTIONS))}"
        )
    if not file or file == ":memory:":
        raise StartError("records: a store in memory proves nothing; write sqlite:///FILE")
    pages = options.get("max_page_count", "")
    return StoreAddress(
        url,
        name=url,
        path=(folder / file).absolute(),
        read_only=options.get("mode") == "ro",
        pages=pages if pages.isdigit() else "",
    )


def _without_password(url: str) -> str:
    """Return the address as logs may have it, also where a / or @ in the password is not encoded."""
    url = re.sub(r"(?<=://)([^/@:]*):.*@", r"\1:***@", url)
    return re.sub(r"(?<=password=)[^&]*", "***", url)
