"""The report as a JSON document, by the schema in report.schema.json."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.audit.evaluation import CookieRow, Evaluation, HostRow, KeyRow, StateRows, status_of
from proxy.audit.findings import Fact, Finding, Severity
from proxy.audit.observed import SiteVisit
from proxy.audit.plan import purposes_of
from proxy.audit.proxy_view import ProxyView
from proxy.audit.rule_book import fact_of
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.seen.names import Kind
from proxy.seen.ownership import ownership

SCHEMA = Path(__file__).resolve().parent / "report.schema.json"

FORMAT = 1
"""Number of the format; it grows with every change that takes something away."""

MOST_PAGES = 20

BY_STATE = frozenset({Fact.BEFORE, Fact.REFUSED, Fact.WITHDRAWN})
"""Facts that only the visit of a certain state can show."""


def document(
    seen: SiteVisit,
    found: Evaluation,
    policy: Policy,
    own: OwnHosts,
    *,
    version: str,
    command: Sequence[str],
    now: float,
    written_for: str = "",
    rules: str = "",
    proxy: ProxyView | None = None,
) -> dict[str, Any]:
    """Return everything that a report says, without the screenshots."""
    return {
        "format": FORMAT,
        "program": f"consent-proxy {version}",
        "date": datetime.fromtimestamp(now, UTC).isoformat(timespec="seconds"),
        "command": " ".join(command),
        "browser": seen.browser,
        "addresses": list(seen.addresses),
        "own": {"hosts": sorted(own.hosts), "domain": own.domain},
        "rules": {
            "file": rules,
            "version": policy.version,
            "digest": policy.digest,
            "written_for": written_for,
        },
        "proxy": None if proxy is None else proxy.document(policy.digest),
        "behind_proxy": any(visit.behind for visit in seen.states),
        "summary": summary(found.findings, seen),
        "banner": dict(seen.banner),
        "banners": [
            {"page": page, "tool": one["tool"], "faults": one["faults"], "doubts": one["doubts"]}
            for page, one in seen.banners.items()
            if one["found"]
        ],
        "states": [_state(rows, policy) for rows in found.states],
        "findings": [_finding(one) for one in found.findings],
    }


def summary(findings: Sequence[Finding], seen: SiteVisit) -> dict[str, Any]:
    """Return the verdict in a word, and numbers by fact; what was not judged is never clean."""
    looked = {fact_of(visit.state) for visit in seen.states if visit.decided.done}
    undecided = [visit.state for visit in seen.states if not visit.decided.done]
    violations = [one for one in findings if one.objection.severity is Severity.VIOLATION]
    doubts = len(findings) - len(violations)
    return {
        "verdict": "violations" if violations else "doubts" if doubts or undecided else "clean",
        "violations": len(violations),
        "doubts": doubts,
        "undecided": undecided,
        "facts": [
            {
                "fact": fact.name.lower(),
                "title": fact.value,
                "judged": _is_judged(fact, looked, seen),
                "violations": sum(one.objection.fact is fact for one in violations),
                "doubts": sum(one.objection.fact is fact for one in findings)
                - sum(one.objection.fact is fact for one in violations),
            }
            for fact in Fact
        ],
    }


def _is_judged(fact: Fact, looked: Collection[Fact], seen: SiteVisit) -> bool:
    """True where a visit could show this fact: banners are looked at in `none`."""
    if fact is Fact.BANNER:
        return bool(seen.banners or seen.banner)
    return fact in looked if fact in BY_STATE else bool(looked)


def _finding(one: Finding) -> dict[str, Any]:
    first = min(one.sights, key=lambda sight: sight.when.after) if len(one.states) == 1 else one.sights[0]
    said = one.objection
    return {
        "severity": said.severity.value,
        "fact": said.fact.name.lower(),
        "what": one.what.value,
        "name": one.name,
        "where": one.where,
        "why": said.why,
        "rule": said.rule or None,
        "provider": said.provider or None,
        "needs": list(said.needs),
        "advice": said.advice or None,
        "states": one.states,
        "sides": sorted({sight.side for sight in one.sights}),
        "by": sorted({sight.by for sight in one.sights if sight.by})[:MOST_PAGES],
        "pages": one.pages[:MOST_PAGES],
        "first": {"state": first.state, "page": first.when.page, "after_ms": first.when.after},
    }


def _state(rows: StateRows, policy: Policy) -> dict[str, Any]:
    visit = rows.visit
    return {
        "state": visit.state,
        "granted": list(purposes_of(visit.state, policy)),
        "decided": visit.decided.done,
        "how": visit.decided.how,
        "tool": visit.decided.tool,
        "pages": [
            {
                "address": one.address,
                "status": one.status,
                "title": one.title,
                "milliseconds": one.milliseconds,
                "after_choice": one.decided,
                "left_for": one.left or None,
                "failed": one.failed or None,
            }
            for one in visit.pages
        ],
        "cookies": [_cookie(row) for row in rows.cookies.values()],
        "storage": [_key(row) for row in rows.keys.values()],
        "hosts": [_host(row) for row in rows.hosts.values()],
        "reads": [
            {
                "names": list(one.names),
                "how": one.how,
                "by": one.by,
                "page": one.when.page,
                "after_ms": one.when.after,
            }
            for one in rows.reads
        ],
    }


def _row(row: CookieRow | KeyRow | HostRow) -> Mapping[str, Any]:
    """Return what all rows say."""
    when = row.first.when
    return {
        "status": status_of(row.objections, counted=row.counted),
        "why": [one.why for one in row.objections],
        "rule": next((one.rule for one in row.objections if one.rule), None),
        "pages": list(row.pages)[:MOST_PAGES],
        "first": {"page": when.page, "after_ms": when.after, "after_choice": when.decided},
    }


def _cookie(row: CookieRow) -> dict[str, Any]:
    first, rule = row.first, row.row
    return {
        "name": first.name,
        "domain": first.domain,
        "host_only": first.host_only,
        "partition": first.partition or None,
        "sides": list(row.sides),
        "by": list(row.by)[:MOST_PAGES],
        "lives": row.lives,
        "httponly": first.httponly,
        "secure": first.secure,
        "provider": rule.provider if rule is not None else None,
        "purpose": rule.purpose if rule is not None else None,
        "promised": rule.lasts.text if rule is not None else None,
        "published": None if rule is None else rule.unpublished is None,
        "necessary_by": row.necessary_by or None,
        "owner": ownership(Kind.COOKIE, first.name).owner,
        **_row(row),
    }


def _key(row: KeyRow) -> dict[str, Any]:
    return {
        "name": row.first.name,
        "host": row.first.host,
        "areas": list(row.areas),
        "by": list(row.by)[:MOST_PAGES],
        "owner": ownership(Kind.KEY, row.first.name).owner,
        **_row(row),
    }


def _host(row: HostRow) -> dict[str, Any]:
    return {
        "host": row.first.host,
        "owner": ownership(Kind.HOST, row.first.host).owner,
        "elements": list(row.elements),
        "scripts": list(row.scripts)[:MOST_PAGES],
        "requests": row.count,
        "speculative": all(element.startswith("link ") for element in row.elements),
        **_row(row),
    }
