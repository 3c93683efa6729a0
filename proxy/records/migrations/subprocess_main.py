"""A migration in a process of its own: what it imports does not stay with one that serves."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from proxy.records.driver import FAILURES, Failure, why
from proxy.records.store_address import StoreAddress
from proxy.subprocess_command import command

_PATIENCE = 60.0
"""Seconds for the steps of a store of any size; they hold its lock meanwhile."""


async def migrate_in_subprocess(address: StoreAddress) -> None:
    """Bring the store at that address to the schema of this program."""
    process = await asyncio.create_subprocess_exec(
        *command("proxy.records.migrations.subprocess_main"),
        stdin=asyncio.subprocess.PIPE,  # an address may hold a password, which no list of processes shows
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C ends us, not the migration midway
    )
    told = json.dumps([address.url, str(address.path or "")]).encode()
    try:
        async with asyncio.timeout(_PATIENCE):
            said, _ = await process.communicate(told)
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        raise Failure(RuntimeError(said.decode(errors="replace") or "its migration failed, see above"))


def main() -> int:
    """Read an address from standard input and migrate what is there; the exit status tells."""
    from proxy.records.migrations.migrate import migrate  # noqa: PLC0415 - whoever imports us to be spared it

    url, path = json.loads(sys.stdin.read())
    try:
        asyncio.run(migrate(StoreAddress(url, "", Path(path) if path else None)))
    except FAILURES as error:
        sys.stdout.write(why(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
