"""How far an OPTIONS request may still travel (RFC 9110 7.6.2); TRACE, the other that says so, is refused."""

from __future__ import annotations

from proxy.errors import BadRequest
from proxy.filter.headers.fields import Headers
from proxy.http.request import Request
from proxy.http.response import Response

FIELD = b"max-forwards"


def last_stop(request: Request) -> Response | None:
    """Return our own answer where the request may go no further; BadRequest where nobody can tell."""
    if request.method != b"OPTIONS" or FIELD not in request.fields:
        return None
    values = request.fields[FIELD]
    if len(values) != 1 or not values[0].isdigit() or len(values[0]) > 9:
        raise BadRequest("Max-Forwards is one number", 400)
    if int(values[0]):
        return None
    return Response(204, [(b"Cache-Control", b"no-store")])


def one_hop_less(request: Request, headers: Headers) -> Headers:
    """Return the headers for the upstream of a request that `last_stop` let go on."""
    if request.method != b"OPTIONS" or FIELD not in request.fields:
        return headers
    return [
        (name, b"%d" % (int(value) - 1)) if name.lower() == FIELD else (name, value)
        for name, value in headers
    ]
