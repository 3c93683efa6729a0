"""The `Snapshot` that requests are served from: built whole, replaced whole by a reload."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random, SystemRandom
from typing import Protocol

from proxy.banner.words import Languages
from proxy.config.policies import Policies
from proxy.config.types import Config
from proxy.consent.answer import Answer, Declared
from proxy.consent.cookie import ConsentReading
from proxy.http.forwarded import Trust
from proxy.http.header_names import Fields
from proxy.http.message import IncomingMessage
from proxy.http.request import Request, loop_mark, read_request
from proxy.http.response import Response
from proxy.http.upstream.balancer import Upstreams
from proxy.records.store import RecordStore
from proxy.seen.sightings import Sightings
from proxy.snapshot.presumed_cookies import PresumedCookies
from proxy.snapshot.shared_resources import SharedResources
from proxy.snapshot.sites import Site, Sites, build_sites

random_bits = Random(SystemRandom().getrandbits(128)).getrandbits  # noqa: S311 - request ids are no secret
_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


class OwnPages(Protocol):
    """The proxy's own addresses, as the route uses them (own/addresses.py)."""

    path: bytes  # where they are, but for GPC's

    async def respond(self, site: Site, request: Request, message: IncomingMessage) -> Response:
        """Return the response to a request for one of the proxy's own addresses."""

    async def take(
        self, site: Site, request: Request, reading: ConsentReading, declared: Declared
    ) -> Answer | None:
        """Return the answer to another consent tool once it is recorded; None where it cannot be taken."""

    def error(self, request: Request, status: int, *, unheard: bool = False) -> Response:
        """Return the error page for an upstream that failed, or a document that cannot be read."""

    def refusal(self, status: int, message: IncomingMessage) -> Response:
        """Return the error page for a request that is refused."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Rules, config, sites, upstreams and own pages of one moment."""

    config: Config
    policies: Policies
    sites: Sites
    upstreams: Mapping[str, Upstreams]
    trust: Trust
    pages: OwnPages
    store: RecordStore
    clock: Callable[[], float]
    presumed: PresumedCookies
    sightings: Sightings
    loop_mark: bytes

    def request(self, message: IncomingMessage) -> Request:
        """Return the parsed request of a message; BadRequest where it is contradictory."""
        peer = message.peer
        request = read_request(
            message.method,
            message.target,
            message.headers,
            peer=peer,
            trust=self.trust,
            secure=message.secure,
            id_=b"",
            now=int(self.clock()),
            fields=message.fields,
            mark=self.loop_mark,
        )
        request.id = self.request_id(request.fields, peer)
        return request

    def request_id(self, fields: Fields, peer: str) -> bytes:
        """Return the request id: X-Request-ID of a trusted proxy, else a random one."""
        given = fields.get(b"x-request-id")
        if given is not None and self.trust.believes(peer) and _ID.fullmatch(given[0]):
            return given[0]
        return b"%016x" % random_bits(64)

    @property
    def https_port(self) -> bytes:
        """`:port` for https addresses of this proxy; empty for 443."""
        port = self.config.listen[0].port if self.config.tls else 443
        return b"" if port in (443, 0) else b":%d" % port


async def build_snapshot(
    config: Config,
    policies: Policies,
    shared: SharedResources,
    own: Callable[[Config, Sites, SharedResources], OwnPages],
    languages: Languages | None = None,
) -> Snapshot:
    """Return a snapshot; raises a ProxyError if anything in it cannot be used, and changes nothing then."""
    loop = asyncio.get_running_loop()
    # Compiling takes tens of milliseconds: visitors are served meanwhile.
    now = int(shared.clock())
    sites = await loop.run_in_executor(None, build_sites, config, policies, shared.keys, now, languages)
    return Snapshot(
        config=config,
        policies=policies,
        sites=sites,
        upstreams=await shared.upstreams.update(config),
        trust=Trust.of(config),
        pages=own(config, sites, shared),
        store=shared.store,
        clock=shared.clock,
        presumed=shared.presumed,
        sightings=shared.sightings,
        loop_mark=loop_mark(shared.keys[-1]),
    )
