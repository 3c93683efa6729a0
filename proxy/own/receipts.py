"""A visitor's own consent records: every record of the id in their cookie, and their erasure.

Consent without a record is none: after an erasure the visitor is asked again.
"""

from __future__ import annotations

from typing import Any

from proxy.consent.answer import Answer
from proxy.consent.cookie import consent_cookie
from proxy.consent.record import Receipt
from proxy.filter.headers.fields import Headers
from proxy.http.request import Request
from proxy.records.store import RecordStore
from proxy.snapshot.sites import Site


async def proofs_of(store: RecordStore, answer: Answer | None) -> list[dict[str, Any]]:
    """Return the receipts of the visitor who gave that answer, newest first."""
    if answer is None:
        return []
    return [Receipt(record).to_json() for record in await store.of_visitor(answer.visitor)]


def proofs_json(proofs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the newest receipt with the earlier ones, as JSON."""
    return {**proofs[0], "earlier": proofs[1:]} if proofs else {"id": None, "earlier": []}


def expire_consent_cookie(site: Site, request: Request) -> Headers:
    """Return the Set-Cookie headers that expire the consent cookie, wherever one may be."""
    domain = site.cookie_domain
    line = consent_cookie(site.cookie, "", domain=domain, secure=request.visitor.secure, max_age=0)
    return [(b"Set-Cookie", one) for one in (line, *site.expire_doubles(request))]
