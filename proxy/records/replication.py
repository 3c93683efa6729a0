"""Whether the servers of an address can follow each other: what `check --connect` says of several."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from proxy.errors import StartError
from proxy.records.driver import FAILURES, first, why
from proxy.records.postgresql import PostgresConnection
from proxy.records.postgresql_servers import server_name, servers

_STATE = "SELECT pg_is_in_recovery(), current_setting('synchronous_standby_names')"


@dataclass(frozen=True, slots=True)
class ServerState:
    """One server: `standby` is None where it could not be asked, and `trouble` says why.

    `synchronous` says that its commits wait for another server.
    """

    name: str
    standby: bool | None
    synchronous: bool = False
    trouble: str = ""


async def server_states(url: str) -> list[ServerState]:
    """Return what each server of an address says of itself; nothing is written."""
    return list(await asyncio.gather(*map(_state, servers(url))))


async def _state(address: str) -> ServerState:
    name = server_name(address)
    try:
        connection = await PostgresConnection.open(_any_role(address))
        try:
            row = await first(connection, _STATE)
        finally:
            connection.abandon()
    except (*FAILURES, StartError) as error:
        return ServerState(name, None, trouble=why(error))
    assert row is not None
    return ServerState(name, bool(row[0]), synchronous=bool(str(row[1]).strip()))


def _any_role(address: str) -> str:
    return address.replace("target_session_attrs=read-write", "target_session_attrs=any")


def replication_doubts(states: Sequence[ServerState]) -> Iterator[str]:
    """Give what a failover between several servers would founder on, in sentences."""
    for state in states:
        if state.standby is None:
            yield f"{state.name} cannot be asked: {state.trouble}; no failover would find it"
    primaries = [state for state in states if state.standby is False]
    if len(primaries) > 1:
        yield (
            f"{' and '.join(state.name for state in primaries)} both take writes: proofs would be in one or "
            "in the other; make all but one of them a standby"
        )
    for state in primaries:
        if not state.synchronous:
            yield (
                f"{state.name} commits without waiting for a standby: an acceptance that was answered may be "
                "lost with it; set synchronous_standby_names"
            )
