"""What the proxy in front of a site says of itself at its admin address: what the upstream gets to see."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from proxy.audit.plan import PlanError

TIMEOUT = 5.0
"""Seconds until the admin address has to respond."""

LARGEST = 5_000_000


@dataclass(frozen=True, slots=True)
class ProxyView:
    """Modes in which the proxy serves the audited hosts, and digests of its rules, by all its workers."""

    address: str
    modes: frozenset[str]
    digests: frozenset[str]

    def hides_refused(self, digest: str) -> bool:
        """True where no worker shows the upstream a cookie that the rules of this digest refuse."""
        return self.modes == {"enforce"} and self.digests == {digest}

    def and_then(self, later: ProxyView) -> ProxyView:
        """Return what held at either of two moments."""
        return ProxyView(self.address, self.modes | later.modes, self.digests | later.digests)

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
    workers = state.get("workers", [state])
    return ProxyView(
        where,
        frozenset(mode for worker in workers for mode in _modes(worker["sites"], hosts)),
        frozenset(worker["policy"]["digest"] for worker in workers),
    )


def _modes(sites: list[dict[str, Any]], hosts: Collection[str]) -> Iterable[str]:
    for host in hosts:
        found = next((site for site in sites if _serves(site["hosts"], host)), None)
        if found is not None:
            yield found["mode"]


def _serves(names: Iterable[str], host: str) -> bool:
    return any(name == host or (name.startswith("*.") and host.endswith(name[1:])) for name in names)
