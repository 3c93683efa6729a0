"""The connections to one upstream address: the youngest idle one first, never more than a limit.

One sweep per half second checks all deadlines: no timer per request, and a resolution that suffices.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections import Counter, deque
from dataclasses import dataclass
from math import inf
from typing import Any, cast

from proxy.errors import UpstreamError
from proxy.http.upstream.exchange import UpstreamRequest, UpstreamResponse
from proxy.http.upstream.health import UpstreamHealth
from proxy.http.upstream.timeouts import UpstreamTimeouts
from proxy.http.upstream.upstream_address import ConnectError, UpstreamAddress, default_tls
from proxy.http.upstream.upstream_connection import UpstreamConnection
from proxy.telemetry.visitor_network import is_private, network_of


class Shares:
    """The slots in use, by the network of the visitor (/24 or /48): no crowd of one may take them all.

    A slot is one exchange in flight on a connection of the pool. Pure: nothing here waits.
    The last quarter is kept in reserve: only networks that hold less than a sixteenth of all slots are
    served from it. Where every request came from one private address, a load balancer that
    `trusted_proxies` does not name, nobody can be told apart and there is no reserve.
    """

    __slots__ = ("_by_network", "_fair", "_only_visitor", "_several", "in_use", "limit")

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.in_use = 0
        self._fair = max(1, limit // 16)
        self._by_network: Counter[str] = Counter()
        self._only_visitor: str | None = None
        self._several = False  # visitors can be told apart

    def note(self, visitor: str) -> None:
        """Learn whether all visitors come from one private address."""
        if visitor and not self._several and visitor != self._only_visitor:  # health checks have none
            self._several = self._only_visitor is not None or not is_private(visitor)
            self._only_visitor = visitor

    def allows(self, visitor: str) -> bool:
        """True when a request of this visitor may have a slot now."""
        if self.in_use >= self.limit:
            return False
        if not self._several or self.in_use < self.limit - self.limit // 4:
            return True
        return self._by_network[network_of(visitor)] < self._fair

    def take(self, visitor: str) -> str:
        """Take a slot; what is returned gives it back."""
        network = network_of(visitor)
        self.in_use += 1
        self._by_network[network] += 1
        return network

    def give_back(self, network: str) -> None:
        """Give back a slot."""
        self.in_use -= 1
        self._by_network[network] -= 1
        if not self._by_network[network]:
            del self._by_network[network]


TICK = 0.5
YOUNG = 1.0  # seconds idle after which a request that cannot be repeated gets a new connection
NAMES_KEPT = 10.0  # seconds that resolved addresses are used


@dataclass(frozen=True, slots=True)
class PoolState:
    """The state of a pool, for metrics and /status."""

    address: str
    up: bool
    why: str
    connections: int
    idle: int
    busy: int
    waiting: int
    in_use: int  # of the slots that `limits.connections` grants


class Pool:
    """All connections to one address."""

    def __init__(
        self,
        address: UpstreamAddress,
        *,
        timeouts: UpstreamTimeouts,
        limit: int,
        tls: ssl.SSLContext | None,
        server_name: str | None,
    ) -> None:
        self.address = address
        self.health = UpstreamHealth()
        self._timeouts = timeouts
        self._shares = Shares(limit)
        self._tls = (tls or default_tls()) if address.secure else None
        self._server_name = (server_name or address.host) if address.secure else None
        self._loop = asyncio.get_running_loop()
        self._connections: set[UpstreamConnection] = set()
        self._long_lived: set[UpstreamConnection] = set()  # WebSockets and event streams
        self._pinned: dict[
            UpstreamConnection, None
        ] = {}  # each to one visitor's connection; used longest ago first
        self._opening = 0
        self._idle: list[UpstreamConnection] = []
        self._retired = False
        self._waiting: deque[tuple[str, asyncio.Future[str]]] = deque()  # visitor, and their slot to come
        self._names: tuple[float, list[str]] = (-inf, [])
        self._sweeper: asyncio.TimerHandle | None = None

    def begin(self, request: UpstreamRequest) -> UpstreamResponse | None:
        """Send the request on an idle connection; None if none is suitable."""
        connection = self._pinned_for(request)
        if connection is None:
            self._shares.note(request.visitor)
            if not self._shares.allows(request.visitor):
                return None
            connection = self._youngest(request.needs_fresh)
            if connection is None:
                return None
            connection.slot = self._shares.take(request.visitor)
        return self._sent(connection, request)

    async def start(self, request: UpstreamRequest, *, anew: bool = False) -> UpstreamResponse:
        """Send the request on a connection (a new one if `anew`); its head is still to come."""
        connection = None if anew else self._pinned_for(request)
        if connection is None:
            slot = await self._slot(request.visitor)
            try:
                connection = None if anew else self._youngest(request.needs_fresh)
                if connection is None:
                    connection = await self._another()
            except BaseException:
                self._give_back(slot)
                raise
            connection.slot = slot
        return self._sent(connection, request)

    def _sent(self, connection: UpstreamConnection, request: UpstreamRequest) -> UpstreamResponse:
        response = UpstreamResponse(request, self._loop, self)
        try:
            connection.send(request, response)
        except BaseException:
            connection.abort()
            raise
        return response

    @property
    def busy(self) -> int:
        """How many exchanges are in flight or waiting."""
        return self._shares.in_use + len(self._long_lived) + len(self._pinned) + len(self._waiting)

    def state(self) -> PoolState:
        """Return the state of the pool."""
        return PoolState(
            address=str(self.address),
            up=self.health.responds,
            why=self.health.why,
            connections=len(self._connections) + len(self._long_lived) + len(self._pinned),
            idle=len(self._idle),
            busy=self.busy,
            waiting=len(self._waiting),
            in_use=self._shares.in_use,
        )

    def retire(self) -> None:
        """Close idle connections now, and others when their exchange has ended."""
        self._retired = True
        while self._idle:
            self._idle.pop().abort()
        for connection in [connection for connection in self._pinned if connection.is_free]:
            connection.abort()

    async def close(self) -> None:
        """End every connection."""
        if self._sweeper is not None:
            self._sweeper.cancel()
        for connection in [*self._connections, *self._long_lived, *self._pinned]:
            connection.abort()
        await asyncio.sleep(0)

    # -- which connection --------------------------------------------------------------------------------

    def holds(self, request: UpstreamRequest) -> bool:
        """True if its visitor is signed in on a connection of this pool."""
        return self._pinned_for(request) is not None

    def _pinned_for(self, request: UpstreamRequest) -> UpstreamConnection | None:
        pinned = request.pinned
        found = pinned.find(self, request.visitor) if pinned else None
        return cast("UpstreamConnection | None", found)

    def _youngest(self, fresh: bool) -> UpstreamConnection | None:
        now = self._loop.time()
        idle = self._idle
        while idle:
            age = now - idle[-1].idle_since
            if fresh and age > YOUNG:
                return None
            connection = idle.pop()
            if age < self._timeouts.keepalive and connection.is_quiet():
                return connection
            connection.abort()
        return None

    async def _another(self) -> UpstreamConnection:
        """Open a connection for a slot; an idle one that is not suitable makes room for it."""
        while self._idle and len(self._connections) + self._opening >= self._shares.limit:
            connection = self._idle.pop(0)
            connection.abort()
            self._connections.discard(connection)
        self._opening += 1
        try:
            return await self._connect()
        finally:
            self._opening -= 1

    # -- slots -------------------------------------------------------------------------------------------

    async def _slot(self, visitor: str) -> str:
        """Take a slot, or wait in line for one; UpstreamError 503 when it takes too long."""
        shares = self._shares
        shares.note(visitor)
        if shares.allows(visitor):
            return shares.take(visitor)
        turn: asyncio.Future[str] = self._loop.create_future()
        place = visitor, turn
        self._waiting.append(place)
        try:
            async with asyncio.timeout(self._timeouts.queue):
                return await turn
        except TimeoutError:
            self._hand_back(turn)
            message = f"all {shares.limit} connections to {self.address} that this visitor may use are busy"
            raise UpstreamError(message, 503) from None
        except BaseException:
            self._hand_back(turn)
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._waiting.remove(place)

    def _hand_back(self, turn: asyncio.Future[str]) -> None:
        """Give back the slot of somebody who left just when it came."""
        if turn.done() and not turn.cancelled():
            self._give_back(turn.result())

    def _give_back(self, slot: str) -> None:
        self._shares.give_back(slot)
        if self._waiting:
            self._next_in_line()

    def _free_slot(self, connection: UpstreamConnection) -> None:
        """Give back the slot of a connection whose exchange has ended or does not count any more."""
        slot, connection.slot = connection.slot, None
        if slot is not None:
            self._give_back(slot)

    def _next_in_line(self) -> None:
        """Give free slots to those who wait, in their order: to each who may have one."""
        for place in list(self._waiting):
            visitor, turn = place
            if self._shares.in_use >= self._shares.limit:
                return
            if not turn.done() and self._shares.allows(visitor):
                self._waiting.remove(place)
                turn.set_result(self._shares.take(visitor))

    # -- ConnectionOwner: called by the connections -----------------------------------------------

    def opened(self, connection: UpstreamConnection) -> None:
        """Add a new connection, and start the sweep."""
        self._connections.add(connection)
        if self._sweeper is None:
            self._sweeper = self._loop.call_later(TICK, self._sweep)

    def released(self, connection: UpstreamConnection) -> None:
        """Make a connection idle, for the next request."""
        if self._retired:
            connection.abort()
            return
        if connection.signed_in:
            self._pin(connection)
            return
        connection.idle_since = self._loop.time()
        self._idle.append(connection)
        self._free_slot(connection)

    def _pin(self, connection: UpstreamConnection) -> None:
        """Pin a connection to its visitor: outside the pool's limit, but with the same limit again."""
        request = connection.request
        if (
            request is None
            or request.pinned is None
            or not request.pinned.keep(self, request.visitor, connection)
        ):
            connection.abort()
            return
        self._connections.discard(connection)
        self._pinned.pop(connection, None)
        self._pinned[connection] = None
        if (
            len(self._pinned) > self._shares.limit
        ):  # the least recently used one is closed: its visitor signs in again
            oldest = next(one for one in self._pinned if one.is_free)
            del self._pinned[oldest]
            oldest.abort()
        self._free_slot(connection)

    def long_lived(self, connection: UpstreamConnection) -> None:
        """Take a WebSocket or an event stream out of the limit: a few hundred would block the pool."""
        self._connections.discard(connection)
        self._pinned.pop(connection, None)
        self._long_lived.add(connection)
        self._free_slot(connection)

    def lost(self, connection: UpstreamConnection) -> None:
        """Remove a closed connection, and wake a waiting request."""
        self._connections.discard(connection)
        self._long_lived.discard(connection)
        self._pinned.pop(connection, None)
        if connection in self._idle:
            self._idle.remove(connection)
        self._free_slot(connection)

    # -- opening -----------------------------------------------------------------------------------------

    async def _connect(self) -> UpstreamConnection:
        total = self._timeouts.connect
        trouble: Exception | None = None
        try:
            async with asyncio.timeout(total):
                names = await self._resolve()
                share = total / len(names)
                for name in names:
                    try:
                        async with asyncio.timeout(max(share, 1.0)):
                            return await self._open(name)
                    except (OSError, TimeoutError) as error:  # SSL errors are OSErrors
                        trouble = error
        except TimeoutError as error:
            trouble = error
        except OSError as error:
            trouble = error
        self._names = (-inf, [])
        raise ConnectError(self.address, trouble)

    async def _open(self, name: str) -> UpstreamConnection:
        more: dict[str, Any] = {"ssl": self._tls, "server_hostname": self._server_name} if self._tls else {}
        _, connection = await self._loop.create_connection(
            lambda: UpstreamConnection(self._timeouts, self), name, self.address.port, **more
        )
        return connection

    async def _resolve(self) -> list[str]:
        since, names = self._names
        if self._loop.time() - since > NAMES_KEPT:
            found = await self._loop.getaddrinfo(
                self.address.host, self.address.port, type=socket.SOCK_STREAM
            )
            names = list(dict.fromkeys(str(entry[4][0]) for entry in found))
            self._names = (self._loop.time(), names)
        return names

    # -- the sweep ---------------------------------------------------------------------------------------

    def _sweep(self) -> None:
        now = self._loop.time()
        for connection in [*self._connections, *self._pinned]:
            if now >= connection.deadline:
                connection.fail(UpstreamError("it did not respond in time", 504))
                self.lost(connection)  # uvloop does not report one whose creation was cancelled
        for connection in [
            connection for connection in self._idle if now - connection.idle_since >= self._timeouts.keepalive
        ]:
            connection.abort()
            self._idle.remove(connection)
        self._sweeper = (
            self._loop.call_later(TICK, self._sweep) if self._connections or self._pinned else None
        )
