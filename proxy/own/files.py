"""Scripts and styles of the proxy as files, immutable under names with a digest of their bytes.

An unknown digest comes from another process with other rules, or from an older page: the
file that is right for the visitor today is sent instead, with no-store.
"""

from __future__ import annotations

from functools import lru_cache

from proxy.filter.body.encoding import choose, smallest
from proxy.filter.headers.fields import Headers
from proxy.http.response import Response
from proxy.own.own_request import OwnRequest

IMMUTABLE = b"public, max-age=31536000, immutable"

_TYPES = {"js": b"text/javascript; charset=utf-8", "css": b"text/css; charset=utf-8"}


def file_response(own: OwnRequest, name: str) -> Response | None:
    """Return the response for a file of that name; None for an unknown kind of file."""
    file = own.site.renderer.file(name, own.decision)
    if file is None:
        return None
    coding = choose(b",".join(own.request.fields.get(b"accept-encoding", ())) or None)
    headers: Headers = [
        (b"Content-Type", _TYPES[name.rpartition(".")[2]]),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Vary", b"Accept-Encoding"),
    ]
    if coding:
        headers.append((b"Content-Encoding", coding))
    if file.name == name:
        headers.append((b"Cache-Control", IMMUTABLE))
    else:  # it depends on this visitor's answer, so no other site may run it
        headers += [(b"Cache-Control", b"no-store"), (b"Cross-Origin-Resource-Policy", b"same-origin")]
    return Response(200, headers, _encoded(file.body, coding))


@lru_cache(maxsize=256)
def _encoded(body: bytes, coding: bytes | None) -> bytes:
    return smallest(coding, body)
