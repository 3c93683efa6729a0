"""The header fields of a response that the visitor may see: end-to-end ones, without those that are refused.

Fields that make a browser send a request are judged. All others pass unchanged.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from proxy.filter.headers.fields import Headers, list_of, value_of, values_of, without
from proxy.filter.headers.link_header import link_header, refresh_header, speculation_rules
from proxy.filter.headers.reporting import csp_reports, report_to, reporting_endpoints
from proxy.filter.rules.judge import Judge
from proxy.policy.model import NECESSARY, Policy
from proxy.policy.scope import Pair

HOP_BY_HOP = frozenset(
    b"connection keep-alive proxy-connection proxy-authenticate proxy-authorization te trailer"
    b" transfer-encoding upgrade http2-settings proxy".split()
)
"""Fields between two neighbours (RFC 9110 7.6.1); `Proxy` is no field at all but an attack (httpoxy)."""

_NEVER_NAMED = frozenset(
    b"host content-length content-type content-encoding content-range cache-control cookie set-cookie"
    b" authorization content-security-policy etag vary".split()
)
"""Fields meant for everybody, which Connection must not name (RFC 9110 7.6.1): it is ignored there."""

# Alt-Svc names another server: a browser that follows it bypasses the proxy.
_BYPASSING = frozenset({b"alt-svc"})

_Judging = Callable[[bytes, Judge], bytes | None]
_JUDGED: dict[bytes, _Judging] = {
    b"link": link_header,
    b"refresh": refresh_header,
    b"speculation-rules": speculation_rules,
    b"reporting-endpoints": reporting_endpoints,
    b"report-to": report_to,
    b"content-security-policy": csp_reports,
    b"content-security-policy-report-only": csp_reports,
}

JUDGED = frozenset({*_JUDGED, b"nel"})
"""Response fields that judged_headers judges (lower case)."""


class JudgedHeaders(NamedTuple):
    """A response's headers as the visitor may see them, and the names that changed."""

    headers: Headers
    touched: tuple[bytes, ...]


def end_to_end(headers: Headers) -> Headers:
    """Return the headers without hop-by-hop fields and those that Connection names."""
    named = {option.lower() for option in list_of(values_of(headers, b"connection"))} - _NEVER_NAMED
    gone = HOP_BY_HOP | named if named else HOP_BY_HOP
    if value_of(headers, b"transfer-encoding") is not None:
        gone |= {b"content-length"}  # RFC 9112 6.1: the other framing decides
    return without(headers, gone)


def refused_headers(policy: Policy, grants: frozenset[Pair]) -> frozenset[bytes]:
    """Return the names (lower case) of response headers these grants do not allow (threats T55)."""
    granted = {pair.purpose for pair in grants}
    names: set[bytes] = set(_BYPASSING)
    for rule in policy.headers:
        free = rule.purpose is not None and (
            rule.purpose == NECESSARY or rule.purpose in granted or not policy.needs_consent(rule.purpose)
        )
        if not free:
            names.update(name.lower().encode("latin-1") for name in rule.names)
    return frozenset(names)


def judged_headers(headers: Headers, judge: Judge, refused: frozenset[bytes]) -> JudgedHeaders:
    """Return the headers without lines or entries that request a refused host."""
    out: Headers = []
    touched: list[bytes] = []
    for pair in headers:
        name = pair[0].lower()
        if name in refused:
            touched.append(name)
            continue
        judging = _JUDGED.get(name)
        value = judging(pair[1], judge) if judging else pair[1]
        if value != pair[1]:
            touched.append(name)
        if value is not None:
            out.append(pair if value == pair[1] else (pair[0], value))
    if b"report-to" in touched:  # NEL reports through the removed field
        out = without(out, (b"nel",))
    return JudgedHeaders(out, tuple(touched))
