"""The way to a site's own servers: fetch a request, get a Reply. The rest of the program sees only this.

Ours, not aiohttp's ClientSession: a pooled connection there serves bytes that nobody asked for to the next
request, which is one visitor's page to another, and it costs three times as much.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence

import httptools

from proxy.errors import ProxyError, StartError, UpstreamError
from proxy.filter.headers.fields import Headers
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.framing import Framing
from proxy.http.upstream.health import HealthCheck, order
from proxy.http.upstream.pool import Pool, PoolState
from proxy.http.upstream.upstream_address import ConnectError, UpstreamAddress, default_tls
from proxy.http.upstream.upstream_connection import UpstreamTimeouts

__all__ = [
    "ConnectError",
    "Framing",
    "Headers",
    "HealthCheck",
    "PoolState",
    "UpstreamAddress",
    "UpstreamError",
    "UpstreamRequest",
    "UpstreamResponse",
    "UpstreamTimeouts",
    "Upstreams",
    "check_parser",
    "default_tls",
]  # fmt: skip

CONNECTIONS = 256  # per upstream address


class Upstreams:
    """The servers behind one site. Made inside a running loop; `close` when the site goes."""

    def __init__(
        self,
        addresses: Sequence[UpstreamAddress | str],
        *,
        timeouts: UpstreamTimeouts | None = None,
        limit: int = CONNECTIONS,
        tls: ssl.SSLContext | None = None,
        server_name: str | None = None,
        health: HealthCheck | None = None,
    ) -> None:
        self._pools = [
            Pool(
                address if isinstance(address, UpstreamAddress) else UpstreamAddress.parse(address),
                timeouts=timeouts or UpstreamTimeouts(), limit=limit, tls=tls, server_name=server_name,
            )
            for address in addresses
        ]  # fmt: skip
        self._turn = 0
        self._loop = asyncio.get_running_loop()
        self._checks: list[asyncio.Task[None]] = []
        if health is not None:
            self._checks = [self._loop.create_task(self._keep_asking(pool, health)) for pool in self._pools]

    async def fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        """Return the answer once its head is complete; UpstreamError (502, 503, 504) when none comes."""
        pools = self._in_order()
        if len(pools) > 1 and request.pinned:
            pools = sorted(pools, key=lambda pool: not pool.holds(request))  # where they are signed in
        return await self._first_of(pools, request)

    async def _first_of(self, pools: list[Pool], request: UpstreamRequest) -> UpstreamResponse:
        trouble: UpstreamError | None = None
        for pool in pools:
            try:
                return await self._ask(pool, request)
            except ConnectError as error:
                pool.health.failed(self._loop.time(), str(error))
                trouble = error
        assert trouble is not None
        raise trouble

    def begin(self, request: UpstreamRequest) -> UpstreamResponse | None:
        """Send a request on a connection that is idle; None when there is none: then `fetch` it."""
        pools = self._pools
        if len(pools) == 1:
            return pools[0].begin(request)
        response = self._in_order()[0].begin(request)
        if response is None:
            self._turn -= 1  # to fetch it takes the turn
        return response

    async def go_on(self, request: UpstreamRequest, begun: UpstreamResponse) -> UpstreamResponse:
        """Return the answer to what was begun, once its head is complete, as `fetch` would."""
        pool = next((pool for pool in self._pools if pool is begun.pool), None)
        assert pool is not None
        try:
            return await self._ask(pool, request, begun)
        except ConnectError as error:  # it closed the connection meanwhile, and takes no other
            pool.health.failed(self._loop.time(), str(error))
            others = [other for other in self._in_order() if other is not pool]
            if not others:
                raise
        return await self._first_of(others, request)

    async def close(self) -> None:
        """End every connection and the checks."""
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)
        for pool in self._pools:
            await pool.close()

    async def retire(self) -> None:
        """Let exchanges that have begun end in peace, and their connections with them."""
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)
        for pool in self._pools:
            pool.retire()

    def snapshot(self) -> tuple[PoolState, ...]:
        """Return the state of each upstream, in the order of the config."""
        return tuple(pool.state() for pool in self._pools)

    def is_up(self) -> bool:
        """True when at least one of them is."""
        return any(state.up for state in self.snapshot())

    def _in_order(self) -> list[Pool]:
        if len(self._pools) == 1:
            return self._pools
        self._turn += 1
        now = self._loop.time()
        states = [(pool.health.is_up(now), pool.busy) for pool in self._pools]
        return [self._pools[index] for index in order(states, self._turn)]

    async def _ask(
        self, pool: Pool, request: UpstreamRequest, begun: UpstreamResponse | None = None
    ) -> UpstreamResponse:
        again = False
        while True:
            response = None if again else begun
            try:
                if response is None and not again:
                    response = pool.begin(request)
                if response is None:
                    response = await pool.start(request, anew=again)
                await response.head()
            except ConnectError:
                raise
            except UpstreamError as error:
                if response is not None and _died_unheard(response, request) and not again:
                    again = True  # the upstream had closed the connection meanwhile
                    continue
                if error.status != 503:  # busy is not ill
                    pool.health.failed(self._loop.time(), str(error))
                said = f"{pool.address}: {error}"
                raise UpstreamError(said, error.status, unheard=error.unheard) from None
            except BaseException:
                if response is not None:
                    response.abort()
                raise
            pool.health.worked()
            return response

    async def _keep_asking(self, pool: Pool, check: HealthCheck) -> None:
        host = check.host or pool.address.host
        headers = [(b"Host", host.encode()), (b"User-Agent", b"consent-proxy health")]
        while True:
            request = UpstreamRequest(b"GET", check.path.encode(), headers, first_byte=check.timeout)
            pool.health.checked(*await _answers(pool, request, check.timeout), check.fails)
            await asyncio.sleep(check.every)


def _died_unheard(response: UpstreamResponse, request: UpstreamRequest) -> bool:
    """True when a connection that had been used before ended before a byte, and asking twice does no harm."""
    return response.unanswered and response.reused and request.may_repeat


async def _answers(pool: Pool, request: UpstreamRequest, timeout: float) -> tuple[bool, str]:
    response: UpstreamResponse | None = None
    try:
        async with asyncio.timeout(timeout):
            response = await pool.start(request)
            await response.head()
            well, why = response.status < 400, f"{request.target.decode()} answers {response.status}"
            while await response.read():
                pass
            return well, why
    except (ProxyError, TimeoutError) as error:
        return False, str(error) or f"{request.target.decode()} did not answer in time"
    finally:
        if response is not None:
            with contextlib.suppress(ProxyError):
                response.abort()


def check_parser() -> None:
    """Raise StartError when httptools is not one whose strictness our tests have seen."""
    parser = httptools.HttpResponseParser(object())
    try:
        parser.feed_data(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n")
    except httptools.HttpParserError:
        return
    raise StartError("the installed httptools takes an answer with two lengths; install httptools 0.7 to 0.9")
