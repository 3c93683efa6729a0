"""Visits for tests: one line each."""

from proxy.http.forwarded import Trust
from proxy.http.request import Request, read_request

NOW = 1_790_000_000


def request(
    target=b"/", *headers, method=b"GET", host=b"callkom.io", peer="203.0.113.9", secure=True, now=NOW
) -> Request:
    lines = [(b"Host", host), *headers]
    return read_request(method, target, lines, peer=peer, trust=Trust(), secure=secure, id_=b"r1", now=now)
