"""Names of cookies as they may be written down: short, and without what looks like an id."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9a-f-]{8,}|[0-9]{4,}", re.IGNORECASE)
_ODD = re.compile(r"[^!#$%&'*+.^_`|~0-9A-Za-z:-]")


def without_ids(name: str) -> str:
    """Return a cookie's name for logs and tables: runs that look like an id are a `*`."""
    return _ODD.sub("?", _ID.sub("*", name[:64]))
