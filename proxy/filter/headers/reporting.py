"""Response headers that make a browser send reports, judged like requests (threats T16).

Reporting-Endpoints, Report-To, NEL, and `report-uri` of a Content-Security-Policy. A
policy is never loosened here: only addresses of refused or undeclared hosts are removed.
"""

from __future__ import annotations

import json
import re

from proxy.filter.headers.fields import cut_at_commas
from proxy.filter.headers.link_header import judged
from proxy.filter.rules.judge import Judge

_MEMBER = re.compile(rb'[ \t]*[*a-z][*a-z0-9_.-]*[ \t]*=[ \t]*"((?:[^"\\]|\\.)*)"')
_SPACES = re.compile(r"\s*+")
_REPORT_URI = re.compile(rb"([\t\n\f\r ]*report-uri)((?:[\t\n\f\r ].*)?)", re.IGNORECASE | re.DOTALL)
_BLANK = b"\t\n\f\r "
_ADDRESS = re.compile(rb"[\t\n\f\r ]++[^\t\n\f\r ]*+")  # succeeds at any blank: none is read twice


def reporting_endpoints(value: bytes, judge: Judge) -> bytes | None:
    """Return a Reporting-Endpoints value without the endpoints of refused or undeclared hosts."""
    parts = [part for _, part in cut_at_commas(value)]
    kept = []
    for part in parts:
        member = _MEMBER.match(part)
        if member is None or _reports_to(judge, re.sub(rb"\\(.)", rb"\1", member[1])):
            kept.append(part)
    if len(kept) == len(parts):
        return value
    return b",".join(kept).strip(b" \t") or None


def report_to(value: bytes, judge: Judge) -> bytes | None:
    """Return a Report-To value without the groups that report to refused or undeclared hosts.

    One that is no JSON is dropped: a browser might read it after all.
    """
    try:
        text = value.decode()
        groups = _objects(text)
    except (ValueError, RecursionError):
        return None
    kept = [text[start:end] for start, end, group in groups if _group_keeps(group, judge)]
    if len(kept) == len(groups):
        return value
    return ", ".join(kept).encode() or None


def csp_reports(value: bytes, judge: Judge) -> bytes:
    """Return a Content-Security-Policy whose `report-uri` names no refused or undeclared host."""
    if b"report-uri" not in value.lower():
        return value
    policies = [
        b";".join(_directive(part, judge) for part in policy.split(b";")) for policy in value.split(b",")
    ]
    return b",".join(policies)


def _directive(directive: bytes, judge: Judge) -> bytes:
    found = _REPORT_URI.fullmatch(directive)
    if found is None:
        return directive
    addresses = [address for address in _ADDRESS.findall(found[2]) if address.strip(_BLANK)]
    kept = [address for address in addresses if _reports_to(judge, address.strip())]
    if len(kept) == len(addresses):
        return directive
    return found[1] + b"".join(kept) if kept else b""


def _objects(text: str) -> list[tuple[int, int, object]]:
    """Return each JSON value of a comma-separated row and where it stands."""
    reader, found, at = json.JSONDecoder(), [], 0
    while True:
        start = _SPACES.match(text, at).end()  # type: ignore[union-attr]
        group, end = reader.raw_decode(text, start)
        found.append((start, end, group))
        at = _SPACES.match(text, end).end()  # type: ignore[union-attr]
        if at == len(text):
            return found
        if text[at] != ",":
            raise ValueError(text)
        at += 1


def _group_keeps(group: object, judge: Judge) -> bool:
    endpoints = group.get("endpoints") if isinstance(group, dict) else None
    if not isinstance(endpoints, list):
        return True
    addresses = [endpoint.get("url") for endpoint in endpoints if isinstance(endpoint, dict)]
    return all(
        _reports_to(judge, url.encode("utf-8", "replace")) for url in addresses if isinstance(url, str)
    )


def _reports_to(judge: Judge, address: bytes) -> bool:
    return judged(judge, address, "report").keeps
