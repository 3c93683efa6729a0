"""Checks of the addresses in a config: ports that are free, an admin address that is not public, no loop.

Sockets are bound for a moment and never listen: no packet is sent, and no visitor meets them.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator
from ipaddress import ip_address

from proxy.config.types import Config
from proxy.config.value_parsers import ListenAddress
from proxy.errors import StartError
from proxy.http.bound_sockets import bound_sockets
from proxy.http.upstream.upstream_address import UpstreamAddress
from proxy.policy.yaml_source import Step
from proxy.process.config_findings import ConfigFinding

_EVERY = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not bound
_LOOPBACK = ("127.0.0.1", "::1")


def address_findings(config: Config) -> Iterator[ConfigFinding]:
    """Yield what is wrong with the addresses of a config."""
    yield from _unusable(config)
    yield from _overlaps(config)
    yield from _public_admin(config)
    yield from _loops(config)


def shared_addresses(config: Config) -> list[str]:
    """Return the addresses for visitors where another process of this program listens now."""
    return [str(address) for address in config.listen if address.port and _has_listener(address)]


def _has_listener(address: ListenAddress) -> bool:
    """True when somebody listens there who shares the port: without sharing it cannot be bound."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # whoever only left does not count
        try:
            sock.bind((address.host, address.port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _ours(config: Config) -> Iterator[tuple[tuple[Step, ...], ListenAddress]]:
    """Yield every address the config listens on, with its place."""
    for number, address in enumerate(config.listen):
        yield ("listen", number), address
    for number, address in enumerate(config.redirect):
        yield ("redirect", number), address
    if config.admin is not None:
        yield ("admin",), config.admin


def _unusable(config: Config) -> Iterator[ConfigFinding]:
    for steps, address in _ours(config):
        try:
            sockets = bound_sockets(address)
        except StartError as error:
            code = error.__cause__.errno if isinstance(error.__cause__, OSError) else None
            yield _why_not(steps, address, str(error), code)
            continue
        for sock in sockets:
            sock.close()


def _why_not(steps: tuple[Step, ...], address: ListenAddress, said: str, code: int | None) -> ConfigFinding:
    if code == errno.EACCES:  # a unit or an engine grants it to the one who serves, not to who checks
        text = (
            f"port {address.port} takes a right that whoever runs this does not have (CAP_NET_BIND_SERVICE);"
            " the systemd unit grants it"
        )
        return ConfigFinding(steps, text, warning=True)
    if code == errno.EADDRINUSE:
        whose = "another program has it, or this one under another user: check as the user that serves"
        return ConfigFinding(steps, f"{said}: {whose}")
    if code == errno.EADDRNOTAVAIL:
        return ConfigFinding(steps, f"{said}: no interface of this machine has it")
    return ConfigFinding(steps, said)


def _overlaps(config: Config) -> Iterator[ConfigFinding]:
    """Yield pairs of one port, of which the kernel would give a visitor to either."""
    ours = list(_ours(config))
    for at, (steps, address) in enumerate(ours):
        for before, other in ours[:at]:
            if steps[0] != before[0] and address.port and _share(address, other):
                text = f"is {address}, and {before[0]} has {other}: each needs a port of its own"
                yield ConfigFinding(steps, f"{steps[0]} {text}")


def _share(one: ListenAddress, other: ListenAddress) -> bool:
    return one.port == other.port and (_includes(one.host, other.host) or _includes(other.host, one.host))


def _includes(wide: str, host: str) -> bool:
    """True when listening on `wide` takes in what is sent to `host`."""
    if wide in {host, ""}:
        return True
    if "localhost" in (wide, host):
        return any(_includes(wide, one) for one in _LOOPBACK) if host == "localhost" else host in _LOOPBACK
    return wide in _EVERY and (":" in wide) == (":" in host)


def _public_admin(config: Config) -> Iterator[ConfigFinding]:
    if config.admin is None:
        return
    host = config.admin.host
    if host in _EVERY:
        if any(map(_is_public, _addresses_of_this_machine())):
            text = "is every address of this machine, and one of them is public: name a private one"
            yield ConfigFinding(("admin",), f"admin {text}", warning=True)
    elif _is_public(host):
        text = f"is {host}, a public address: health and figures are for a private one, such as 127.0.0.1"
        yield ConfigFinding(("admin",), f"admin {text}")


def _is_public(host: str) -> bool:
    try:
        return ip_address(host).is_global
    except ValueError:
        return False


def _addresses_of_this_machine() -> Iterator[str]:
    """Yield the addresses from which this machine would speak to the internet; nothing is sent."""
    for family, somewhere in ((socket.AF_INET, "198.51.100.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((somewhere, 9))
                yield str(sock.getsockname()[0])
        except OSError:
            continue


def _loops(config: Config) -> Iterator[ConfigFinding]:
    ours = [(steps[0], address) for steps, address in _ours(config) if address.port]
    for number, site in enumerate(config.sites):
        for at, origin in enumerate(site.upstream):
            upstream = UpstreamAddress.parse(origin)
            steps, name = ("sites", number, "upstream", at), f"sites[{number}].upstream"
            for key, address in ours:
                if upstream.port == address.port and _leads_to(upstream.host, address.host):
                    text = f"is {origin}, which is this proxy itself ({key}: {address})"
                    yield ConfigFinding(steps, f"{name} {text}; name the server behind it")
                    break
            else:
                if upstream.host in config.hosts and any(upstream.port == one.port for _, one in ours):
                    text = (
                        f"is {origin}, a name that visitors ask this proxy for: where it leads here, requests"
                    )
                    yield ConfigFinding(
                        steps, f"{name} {text} go in a circle; name its server's own", warning=True
                    )


def _leads_to(host: str, ours: str) -> bool:
    """True when a connection to `host` from this machine reaches a socket that listens on `ours`."""
    if host in _EVERY or host == "localhost" or host.endswith(".localhost"):
        return any(_includes(ours, one) for one in _LOOPBACK)
    return _includes(ours, host) and _is_local(host)


def _is_local(host: str) -> bool:
    """True for an IP address of this machine: only such can be bound."""
    try:
        family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.bind((host, 0))
    except (OSError, ValueError):
        return False
    return True
