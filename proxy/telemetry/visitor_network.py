"""The network of a visitor's address: all of it that is ever logged or counted by."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

# Where load balancers live: RFC 1918, RFC 6598, RFC 4193, loopback, link-local. Python's
# is_private says yes to documentation and benchmark networks too.
_PRIVATE = tuple(
    map(
        ipaddress.ip_network,
        (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",
            "127.0.0.0/8",
            "169.254.0.0/16",
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)


def ip_address_of(address: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address without its zone, a mapped IPv4 address as such; None for anything else."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        return found.ipv4_mapped
    return found


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the /24 (IPv4) or /48 (IPv6) that an address is in, `unknown` for anything else."""
    found = ip_address_of(address)
    if found is None:
        return "unknown"
    bits = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network((found, bits), strict=False))


def is_private(address: str) -> bool:
    """True for a private address, and for anything that is no address, such as a Unix socket."""
    return ip_address_of(address) is None or lies_in(address, _PRIVATE)


def lies_in(address: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    """True when an address is in one of these networks."""
    found = ip_address_of(address)
    return found is not None and any(found in network for network in networks)
