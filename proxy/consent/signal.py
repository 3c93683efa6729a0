"""Signals of the browser: Global Privacy Control, and requests that may lack cookies."""

from __future__ import annotations

from collections.abc import Iterable


def refuses_by_signal(values: Iterable[bytes]) -> bool:
    """True when a Sec-GPC field says exactly `1`; said twice it counts once, all else is ignored.

    Global Privacy Control: "1" is the only value that means anything, and sites that
    read `0`, `true` or `?1` as a signal read what nobody said.
    """
    return any(word.strip(b" \t") == b"1" for value in values for word in value.split(b","))


def may_lack_cookies(method: bytes, site: bytes | None, mode: bytes | None, dest: bytes | None) -> bool:
    """True when the browser may have withheld the SameSite=Lax cookie (threats T56).

    The last three are Sec-Fetch-Site, -Mode and -Dest. Lax cookies come along on cross-site
    requests only with a top-level GET; there, and there alone, their absence means anything.
    """
    if site is None or site.strip() != b"cross-site":
        return False
    top = (
        mode is not None and mode.strip() == b"navigate" and dest is not None and dest.strip() == b"document"
    )
    return not (top and method in (b"GET", b"HEAD"))
