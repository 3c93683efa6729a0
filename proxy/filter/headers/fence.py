"""The second net: the Content-Security-Policy that a visitor's decision allows.

It starts from what lets a site work unchanged (its own hosts, inline code, eval, data:
and blob:) and takes away third-party hosts only. It restricts fetches and never
navigation: no form-action, frame-ancestors, base-uri or sandbox, for a form-action
breaks logins that redirect elsewhere. One directive, `default-src`, covers every fetch;
`worker-src` takes `data:` out for workers, which WebKit runs there without any policy.

What a rule keeps must load: a host stands in it when some rule for it is granted and none in
front refuses all of it. "All of this host but one path" cannot be said, nor "only this element":
then the host is open, the filter holds what is refused there, and `check` warns with both lines.
"All of this domain but one host" cannot be said either: the domain is open, unless a `connect:`
lists which of its hosts load. A pattern (`meet*.crm.com`) never opens a domain of which a rule
refuses something; `check` then asks for its hosts in `connect:`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from proxy.consent.decision import allows
from proxy.filter.headers.csp_admission import Admission, admit, takes_files
from proxy.policy.actions import Action
from proxy.policy.hosts import covers, registrable
from proxy.policy.model import NECESSARY, OWN, Policy, Provider, Undeclared
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair
from proxy.problems import Place

__all__ = ["LIMIT", "Admission", "admit", "claims", "closes", "fence", "open_domains", "takes_files"]

LIMIT = 4096
"""Bytes above which hosts collapse to registrable domains: half of nginx's default for all headers."""

ALWAYS = "'self' 'unsafe-inline' 'unsafe-eval' 'wasm-unsafe-eval' data: blob:"

WORKERS = "worker-src 'self' blob:"
"""A worker's script is of its page's own origin; one made of a blob inherits the page's policy."""

PATH = re.compile(r"/[A-Za-z0-9._~%/-]*")  # what a source expression takes without escapes


@dataclass(frozen=True, slots=True)
class Claim:
    """What one rule says of a host: `pattern` as in `from:`, subdomains included.

    `narrow`: it speaks only of some elements there, which a source cannot say.
    `everyone`: it is granted whatever a visitor answers.
    """

    pattern: str
    paths: tuple[str, ...]
    granted: bool
    order: int
    narrow: bool = False
    sockets: bool = False  # `connect:`, where WebSockets are expected too
    everyone: bool = False
    listed: bool = False  # by `connect:`
    place: Place | None = None  # of the rule

    @property
    def whole(self) -> bool:
        """True when it speaks of everything on its hosts."""
        return not (self.paths or self.narrow)


def fence(
    policy: Policy,
    own: OwnHosts,
    grants: frozenset[Pair],
    *,
    secure: bool = True,
    report: str | None = None,
    limit: int = LIMIT,
    owner: Callable[[str], str | None] = registrable,
) -> bytes:
    """Return the header value for these grants; empty where undeclared tags may load.

    `report` is the address for violations (`/.consent/reports`). A policy cannot name
    what it refuses, only what it allows: with `undeclared: tags: keep` there is nothing
    to say, and the filter alone decides.
    """
    if policy.undeclared_tags is Undeclared.KEEP:
        return b""
    claimed = list(claims(policy, grants))
    sources = _within(limit, claimed, owner)
    words = [
        ALWAYS,
        *_own(own, _closed(own, claimed), secure=secure),
        *sources,
        *_sockets(claimed, secure=secure),
    ]
    text = f"default-src {' '.join(words)}; {WORKERS}"
    return (f"{text}; report-uri {report}" if report else text).encode("ascii")


def open_domains(policy: Policy, grants: frozenset[Pair]) -> frozenset[str]:
    """Return the registrable domains of which something is granted, whatever sources collapse to."""
    granted = (_base(claim.pattern) for claim in claims(policy, grants) if claim.granted)
    return frozenset(registrable(base) or base for base in granted)


def closes(policy: Policy, opened: frozenset[str], host: str) -> bool:
    """Return True when the fence surely stops every load from this host: its domain is not `opened`."""
    return policy.undeclared_tags is not Undeclared.KEEP and (registrable(host) or host) not in opened


def _closed(own: OwnHosts, claims: list[Claim]) -> list[str]:
    """Return the refused hosts under the site's own domain: collectors of others that bear its name."""
    if own.domain is None:
        return []
    refused = {claim.pattern for claim in claims if not claim.granted} - own.hosts - {own.domain}
    return [pattern for pattern in sorted(refused) if covers(own.domain, pattern)]


def _own(own: OwnHosts, closed: list[str], *, secure: bool) -> Iterator[str]:
    """Yield the sources of the site's own hosts, on any port, with WebSockets.

    While a host under its domain is refused the others are named one by one: all but one
    cannot be said. A plain-http source covers https too (CSP3 6.7.2.8), an https one does not cover http.
    """
    schemes = ("https", "wss") if secure else ("http", "ws")
    if closed and own.domain:
        served = {host for host in own.hosts if not any(covers(each, host) for each in closed)}
        names = [own.domain, *sorted(served - {own.domain})]
    else:
        outside = (host for host in own.hosts if own.domain is None or not covers(own.domain, host))
        names = [*([own.domain, f"*.{own.domain}"] if own.domain else ()), *sorted(outside)]
    for name in names:
        if _expressible(name):
            yield from (f"{scheme}://{name}:*" for scheme in schemes)


def _sockets(claims: list[Claim], *, secure: bool) -> Iterator[str]:
    """Yield the WebSocket sources of granted `connect:` hosts."""
    scheme = "wss" if secure else "ws"
    hosts = {c.pattern for c in claims if c.sockets and all(o.granted for o in claims if _overlap(o, c))}
    for host in sorted(filter(_expressible, hosts)):
        if "*" not in host:
            yield f"{scheme}://{host}:* {scheme}://*.{host}:*"


def _overlap(one: Claim, other: Claim) -> bool:
    return covers(one.pattern, other.pattern) or covers(other.pattern, one.pattern)


def claims(policy: Policy, grants: frozenset[Pair]) -> Iterator[Claim]:
    """Yield what the rules say of third-party hosts, in file order; neutral hosts last."""
    order = 0
    tagged: list[Claim] = []
    for provider in policy.providers:
        for rule in provider.tags:
            order += 1
            everyone = rule.do is Action.KEEP or _granted(policy, provider, rule.purposes, frozenset())
            granted = everyone or _granted(policy, provider, rule.purposes, grants)
            if rule.do is Action.NEVER:
                everyone = granted = False
            narrow = bool(rule.elements or rule.ids or rule.classes or rule.attributes or rule.text)
            hosts = [host for host in rule.hosts if host != OWN]
            tagged += (
                Claim(host, rule.paths, granted, order, narrow=narrow, everyone=everyone, place=rule.place)
                for host in hosts
            )
    yield from tagged
    for provider in policy.providers:
        order += 1
        # "Once granted": all that its tags need. Where a tag rule means the host too, that rule
        # decides, and the host is one that a pattern (`meetings*.hubspot.com`) could not name.
        granted = _granted(policy, provider, _purposes(provider), grants)
        for host in provider.connect:
            meant = [claim for claim in tagged if covers(claim.pattern, host)]
            first = next((claim for claim in meant if claim.whole), None)
            yield Claim(
                host,
                (),
                first.granted if first else all(c.granted for c in meant) if meant else granted,
                first.order if first else order,
                sockets=not meant,
                listed=True,
                place=first.place if first else provider.place,
            )
    for neutral in policy.neutral:
        for host in neutral.hosts:
            yield Claim(host, (), granted=True, order=order + 1, everyone=True, place=neutral.place)


def _purposes(provider: Provider) -> tuple[str, ...]:
    """Return the purposes of a provider's tags; where it has none, of what it stores."""
    tags = {purpose for rule in provider.tags for purpose in rule.purposes}
    rows = {row.purpose for row in provider.cookies} | {row.purpose for row in provider.storage}
    return tuple(tags or rows)


def _granted(policy: Policy, provider: Provider, purposes: tuple[str, ...], grants: frozenset[Pair]) -> bool:
    needed = [p for p in purposes if p != NECESSARY and policy.needs_consent(p)]
    return allows(grants, provider.id, needed)


def _sources(claims: list[Claim]) -> list[str]:
    """Return the source expressions of every host that may load."""
    sources: dict[str, None] = {}
    for claim in claims:
        if claim.granted and _expressible(claim.pattern):
            sources |= dict.fromkeys(_sources_of(claim, claims))
    wide = [source[2:-2] for source in sources if source.startswith("*.") and source.endswith(":*")]
    return [s for s in sources if not any(_under(_bare(s), host) for host in wide)]


def _sources_of(claim: Claim, claims: list[Claim]) -> Iterator[str]:
    base = _base(claim.pattern)
    refused = [c for c in claims if not c.granted]
    if any(_hides(other, claim) for other in refused):
        return
    above = [c for c in refused if covers(c.pattern, base) and _closes(c, claim)]
    below = [c for c in refused if c not in above and covers(base, c.pattern) and _closes(c, claim)]
    if base != claim.pattern:
        # `track*.hubspot.com` cannot be said; its whole domain can, where nothing of it is refused.
        if not above and not below:
            yield f"*.{base}:*"
        return
    closed = below and any(c.listed and _under(c.pattern, base) for c in claims)
    for path in _paths(claim, above) if above else ("",):
        yield f"{base}:*{path}"
        if not closed:
            yield f"*.{base}:*{path}"


def _hides(refused: Claim, claim: Claim) -> bool:
    """True when a refused claim in front leaves nothing of this one."""
    first = refused.whole and refused.order < claim.order and "*" not in claim.pattern
    return first and covers(refused.pattern, claim.pattern)


def _closes(refused: Claim, claim: Claim) -> bool:
    """True when what is refused may narrow what is opened for a granted claim.

    A claim to all of a host is narrowed only by claims in front of it to all of hosts: "all of
    this host but one path" cannot be said, so the host is open, and the filter holds the rest.
    """
    if not claim.whole:
        return True
    later = refused.order > claim.order and "*" not in claim.pattern  # the first rule decides
    return refused.whole and not later


def _paths(claim: Claim, refused: list[Claim]) -> Iterator[str]:
    """Yield what CSP can say of a claim's paths: a directory, or one exact path with any query.

    Nothing of a path that is refused in front; all of the host ("") where no path can say it.
    """
    if not claim.paths:
        yield ""
    for glob in claim.paths:
        path, star, _ = glob.partition("?")[0].partition("*")
        if star and not glob.endswith((path + "*", "?*")):
            path = path[: path.rfind("/") + 1]  # the directory in which all of them are
        if any(_takes(other, glob) for other in refused if other.order < claim.order):
            continue
        yield path if PATH.fullmatch(path) and path != "/" else ""


def _takes(refused: Claim, glob: str) -> bool:
    """True when a refused claim means every address of that path."""
    if refused.narrow:
        return False
    prefixes = [path[:-1] for path in refused.paths if path.endswith("*") and path.count("*") == 1]
    return glob in refused.paths or any(glob.startswith(prefix) for prefix in prefixes)


def _within(limit: int, claims: list[Claim], owner: Callable[[str], str | None]) -> list[str]:
    """Return the sources; above the limit the owners of most hosts are named by their domain.

    That lets in hosts of the same owner which no rule names, so it goes no further than
    it must, and never where a host of that owner is refused.
    """
    sources = _sources(claims)
    hosts = Counter(domain for source in sources if (domain := owner(_bare(source))) is not None)
    for domain, count in sorted(hosts.items(), key=lambda pair: (-pair[1], pair[0])):
        if len(" ".join(sources)) <= limit or count <= 2:
            break
        if all(c.granted for c in claims if covers(domain, c.pattern)):
            claims = [*claims, Claim(domain, (), granted=True, order=0)]
            sources = _sources(claims)
    return sources


def _base(pattern: str) -> str:
    """Return the longest parent of a pattern that holds no `*`: itself where it holds none."""
    labels = pattern.split(".")
    last = max((i for i, label in enumerate(labels) if "*" in label), default=-1)
    return ".".join(labels[last + 1 :])


def _bare(source: str) -> str:
    return source.removeprefix("*.").partition(":")[0]


def _under(host: str, parent: str) -> bool:
    return host.endswith("." + parent)


def _expressible(host: str) -> bool:
    """True for what CSP calls a host; IPv6 addresses and underscores it cannot say."""
    return host.isascii() and host.replace("*", "").replace(".", "").replace("-", "").isalnum()
