"""All that rules and config say at one moment, ready to answer: built whole, swapped whole."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random, SystemRandom

from proxy.policy.model import Policy
from proxy.records.store import RecordStore
from proxy.server.config import Config
from proxy.server.consent_api import OwnAddresses
from proxy.server.forwarded import Trust
from proxy.server.ground import Ground
from proxy.server.incoming import Incoming
from proxy.server.names import Fields
from proxy.server.passage import Passage
from proxy.server.sites import Site, Sites, build_sites
from proxy.server.upstream import Upstreams
from proxy.server.visit import Visit, visit_of

_drawn = Random(SystemRandom().getrandbits(128)).getrandbits  # noqa: S311 - names of requests are no secret
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


@dataclass(frozen=True, slots=True)
class House:
    """Rules, config, sites and our own pages, as one."""

    config: Config
    policy: Policy
    sites: Sites
    reach: Mapping[str, Upstreams]
    trust: Trust
    pages: OwnAddresses
    store: RecordStore
    clock: Callable[[], float]

    def visit(self, incoming: Incoming) -> Visit:
        """Return what a visitor asks for; BadRequest where the request contradicts itself."""
        peer = incoming.peer
        visit = visit_of(
            incoming.method,
            incoming.target,
            incoming.headers,
            peer=peer,
            trust=self.trust,
            secure=incoming.secure,
            id_=b"",
            now=int(self.clock()),
            fields=incoming.fields,
        )
        visit.id = self.name_request(visit.fields, peer)
        return visit

    def name_request(self, fields: Fields, peer: str) -> bytes:
        """Return a name for a request, by which its records are found: our proxy's own, or one of ours."""
        given = fields.get(b"x-request-id")
        if given is not None and self.trust.believes(peer) and _ID.fullmatch(given[0]):
            return given[0]
        return b"%016x" % _drawn(64)

    def decide(self, site: Site, visit: Visit, incoming: Incoming, began: float) -> Passage:
        """Return the request with the decision that holds for it, and what is compiled for that."""
        reading, decision = site.settle(visit)
        variant = site.variant(decision.grants, secure=visit.visitor.secure)
        return Passage(self, incoming, visit, site, reading, decision, variant, began)

    @property
    def https_port(self) -> bytes:
        """The port behind a host in an https address of ours; empty where it is the usual one."""
        port = self.config.listen[0].port if self.config.tls else 443
        return b"" if port in (443, 0) else b":%d" % port


async def build_house(config: Config, policy: Policy, ground: Ground) -> House:
    """Return everything built; raises the error of whatever cannot be used, and changes nothing then."""
    loop = asyncio.get_running_loop()
    # Compiling takes tens of milliseconds: visitors are served meanwhile.
    sites = await loop.run_in_executor(None, build_sites, config, policy, ground.keys)
    return House(
        config=config,
        policy=policy,
        sites=sites,
        reach=await ground.reach.renew(config),
        trust=Trust(config.trusted_proxies, config.cloudflare),
        pages=OwnAddresses(config, sites, ground),
        store=ground.store,
        clock=ground.clock,
    )
