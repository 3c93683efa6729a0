"""The upstreams of one site: load balancing, retries, health checks. The interface of this package.

Not aiohttp's ClientSession: a pooled connection there serves unsolicited bytes to the next request, one
visitor's page to another, and it costs three times as much.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Sequence

from proxy.errors import ProxyError, UpstreamError
from proxy.filter.headers.fields import Headers
from proxy.http.upstream.exchange import Framing, UpstreamRequest, UpstreamResponse
from proxy.http.upstream.health import HealthCheck, order
from proxy.http.upstream.pool import Pool, PoolState
from proxy.http.upstream.timeouts import UpstreamTimeouts
from proxy.http.upstream.upstream_address import ConnectError, UpstreamAddress, default_tls

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
    "default_tls",
]  # fmt: skip

CONNECTIONS = 1024  # per upstream address


class Upstreams:
    """The upstream servers of one site. Create it in a running loop; `close` it at the end."""

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
            self._checks = [self._loop.create_task(self._run_checks(pool, health)) for pool in self._pools]

    async def fetch(self, request: UpstreamRequest) -> UpstreamResponse:
        """Return the response once its head is complete; UpstreamError (502, 503, 504) if none arrives."""
        pools = self._in_order()
        if len(pools) > 1 and request.pinned:
            pools = sorted(
                pools, key=lambda pool: not pool.holds(request)
            )  # first where the visitor is signed in
        return await self._first_of(pools, request)

    async def _first_of(self, pools: list[Pool], request: UpstreamRequest) -> UpstreamResponse:
        trouble: UpstreamError | None = None
        for pool in pools:
            try:
                return await self._exchange(pool, request)
            except ConnectError as error:
                pool.health.failed(self._loop.time(), str(error))
                trouble = error
        assert trouble is not None
        raise trouble

    def begin(self, request: UpstreamRequest) -> UpstreamResponse | None:
        """Send a request on an idle connection; None if there is none: then `fetch` it."""
        pools = self._pools
        if len(pools) == 1:
            return pools[0].begin(request)
        response = self._in_order()[0].begin(request)
        if response is None:
            self._turn -= 1  # `fetch` will take this turn
        return response

    async def go_on(self, request: UpstreamRequest, begun: UpstreamResponse) -> UpstreamResponse:
        """Return the response to a request that was begun, once its head is complete, as `fetch` does."""
        pool = next((pool for pool in self._pools if pool is begun.pool), None)
        assert pool is not None
        try:
            return await self._exchange(pool, request, begun)
        except ConnectError as error:  # it had closed the connection, and accepts no new one
            pool.health.failed(self._loop.time(), str(error))
            others = [other for other in self._in_order() if other is not pool]
            if not others:
                raise
        return await self._first_of(others, request)

    async def close(self) -> None:
        """Close every connection and stop the health checks."""
        for task in self._checks:
            task.cancel()
        await asyncio.gather(*self._checks, return_exceptions=True)
        for pool in self._pools:
            await pool.close()

    async def retire(self) -> None:
        """Close idle connections now, busy ones when their exchange has ended."""
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

    async def _exchange(
        self, pool: Pool, request: UpstreamRequest, begun: UpstreamResponse | None = None
    ) -> UpstreamResponse:
        retried = False
        while True:
            response = None if retried else begun
            try:
                if response is None and not retried:
                    response = pool.begin(request)
                if response is None:
                    response = await pool.start(request, anew=retried)
                await response.head()
            except ConnectError:
                raise
            except UpstreamError as error:
                if response is not None and _is_stale_connection(response, request) and not retried:
                    retried = True  # the upstream closed the idle connection at the same time
                    continue
                if error.status != 503:  # a full pool is no failure
                    pool.health.failed(self._loop.time(), str(error))
                message = f"{pool.address}: {error}"
                raise UpstreamError(message, error.status, unheard=error.unheard) from None
            except BaseException:
                if response is not None:
                    response.abort()
                raise
            pool.health.worked()
            return response

    async def _run_checks(self, pool: Pool, check: HealthCheck) -> None:
        host = check.host or pool.address.host
        headers = [(b"Host", host.encode()), (b"User-Agent", b"consent-proxy health")]
        while True:
            request = UpstreamRequest(b"GET", check.path.encode(), headers, first_byte=check.timeout)
            pool.health.checked(*await _check(pool, request, check.timeout), check.fails)
            await asyncio.sleep(check.every)


def _is_stale_connection(response: UpstreamResponse, request: UpstreamRequest) -> bool:
    """True if a reused connection closed before a byte of the response, and a retry is safe."""
    return response.unanswered and response.reused and request.may_repeat


async def _check(pool: Pool, request: UpstreamRequest, timeout: float) -> tuple[bool, str]:
    response: UpstreamResponse | None = None
    try:
        async with asyncio.timeout(timeout):
            response = await pool.start(request)
            await response.head()
            healthy, why = response.status < 400, f"{request.target.decode()} responds {response.status}"
            while await response.read():
                pass
            return healthy, why
    except (ProxyError, TimeoutError) as error:
        return False, str(error) or f"{request.target.decode()} did not respond in time"
    finally:
        if response is not None:
            with contextlib.suppress(ProxyError):
                response.abort()
