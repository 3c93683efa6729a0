import asyncio

from proxy.console.source import UnavailableError
from proxy.console.stored import FRESH, StoredFigures


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


class Store:
    def __init__(self):
        self.reads = 0
        self.away = False
        self.gate = asyncio.Event()

    async def stored(self):
        self.reads += 1
        await self.gate.wait()
        if self.away:
            raise UnavailableError("away")
        return {"consent": [self.reads], "purposes": [], "found": []}


async def test_many_who_look_at_once_have_it_read_once():
    store = Store()
    stored = StoredFigures(store, Clock())
    crowd = asyncio.gather(*(stored.read() for _ in range(5)))
    await asyncio.sleep(0)
    store.gate.set()

    assert [one["consent"] for one in await crowd] == [[1]] * 5
    assert store.reads == 1


async def test_whoever_looks_later_gets_the_last_while_it_is_read_anew():
    store, clock = Store(), Clock()
    stored = StoredFigures(store, clock)
    store.gate.set()
    first = await stored.read()
    await stored.read()
    assert store.reads == 1
    store.gate.clear()
    clock.now += FRESH + 5
    second = await stored.read()
    store.gate.set()
    while stored._reading is not None:
        await asyncio.sleep(0)
    third = await stored.read()

    assert (first["consent"], second["consent"], third["consent"]) == ([1], [1], [2])


async def test_a_store_that_is_away_tells_nothing_until_it_is_back():
    store, clock = Store(), Clock()
    stored = StoredFigures(store, clock)
    store.gate.set()
    store.away = True
    first = await stored.read()
    store.away = False
    clock.now += FRESH + 5
    await stored.read()
    while stored._reading is not None:
        await asyncio.sleep(0)

    assert first == {"consent": None, "purposes": None, "found": None, "alerts": None, "stored_at": None}
    assert (await stored.read())["consent"] == [2]


async def test_nobody_waits_for_long_and_what_was_read_comes_later():
    store, clock = Store(), Clock()
    stored = StoredFigures(store, clock, patience=0.01)
    first = await stored.read()
    clock.now += 7
    store.gate.set()
    await stored._reading
    second = await stored.read()

    assert (first["consent"], first["stored_at"]) == (None, None)
    assert (second["consent"], second["stored_at"]) == ([1], 1007)
    assert store.reads == 1


async def test_a_stop_ends_a_reading():
    store = Store()
    stored = StoredFigures(store, Clock())
    reading = asyncio.ensure_future(stored.read())
    await asyncio.sleep(0.01)
    await stored.stop()

    assert stored._reading is None
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
