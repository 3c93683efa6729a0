"""Deletes pages that a site's service worker cached for another answer of the visitor."""

from __future__ import annotations

import json
from functools import lru_cache

from proxy.banner.assets import script
from proxy.banner.page_head import ASKS, made_for, state_of
from proxy.consent.decision import Decision


def forget_stored(made: str = "") -> str:
    """Return the script that takes stored pages away: all, or those made for something else."""
    return script("stored").removesuffix(";").replace("(MADE_FOR)", f"({json.dumps(made)})")


def worker_lines(decision: Decision, path: str) -> bytes:
    """Return what a service worker does for this decision; `path` is that of our addresses.

    Installed, it takes stored pages of another one away; once it is in charge, tabs that still
    show one are told as another tab would tell them (banner.js), and load anew. Not before: the
    worker it follows may be about to store a page, and would leave the store locked. Where
    nobody has answered, none is told: a page that asks would take that for an answer.
    """
    return _lines(made_for(decision), state_of(decision.grants), path, tells=decision.ask not in ASKS)


@lru_cache(maxsize=64)
def _lines(made: str, state: str, path: str, *, tells: bool) -> bytes:
    lines = script("passing").replace("(PATH)", f"({json.dumps(path)})")
    lines += f'addEventListener("install",e=>e.waitUntil({forget_stored(made)}));'
    if tells:
        tell = f'let c=new BroadcastChannel("cc-consent");c.postMessage({json.dumps(state)});c.close()'
        lines += f'addEventListener("activate",()=>{{{tell}}});'
    return lines.encode("ascii")
