"""Our scripts and styles as files: kept for ever under names made of their bytes.

A name this process does not know is of another process with other rules, or of a page
older than these: what is right for the visitor today stands in, and nobody keeps it.
"""

from __future__ import annotations

from functools import lru_cache

from proxy.filter.body.encoding import choose, encoder
from proxy.filter.headers.judged import Headers
from proxy.http.response import Response
from proxy.own.own_request import OwnRequest

FOR_EVER = b"public, max-age=31536000, immutable"

_TYPES = {"js": b"text/javascript; charset=utf-8", "css": b"text/css; charset=utf-8"}


def page_file(call: OwnRequest, name: str) -> Response | None:
    """Return a file that pages of the site name; None for a name that is none of theirs."""
    file = call.site.renderer.file(name, call.decision)
    if file is None:
        return None
    coding = choose(b",".join(call.request.fields.get(b"accept-encoding", ())) or None)
    headers: Headers = [
        (b"Content-Type", _TYPES[name.rpartition(".")[2]]),
        (b"X-Content-Type-Options", b"nosniff"),
        (b"Vary", b"Accept-Encoding"),
    ]
    if coding:
        headers.append((b"Content-Encoding", coding))
    if file.name == name:
        headers.append((b"Cache-Control", FOR_EVER))
    else:  # it tells what this visitor agreed to, so no other site may run it
        headers += [(b"Cache-Control", b"no-store"), (b"Cross-Origin-Resource-Policy", b"same-origin")]
    return Response(200, headers, _coded(file.body, coding))


@lru_cache(maxsize=256)
def _coded(body: bytes, coding: bytes | None) -> bytes:
    write = encoder(coding)
    return write.add(body) + write.close()
