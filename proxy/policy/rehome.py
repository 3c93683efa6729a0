"""The same rules for the same site under another name: the demo, a staging copy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from proxy.policy.model import Policy, Provider


def rehome(policy: Policy, published: str, here: str) -> Policy:
    """Return the policy for `here` (callkom.localhost) instead of `published` (callkom.io).

    Domains of cookies and hosts of tags and requests move, with all their subdomains. What
    visitors read, and the inline tests, keep the published names.
    """
    old, new = published.strip(".").lower(), here.strip(".").lower()

    def moved(host: str) -> str:
        bare = host.removeprefix(".")
        if bare == old or bare.endswith("." + old):
            return host[: len(host) - len(old)] + new
        return host

    return replace(policy, providers=tuple(_moved(p, moved) for p in policy.providers))


def _moved(provider: Provider, moved: Callable[[str], str]) -> Provider:
    return replace(
        provider,
        cookies=tuple(replace(r, domains=tuple(map(moved, r.domains))) for r in provider.cookies),
        tags=tuple(replace(r, hosts=tuple(map(moved, r.hosts))) for r in provider.tags),
        requests=tuple(replace(r, hosts=tuple(map(moved, r.hosts))) for r in provider.requests),
        connect=tuple(map(moved, provider.connect)),
        webrtc=tuple(map(moved, provider.webrtc)),
    )
