"""What gets a response or a refusal before the upstream is asked, decided once for every route.

The ordinary route and the fast path both call `stopped`. A gate only decides: it may be asked twice
about one request (the fast path leaves whatever is stopped to the ordinary route), so it counts, writes
and sends nothing. What makes a request unreadable (a missing Host, an unknown site: 421) is refused
earlier, where its context is built (context.py).
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum

from proxy.errors import BadRequest
from proxy.filter.verdict import Does
from proxy.http.header_names import MAX_FORWARDS
from proxy.http.response import NOTHING_LOADS, Response
from proxy.own.addresses import GPC
from proxy.route.context import FRAMES, RequestContext
from proxy.route.prefetch import is_prefetch
from proxy.telemetry.visitor_network import lies_in


class Stop(Enum):
    """Why a request is not relayed, where the response is not known yet."""

    OWN_ADDRESS = "own address"  # own/addresses.py responds: it may have to read a body
    DECLARED_ANSWER = "declared answer"  # another consent tool's answer is recorded first


Gate = Callable[[RequestContext], Response | Stop | None]


def own_address(context: RequestContext) -> Stop | None:
    """Stop a request for one of our own addresses: it never reaches the upstream.

    Compared byte for byte; anything like it is the site's (threats T40).
    """
    path = context.request.path
    return Stop.OWN_ADDRESS if path.startswith(context.snapshot.pages.path) or path == GPC else None


def last_hop(context: RequestContext) -> Response | None:
    """Respond to an OPTIONS request that may be forwarded no further (Max-Forwards: 0, RFC 9110 7.6.2).

    BadRequest where nobody can tell. TRACE, the other method with that field, is refused as it is read.
    """
    request = context.request
    if request.method != b"OPTIONS" or MAX_FORWARDS not in request.fields:
        return None
    values = request.fields[MAX_FORWARDS]
    if len(values) != 1 or not values[0].isdigit() or len(values[0]) > 9:
        raise BadRequest("Max-Forwards is one number", 400)
    if int(values[0]):
        return None
    return Response(204, [(b"Cache-Control", b"no-store")])


def purging(context: RequestContext) -> Response | None:
    """Refuse PURGE, which empties caches behind us, from networks that the config does not name."""
    request = context.request
    if request.method.upper() != b"PURGE" or lies_in(request.visitor.address, context.snapshot.config.purge):
        return None
    return Response(403, [(b"Cache-Control", b"no-store"), NOTHING_LOADS])


def refused_collection(context: RequestContext) -> Response | None:
    """Respond 204 to a request that only collects data without consent (T31); observing only notes it."""
    verdict = context.site.refusal(context.request, context.decision)
    if verdict.does is Does.KEEP:
        return None
    context.verdicts.append(("request", verdict))
    return None if context.observes else refused_collection_response()


def refused_collection_response() -> Response:
    """Return what a script gets that collects without consent, or is itself such a script: nothing."""
    return Response(204, [(b"Cache-Control", b"no-store")])


def declared_answer(context: RequestContext) -> Stop | None:
    """Stop a page for a visitor whose answer to another consent tool is to be recorded first.

    Only a page that somebody opens takes an answer, and its response carries our cookie.
    """
    request, decision = context.request, context.decision
    if not decision.is_due or context.observes:
        return None
    if request.method != b"GET" or not request.opens:
        return None
    return None if request.destination in FRAMES or is_prefetch(context) else Stop.DECLARED_ANSWER


GATES: tuple[Gate, ...] = (own_address, last_hop, purging, refused_collection, declared_answer)
"""In the order in which they are asked; the first that stops a request decides."""


def stopped(context: RequestContext) -> Response | Stop | None:
    """Return what a request gets instead of the upstream's response; None when it is relayed."""
    for gate in GATES:
        found = gate(context)
        if found is not None:
            return found
    return None
