"""What a browser asks for ahead of a click (Sec-Purpose: prefetch): redirects that it may not follow.

The fence stops no hop of a prefetch by speculation rules: a redirect to a third party would reach it
before anybody clicked. Browsers drop a prefetch that fails, and ask anew once the visitor goes there.
"""

from __future__ import annotations

from proxy.filter.headers.fields import Headers
from proxy.filter.headers.link_header import judged
from proxy.http.response import NOTHING_LOADS, Response
from proxy.http.upstream.exchange import UpstreamResponse
from proxy.route.context import RequestContext

REFUSED: Headers = [(b"Cache-Control", b"no-store"), NOTHING_LOADS]

_PURPOSES = (b"sec-purpose", b"purpose", b"x-moz")
"""Today's field, and those of older browsers."""


def refused_prefetch(context: RequestContext, upstream_response: UpstreamResponse) -> Response | None:
    """Return 503 for a prefetch whose redirect leads to a host that this visitor's pages may not load from.

    The caller asks about responses that go by their head.
    """
    if context.observes or not is_prefetch(context):
        return None
    request = context.request
    located = [(b"Location", value) for value in upstream_response.fields.get(b"location", ())]
    translated = context.site.upstream_names.translate(
        located,
        secure=request.visitor.secure,
        authority=request.authority,
        host=request.host.encode("latin-1"),
    )
    for _, address in translated:
        verdict = judged(context.variant.judge, address.strip(), "link")
        if not verdict.keeps:
            context.verdicts.append(("header", verdict))
            return Response(503, list(REFUSED))
    return None


def is_prefetch(context: RequestContext) -> bool:
    """True for what is asked ahead of a click."""
    fields = context.request.fields
    return any(b"prefetch" in value.lower() for name in _PURPOSES for value in fields.get(name, ()))
