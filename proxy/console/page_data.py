"""The body of /console/data, made of what /metrics, /status and the store of proofs tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from proxy.console.metric_lines import Counted

State = Mapping[str, Any]
"""What one worker says of itself on /status; empty until it has started, and where it has ended."""


def totals(counted: Counted) -> dict[str, int]:
    """Return what was counted since the start."""
    return {
        "requests": counted.requests,
        "documents": counted.documents,
        "failed": counted.failed,
        "own": counted.own,
    }


def verdicts(counted: Counted) -> list[dict[str, Any]]:
    """Return what was not kept, by site and provider, the most first."""
    return [
        {"site": site, "provider": provider, "what": what, "does": does, "count": count}
        for (site, provider, what, does), count in counted.verdicts.most_common()
    ]


def build(states: Sequence[State]) -> dict[str, Any]:
    """Return which program runs."""
    first: State = next((one for one in states if one), {})
    kind = first.get("filter")
    return {"version": first.get("version"), "build": kind, "compiled": kind == "compiled"}


def rules(states: Sequence[State], file: str) -> dict[str, Any]:
    """Return the rules in force, and why those on disk are not, where a worker refuses them."""
    policies = [one["policy"] for one in states if "policy" in one]
    newest = max(policies, key=lambda one: one["loaded_at"], default={"version": None, "loaded_at": None})
    refused = [last for one in states if (last := one.get("last_reload", {})).get("outcome") == "refused"]
    latest = max(refused, key=lambda one: one["at"], default=None)
    return {
        "version": newest["version"],
        "file": newest.get("rules", file),
        "loaded_at": _whole(newest["loaded_at"]),
        "refused": latest and {"at": _whole(latest["at"]), "problems": latest["problems"]},
    }


def store(states: Sequence[State]) -> dict[str, Any]:
    """Return how the store of proofs is, of all workers."""
    kept = [one["records"] for one in states if one.get("records")]
    why = next((doubt for one in states if (doubt := one.get("doubts", {}).get("records"))), None)
    return {
        "name": kept[0]["store"] if kept else None,
        "ok": bool(kept) and why is None,
        "why": why,
        "waiting": sum(one["waiting"] for one in kept),
        "lost": sum(one["lost"] for one in kept),
    }


def workers(states: Sequence[State]) -> list[dict[str, Any]]:
    """Return each worker with what it uses of the machine; one that does not run has only None."""
    return [
        {
            "pid": used.get("pid"),
            "ready": bool(one.get("ready")),
            "since": _whole(used.get("since")),
            "cpu_seconds": None if (cpu := used.get("cpu_seconds")) is None else round(cpu, 2),
            "memory_bytes": used.get("memory_bytes"),
            "connections": used.get("connections"),
        }
        for one in states
        for used in (one.get("process") or {},)
    ]


def sites(states: Sequence[State]) -> list[dict[str, Any]]:
    """Return the sites with their upstreams; one is up where all workers say so."""
    down = {
        (site["hosts"][0], upstream["address"])
        for one in states
        for site in one.get("sites", ())
        for upstream in site["upstreams"]
        if not upstream["up"]
    }
    first = next((one["sites"] for one in states if one.get("sites")), ())
    return [
        {
            "name": site["hosts"][0],
            "hosts": site["hosts"],
            "mode": site["mode"],
            "upstreams": [
                {"address": one["address"], "up": (site["hosts"][0], one["address"]) not in down}
                for one in site["upstreams"]
            ],
        }
        for site in first
    ]


def _whole(moment: float | None) -> int | None:
    return None if moment is None else int(moment)
