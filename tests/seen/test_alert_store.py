"""Alerts in the store: raised once, ten an hour and a digest, tried again until they are taken."""

import asyncio

from proxy.records.store import RecordStore
from proxy.seen.alert_store import GIVE_UP, LEASE, MOST_IN_DIGEST, PER_HOUR, AlertStore
from proxy.seen.names import Kind
from proxy.seen.sightings import Key
from tests.records.answers import KEY

NOW = 1_795_435_200


def key(name, site="site"):
    return Key(site, Kind.HOST, name)


def facts(name):
    return {
        "names": [{"kind": "host", "name": name, "elements": ["script"], "path": "/", "evidence": "seen"}],
        "count": 1,
    }


async def raise_many(alerts, count, now=NOW, site="site"):
    return [
        await alerts.raise_for(key(f"h{n}.example", site), facts(f"h{n}.example"), now, sends=True)
        for n in range(count)
    ]


async def test_of_all_who_share_a_store_one_raises_an_alert(store, url):
    beside = await RecordStore.open(url, keys=[KEY])
    stores = [AlertStore(store.database), AlertStore(beside.database)]

    raised = await asyncio.gather(
        *(one.raise_for(key("a.example"), facts("a.example"), NOW, sends=True) for one in stores)
    )
    due = [await one.due(NOW) for one in stores]
    await beside.close()

    assert sorted(raised) == [False, True]
    assert [len(one) for one in due] == [1, 0]


async def test_after_ten_in_an_hour_the_rest_waits_for_one_digest(store):
    alerts = AlertStore(store.database)
    assert all(await raise_many(alerts, PER_HOUR + 70))
    alone = [alert async for alert in every(alerts, NOW)]
    first, again = await alerts.digest(NOW), await alerts.digest(NOW + 5)
    (digest,) = [alert async for alert in every(alerts, NOW + 5)]

    assert len(alone) == PER_HOUR
    assert (first, again) == (["site"], [])
    assert digest.facts["count"] == 70
    assert len(digest.facts["names"]) == MOST_IN_DIGEST


async def every(alerts, now):
    while due := await alerts.due(now):
        for alert in due:
            await alerts.sent(alert)
            yield alert


async def test_other_sites_have_their_own_ten(store):
    alerts = AlertStore(store.database)
    await raise_many(alerts, PER_HOUR + 1)
    await raise_many(alerts, 1, site="other")

    assert len([alert async for alert in every(alerts, NOW)]) == PER_HOUR + 1


async def test_what_a_receiver_did_not_take_for_an_hour_is_sent_after_a_restart(url):
    store = await RecordStore.open(url, keys=[KEY])
    alerts = AlertStore(store.database)
    await raise_many(alerts, 1)
    now, tried = NOW, 0
    while now < NOW + 3600:
        for alert in await alerts.due(now):
            tried += 1
            assert not await alerts.failed(alert, now)
        now += 5
    await store.close()
    store = await RecordStore.open(url, keys=[KEY])
    due = await AlertStore(store.database).due(now + 900)
    await store.close()

    assert 4 <= tried <= 12
    assert [alert.facts["count"] for alert in due] == [1]


async def test_who_took_an_alert_and_died_leaves_it_to_others_after_a_minute(store):
    alerts = AlertStore(store.database)
    await raise_many(alerts, 1)
    await alerts.due(NOW)

    assert await alerts.due(NOW + LEASE - 1) == []
    assert len(await alerts.due(NOW + LEASE)) == 1


async def test_an_alert_that_nobody_takes_for_a_day_is_given_up(store):
    alerts = AlertStore(store.database)
    await raise_many(alerts, 1)
    (alert,) = await alerts.due(NOW)

    assert await alerts.failed(alert, NOW + GIVE_UP)
    assert await alerts.due(NOW + 2 * GIVE_UP) == []


async def test_without_a_receiver_nothing_waits(store):
    alerts = AlertStore(store.database)

    assert await alerts.raise_for(key("a.example"), facts("a.example"), NOW, sends=False)
    assert await alerts.due(NOW + 9999) == []


async def test_what_its_receiver_has_not_taken_is_counted_and_what_was_not_tried_is_not(store):
    alerts = AlertStore(store.database)
    await raise_many(alerts, 3)
    none = await alerts.undelivered()
    first, second, _ = await alerts.due(NOW)
    await alerts.failed(first, NOW + 1)
    await alerts.failed(second, NOW + GIVE_UP)

    assert none == {"waiting": 0, "given_up": 0, "since": None}
    assert await alerts.undelivered() == {"waiting": 1, "given_up": 1, "since": NOW}
