"""Visits for tests: one line each."""

from proxy.server.forwarded import Trust
from proxy.server.visit import Visit, visit_of

NOW = 1_790_000_000


def visit(
    target=b"/", *headers, method=b"GET", host=b"callkom.io", peer="203.0.113.9", secure=True, now=NOW
) -> Visit:
    lines = [(b"Host", host), *headers]
    return visit_of(method, target, lines, peer=peer, trust=Trust(), secure=secure, id_=b"r1", now=now)
