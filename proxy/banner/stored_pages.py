"""Deletes pages that a site's service worker cached for another answer of the visitor."""

from __future__ import annotations

import json
from dataclasses import dataclass

from proxy.banner.assets import script
from proxy.banner.page_head import ASKS, made_for, state_of
from proxy.consent.decision import Decision

_DOCTYPE = b"<!doctype html>"
"""Ahead of what is put in front of a page: the page's own doctype comes too late then."""


def forget_stored(made: str = "") -> str:
    """Return the script that takes stored pages away: all, or those made for something else."""
    return script("stored").removesuffix(";").replace("(MADE_FOR)", f"({json.dumps(made)})")


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """What a service worker puts into pages that it makes itself, and by which rows it judges its cookies."""

    fence: bytes
    head: bytes
    foot: bytes
    frame: bytes  # the head of a page in a frame
    rows: str  # the rows of the cookie guard, and whether undeclared cookies are kept: two arguments


def worker_lines(decision: Decision, path: str, page: WorkerPage) -> bytes:
    """Return what a service worker does for this decision; `path` is that of our addresses.

    Installed, it takes stored pages of another one away; once it is in charge, tabs that still
    show one are told as another tab would tell them (banner.js), and load anew. Not before: the
    worker it follows may be about to store a page, and would leave the store locked. Where
    nobody has answered, none is told: a page that asks would take that for an answer.
    """
    around = f"[{_literal(_DOCTYPE + page.head)},{_literal(page.foot)}]"
    texts = f"{json.dumps(path)},{_literal(page.fence)},{around},{_literal(_DOCTYPE + page.frame)}"
    lines = script("worker").replace("(TABLE)", f"({texts},{page.rows})")
    lines += f'addEventListener("install",e=>e.waitUntil({forget_stored(made_for(decision))}));'
    if decision.ask not in ASKS:
        state = json.dumps(state_of(decision.grants))
        tell = f'let c=new BroadcastChannel("cc-consent");c.postMessage({state});c.close()'
        lines += f'addEventListener("activate",()=>{{try{{{tell}}}catch(e){{}}}});'
    return lines.encode("ascii")


def _literal(text: bytes) -> str:
    return json.dumps(text.decode())
