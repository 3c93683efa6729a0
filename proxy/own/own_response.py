"""What all answers of our own addresses share: their headers, and JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proxy.banner.page_head import state_of as name_of
from proxy.consent.decision import Decision
from proxy.filter.headers.judged import Headers
from proxy.http.response import Response
from proxy.snapshot.sites import Site

HTML = b"text/html; charset=utf-8"
JSON = b"application/json; charset=utf-8"

OURS: Headers = [
    (b"Cache-Control", b"no-store"),
    (b"Referrer-Policy", b"same-origin"),
    (b"X-Content-Type-Options", b"nosniff"),
]


def as_json(
    said: Mapping[str, Any], more: Headers | None = None, *, status: int = 200, kept: bool = False
) -> Response:
    """Return an answer for programs; `kept` where browsers may keep it a day."""
    body = json.dumps(said, ensure_ascii=False).encode()
    headers = [(b"Content-Type", JSON), *OURS]
    if kept:
        headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"max-age=86400")]
    return Response(status, [*headers, *(more or [])], body)


def state_of(decision: Decision, site: Site) -> dict[str, Any]:
    """Return what holds for this visitor, for scripts of the site."""
    answer = decision.answer
    return {
        "ask": decision.ask.value,
        "state": name_of(decision.grants),  # as on pages made for it (data-state)
        "signal": decision.signal,
        "granted": sorted({pair.purpose for pair in decision.grants}),
        "purposes": sorted(site.scope.purposes),
        "answered": answer.at if answer is not None else None,
        "policy_version": site.policy.version,
    }
