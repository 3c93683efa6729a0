"""What responses of the own addresses share: headers, JSON bodies, the consent state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proxy.banner.page_head import state_of as state_name
from proxy.consent.decision import Decision
from proxy.filter.headers.judged_headers import Headers
from proxy.http.response import Response
from proxy.snapshot.sites import Site

HTML = b"text/html; charset=utf-8"
JSON = b"application/json; charset=utf-8"

OWN_HEADERS: Headers = [
    (b"Cache-Control", b"no-store"),
    (b"Referrer-Policy", b"same-origin"),
    (b"X-Content-Type-Options", b"nosniff"),
]


def json_response(
    payload: Mapping[str, Any], more: Headers | None = None, *, status: int = 200, cacheable: bool = False
) -> Response:
    """Return a JSON response; `cacheable` for a day."""
    body = json.dumps(payload, ensure_ascii=False).encode()
    headers = [(b"Content-Type", JSON), *OWN_HEADERS]
    if cacheable:
        headers = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"max-age=86400")]
    return Response(status, [*headers, *(more or [])], body)


def consent_state(decision: Decision, site: Site) -> dict[str, Any]:
    """Return the visitor's consent state, as scripts of the site read it."""
    answer = decision.answer
    return {
        "ask": decision.ask.value,
        "state": state_name(decision.grants),  # as on pages made for it (data-state)
        "signal": decision.signal,
        "granted": sorted({pair.purpose for pair in decision.grants}),
        "purposes": sorted(site.scope.purposes),
        "answered": answer.at if answer is not None else None,
        "policy_version": site.policy.version,
    }
