"""What is kept of names, on SQLite and PostgreSQL."""

import asyncio
from pathlib import Path

import pytest

from proxy.records.store import RecordStore
from proxy.seen.names import Kind
from proxy.seen.seen_store import MOST, MOST_REPORTED, SeenStore
from proxy.seen.sightings import Key, Seen
from tests.records.answers import KEY

NOW = 1_795_435_200


def key(name, site="site", kind=Kind.HOST):
    return Key(site, kind, name)


def seen(at=NOW, **facts):
    return Seen(at, at, 1, **facts)


async def test_a_name_is_new_once_whoever_meets_it(store, url):
    beside = await RecordStore.open(url, keys=[KEY])
    stores = [SeenStore(store.database), SeenStore(beside.database)]
    names = {key(f"h{number}.example"): seen(by_us=True, paths=["/x"]) for number in range(20)}

    found = await asyncio.gather(*(one.add(names) for one in stores))
    kept = await stores[0].all("site")
    await beside.close()

    assert sorted([*found[0], *found[1]]) == sorted(names)
    assert {one.count for one in kept.values()} == {2}


async def test_what_is_kept_comes_back_after_a_restart(url):
    facts = seen(
        by_us=True,
        elements={"script", "img"},
        sides={"markup"},
        setters={"server"},
        paths=["/a", "/b"],
        cookie={"httponly": True, "lasts": "3 days"},
    )
    for more in ({key("cdn.example"): facts}, {}):
        store = await RecordStore.open(url, keys=[KEY])
        kept = SeenStore(store.database)
        await kept.add(more)
        found = await kept.all()
        await store.close()

        assert found == {key("cdn.example"): facts}


async def test_a_flood_of_reported_names_leaves_the_known_ones(store):
    kept = SeenStore(store.database)
    ours = {key(f"seen{n}.example"): seen(NOW - 9000, by_us=True) for n in range(30)}
    ruled = {key(f"ruled{n}.example"): seen(NOW - 9000) for n in range(30)}
    await kept.add({**ours, **ruled})

    for turn in range(3):
        flood = {key(f"x{turn}-{n}.flood.example"): seen(NOW + turn) for n in range(MOST_REPORTED)}
        await kept.add(flood, lambda one: one.name.startswith("ruled"))
    found = await kept.all("site")

    assert ours.keys() | ruled.keys() <= found.keys()
    assert len(found) == MOST_REPORTED + len(ours)
    assert all(one.name.startswith("x2-") for one in found.keys() - ours.keys() - ruled.keys())


async def test_names_that_we_see_are_bounded_too_and_other_sites_have_their_own_room(store):
    kept = SeenStore(store.database)
    await kept.add({key(f"r{n}.example"): seen() for n in range(10)})
    await kept.add({key(f"s{n}.example"): seen(by_us=True) for n in range(MOST + 50)})
    await kept.add({key("elsewhere.example", site="other"): seen()})

    assert len(await kept.all("site")) == MOST
    assert list(await kept.all("other")) == [key("elsewhere.example", site="other")]


async def test_a_full_site_takes_less_than_two_megabytes(tmp_path: Path):
    store = await RecordStore.open(f"sqlite:///{tmp_path / 'proofs.db'}", keys=[KEY])
    facts = {
        "elements": {f"element{n}" for n in range(4)},
        "sides": {"markup", "script"},
        "setters": {"s" * 60 + ".example"},
        "paths": ["/" + "p" * 119] * 3,
        "cookie": {"httponly": True, "secure": True, "lasts": "365 days", "domain": "d" * 60 + ".example"},
    }
    await SeenStore(store.database).add(
        {key(f"{n:04}" + "x" * 60, kind=Kind.COOKIE): seen(by_us=True, **facts) for n in range(MOST)}
    )
    await store.database.scrub()
    await store.close()

    assert (tmp_path / "proofs.db").stat().st_size < 2_000_000


@pytest.mark.parametrize("text", ["'; DROP TABLE seen; --", "\\", '"', "{{7*7}}", "<b>"])
async def test_a_name_is_a_value_and_never_part_of_a_statement(store, text):
    kept = SeenStore(store.database)
    await kept.add({key(text, kind=Kind.KEY): seen()})

    assert list(await kept.all()) == [key(text, kind=Kind.KEY)]
