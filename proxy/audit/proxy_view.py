"""What the proxy in front of a site says of itself at its admin address: what the upstream gets to see."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from proxy.audit.plan import PlanError

TIMEOUT = 5.0
"""Seconds until the admin address has to respond."""

LARGEST = 5_000_000


@dataclass(frozen=True, slots=True)
class ProxyView:
    """Modes in which the proxy serves audited hosts, digests of its rules, hosts that all workers serve."""

    address: str
    modes: frozenset[str]
    digests: frozenset[str]
    hosts: frozenset[str]

    def hides_refused(self, digest: str) -> bool:
        """True where no worker shows the upstream a cookie that the rules of this digest refuse."""
        return self.modes == {"enforce"} and self.digests == {digest}

    def and_then(self, later: ProxyView) -> ProxyView:
        """Return what held at either of two moments."""
        return ProxyView(
            self.address, self.modes | later.modes, self.digests | later.digests, self.hosts & later.hosts
        )

    def document(self, digest: str) -> dict[str, Any]:
        """Return what a report says of it."""
        return {
            "status": self.address,
            "modes": sorted(self.modes),
            "digests": sorted(self.digests),
            "hides_refused": self.hides_refused(digest),
        }


def ask_proxy(address: str, hosts: Collection[str]) -> ProxyView:
    """Return what the proxy says of these hosts; PlanError where nothing answers, or not for them."""
    where = status_address(address)
    try:
        with urllib.request.urlopen(where, timeout=TIMEOUT) as response:  # noqa: S310 - http(s), checked
            state = json.loads(response.read(LARGEST))
    except (OSError, ValueError) as error:
        raise PlanError(f"no state of a proxy at {where} ({error})") from None
    try:
        view = view_of(state, hosts, where)
    except (AttributeError, KeyError, TypeError):
        raise PlanError(f"{where} does not say the state of a proxy") from None
    if not view.modes:
        raise PlanError(f"the proxy at {where} serves none of {', '.join(sorted(hosts))}")
    return view


def status_address(address: str) -> str:
    """Return where the state of an admin address is; PlanError where it is no address."""
    text = address if "://" in address else f"http://{address}"
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise PlanError(f"--status {address!r} is no admin address, such as http://127.0.0.1:9100/")
    return f"{parts.scheme}://{parts.netloc}/status"


def view_of(state: dict[str, Any], hosts: Collection[str], where: str) -> ProxyView:
    """Return the view of a state as /status says it: of one process, or of all workers."""
    workers = [
        (
            {host: site["mode"] for site in worker["sites"] for host in site["hosts"]},
            {
                host: site.get("policy", worker["policy"])["digest"]
                for site in worker["sites"]
                for host in site["hosts"]
            },
        )
        for worker in state.get("workers", [state])
    ]
    return ProxyView(
        where,
        frozenset(modes[host] for modes, _ in workers for host in hosts if host in modes),
        frozenset(digests[host] for _, digests in workers for host in hosts if host in digests),
        frozenset(host for host in hosts if all(host in modes for modes, _ in workers)),
    )
