"""What responses of the own addresses share: headers, JSON bodies, the consent state."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from proxy.banner.assets import css_hash
from proxy.banner.page_head import state_of as state_name
from proxy.consent.decision import Decision
from proxy.filter.headers.fields import Headers
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


def answered_page(decision: Decision, more: Headers) -> Response:
    """Return what a choice that was sent inside a frame leads to: it tells the pages of this host."""
    tell = f'let c=new BroadcastChannel("cc-consent");c.postMessage({_literal(state_name(decision.grants))})'
    return _tell_page(tell, more)


def _tell_page(tell: str, more: Headers, status: int = 200) -> Response:
    policy = f"default-src 'none'; script-src '{css_hash(tell)}'; frame-ancestors 'self'"
    headers: Headers = [
        (b"Content-Type", HTML),
        (b"Content-Security-Policy", policy.encode("ascii")),
        # A page that demands it of its frames may demand it of this one.
        (b"Cross-Origin-Embedder-Policy", b"require-corp"),
        *OWN_HEADERS,
    ]
    body = f"<!DOCTYPE html><title>.</title><script>{tell}</script>".encode("ascii")
    return Response(status, [*headers, *more], body)


def again_page(choice: str, status: int) -> Response:
    """Return what such a frame gets where the choice has no effect: the form is sent as if without script."""
    code = "let f=frameElement.previousSibling;"
    return _tell_page(f"{code}f.requestSubmit(f.querySelector({_literal(f'[value={choice}]')}))", [], status)


def _literal(text: str) -> str:
    return json.dumps(text).replace("<", "\\u003c")


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
