"""What an audit visits: addresses, states of consent, hosts that are the site's own."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from proxy.audit.links import DEFAULT_PORTS, origin, page_of
from proxy.policy.hosts import registrable
from proxy.policy.model import NECESSARY, Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.rehome import rehome
from proxy.policy.scope import Pair, scope_of

NONE, REFUSE, ACCEPT, WITHDRAW = "none", "refuse", "accept", "withdraw"


class PlanError(ValueError):
    """What cannot be visited, as a sentence."""


@dataclass(frozen=True, slots=True)
class Resolve:
    """`HOST:PORT:ADDRESS[:PORT]`, as curl has it: where a host is looked for; `*` is every other host."""

    host: str
    port: int | None
    address: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What is visited, and how."""

    addresses: tuple[str, ...]
    states: tuple[str, ...]
    pages: int = 10
    sitemap: bool = False
    resolve: tuple[Resolve, ...] = ()
    insecure: bool = False
    ours: bool = False
    browser: Path | None = None
    screenshots: bool = True

    @property
    def hosts(self) -> frozenset[str]:
        """The hosts of the addresses: only these are visited."""
        return frozenset((urlsplit(address).hostname or "").lower() for address in self.addresses)

    @property
    def own(self) -> OwnHosts:
        """The hosts that count as the site's own: those visited, and all under a domain they share."""
        domains = {registrable(host) for host in self.hosts}
        return OwnHosts(self.hosts, domains.pop() if len(domains) == 1 else None)

    def is_polite(self, address: str) -> bool:
        """True on sites that are not ours: robots.txt is obeyed, a second lies between two pages."""
        host = urlsplit(address).hostname or ""
        found = next((one.address for one in self.resolve if one.host in (host, "*")), host)
        return not (self.ours or is_loopback(found))

    def may_visit(self, address: str) -> bool:
        """True for an address of the hosts that were given, at a port that was given."""
        return origin(address) in {origin(one) for one in self.addresses}


def is_loopback(host: str) -> bool:
    """True for names and addresses of this machine."""
    bare = urlsplit(f"//{host}").hostname or ""
    if bare == "localhost" or bare.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(bare).is_loopback
    except ValueError:
        return False


def checked_address(address: str) -> str:
    """Return an address to visit, with a path; PlanError where it is none."""
    text = address if "://" in address else f"https://{address}"
    no_address = PlanError(f"{address!r} cannot be visited; write an address such as https://callkom.io/")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise no_address from None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0 or parts.username is not None:
        raise no_address
    return page_of(text)


def checked_resolve(text: str) -> Resolve:
    """Return where a host is to be looked for, from `HOST:PORT:ADDRESS`; PlanError where it says nothing."""
    host, _, rest = text.partition(":")
    port, _, address = rest.partition(":")
    if not host or not address or not (port == "*" or port.isdigit()):
        raise PlanError(f"--resolve {text!r} is not HOST:PORT:ADDRESS, such as callkom.io:443:127.0.0.1:8443")
    return Resolve(host.lower(), None if port == "*" else int(port), address)


def resolver_rules(resolve: Sequence[Resolve]) -> str:
    """Return the value of Chromium's --host-resolver-rules."""
    rules = []
    for one in sorted(resolve, key=lambda one: one.host == "*"):
        port = "" if one.port is None or one.host == "*" else f":{one.port}"
        rules.append(f"MAP {one.host}{port} {one.address}")
    return ", ".join([*rules, "EXCLUDE 127.0.0.1"]) if rules else ""


def all_states(policy: Policy) -> tuple[str, ...]:
    """Return every state: none, all refused, all accepted, each purpose alone, withdrawn."""
    return (NONE, REFUSE, ACCEPT, *_switches(policy), WITHDRAW)


def checked_states(text: str | None, policy: Policy) -> tuple[str, ...]:
    """Return the states of a comma-separated list; PlanError names those there are."""
    known = all_states(policy)
    if text is None:
        return known
    wanted = tuple(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))
    for word in wanted:
        if any(part not in known for part in word.split("+")):
            raise PlanError(
                f"there is no state {word!r}; there are {', '.join(known)}, and purposes joined by +"
            )
    if not wanted:
        raise PlanError(f"--states names no state; there are {', '.join(known)}")
    return wanted


def _switches(policy: Policy) -> tuple[str, ...]:
    """Return the purposes that visitors are asked about: one that no rule uses is in no banner."""
    asked = scope_of(policy).purposes
    return tuple(p.id for p in policy.purposes if p.id != NECESSARY and p.id in asked)


def purposes_of(state: str, policy: Policy) -> tuple[str, ...]:
    """Return the purposes that are granted in a state."""
    if state in (NONE, REFUSE, WITHDRAW):
        return ()
    return _switches(policy) if state == ACCEPT else tuple(state.split("+"))


def grants_of(state: str, policy: Policy) -> frozenset[Pair]:
    """Return what is granted in a state."""
    return scope_of(policy).granted(purposes_of(state, policy))


def as_of(policy: Policy, own: OwnHosts) -> tuple[Policy, str]:
    """Return the policy as of the audited site, and the domain it was written for where that differs."""
    home = urlsplit(policy.page).hostname or ""
    published = registrable(home) or home
    here = own.domain or min(own.hosts)
    if published in ("", here) or own.owns(home):
        return policy, ""
    return rehome(policy, published, here), published
