"""The domain of the consent cookie: configured, or the longest parent that hosts share."""

from __future__ import annotations

from collections.abc import Iterable

from proxy.config.types import Config, SiteConfig
from proxy.config.value_parsers import is_address
from proxy.policy.hosts import registrable, suffixes


def consent_domain(config: Config) -> str | None:
    """Return the domain of the consent cookie on all hosts, or None where they share none."""
    return config.consent.domain or shared_domain(config.hosts)


def site_domain(config: Config, site: SiteConfig) -> str | None:
    """Return the domain that a site's hosts share, below which all is its own; None where there is none.

    Where the hosts of the config share none, those of one registrable domain do.
    """
    if (domain := consent_domain(config)) is not None:
        return domain
    owners = {registrable(host) for host in site.hosts}
    if len(owners) > 1 or None in owners:
        return None
    return shared_domain(host for host in config.hosts if registrable(host) in owners)


def cookie_domain(config: Config, site: SiteConfig) -> str | None:
    """Return the Domain of the consent cookie on a site; None: it belongs to the host that sets it.

    Beside hosts of other domains a host that shares an answer with no other keeps it to itself; what is
    below it is the site's own all the same (`site_domain`).
    """
    if (domain := consent_domain(config)) is not None:
        return domain
    owners = {registrable(host) for host in site.hosts}
    alone = sum(registrable(host) in owners for host in config.hosts) == 1
    return None if alone else site_domain(config, site)


def shared_domain(hosts: Iterable[str]) -> str | None:
    """Return the longest parent of two labels or more that all hosts share, never a public suffix."""
    hosts = list(hosts)
    if not hosts or any(is_address(host) for host in hosts):
        return None
    labels = [host.split(".")[::-1] for host in hosts]
    shared: list[str] = []
    for column in zip(*labels, strict=False):
        if len(set(column)) > 1:
            break
        shared.append(column[0])
    domain = ".".join(reversed(shared))
    return domain if len(shared) >= 2 and not is_public_suffix(domain) else None


def is_public_suffix(domain: str) -> bool:
    """True for a domain under which anyone registers names: browsers refuse cookies for it."""
    return bool(suffixes().is_public(domain))
