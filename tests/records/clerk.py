"""A process that records acceptances until it is killed, and says each one it may answer.

Run as `python -m tests.records.clerk URL [PER_SECOND]`. Each line on standard output is the
id of a record that a visitor would have been told of.
"""

import asyncio
import os
import sys

from proxy.errors import RecordsError
from proxy.records.store import RecordStore, now_ms
from tests.records.answers import KEY, answer

CLIENTS = 16


async def visitor(store: RecordStore, pause: float) -> None:
    while True:
        try:
            record = await store.add(answer(os.urandom(16).hex(), time=now_ms()))
        except RecordsError:
            continue
        os.write(1, f"{record.id}\n".encode())
        await asyncio.sleep(pause)


async def main(url: str, per_second: float) -> None:
    store = await RecordStore.open(url, keys=[KEY])
    os.write(1, b"open\n")
    await asyncio.gather(*(visitor(store, CLIENTS / per_second) for _ in range(CLIENTS)))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 200))
