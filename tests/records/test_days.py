"""Daily numbers outlive the records that they count, and name nobody."""

from collections import Counter

from proxy.consent.answer import How
from proxy.consent.decision import Ask
from proxy.records.days import DAY_MS, UNSTORED, add, kept, of_records
from proxy.records.figures import figures
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, answer, refusal


async def test_what_is_purged_or_erased_goes_on_counting_without_the_person(url):
    clock = [NOON]
    store = await RecordStore.open(url, keys=[KEY], keep=86_400, clock=lambda: clock[0])
    await store.add(answer("ana"))
    await store.add(refusal("ben"))
    await store.add(
        answer(
            "ana",
            time=NOON + 1,
            granted=frozenset(),
            how=How.WITHDRAW,
            control=How.REFUSE,
            withdrawn=frozenset({"functional", "performance"}),
            asked=Ask.NEW,
        )
    )
    await store.add_days({(20_780, "callkom.io", "", "shown first", ""): 7})
    await store.add_days({(20_780, "callkom.io", "", "shown first", ""): 2})
    before = await store.days()
    await store.erase_visitor("ben")
    erased = await store.days()
    clock[0] = NOON + 3 * 86_400_000
    could, did = await store.purgeable(), await store.purge()
    after = await store.days()
    other_days = await store.days(20_782)
    await store.close()

    day = NOON // 86_400_000
    assert before == {
        (day, "callkom.io", "fr", "accept", ""): 1,
        (day, "callkom.io", "fr", "refuse", ""): 1,
        (day, "callkom.io", "fr", "withdraw", ""): 1,
        (day, "callkom.io", "fr", "again", ""): 1,
        (day, "callkom.io", "fr", "granted", "functional"): 1,
        (day, "callkom.io", "fr", "granted", "performance"): 1,
        (day, "callkom.io", "fr", "refused", "functional"): 2,
        (day, "callkom.io", "fr", "refused", "performance"): 2,
        (day, "callkom.io", "fr", "withdrawn", "functional"): 1,
        (day, "callkom.io", "fr", "withdrawn", "performance"): 1,
        (20_780, "callkom.io", "", "shown first", ""): 9,
    }
    assert erased == before + Counter({(day, "callkom.io", "fr", "erased", ""): 1})
    assert (could, did) == (3, 3)
    assert after == erased
    assert other_days == {}
    assert not any("ana" in key or "ben" in key for key in after)


async def test_each_record_counts_for_what_was_said_on_its_day(store):
    await store.add(answer("ana", asked=Ask.FIRST))
    await store.add(
        answer("ben", time=NOON + DAY_MS, asked=Ask.EXPIRED, granted=frozenset({"functional"}), how=How.SAVE)
    )
    await store.add(answer("cleo", site="app.callkom.io", language="en", how=How.ONCE, provider="hubspot"))
    async with store.database.reading() as connection:
        numbers = await of_records(connection, "1 = 1")
        saved = await of_records(connection, "how = ?", "save")

    day = NOON // DAY_MS
    assert numbers - saved == {
        (day, "callkom.io", "fr", "accept", ""): 1,
        (day, "callkom.io", "fr", "granted", "functional"): 1,
        (day, "callkom.io", "fr", "granted", "performance"): 1,
        (day, "app.callkom.io", "en", "once", ""): 1,
    }
    assert saved == {
        (day + 1, "callkom.io", "fr", "save", ""): 1,
        (day + 1, "callkom.io", "fr", "again", ""): 1,
        (day + 1, "callkom.io", "fr", "granted", "functional"): 1,
        (day + 1, "callkom.io", "fr", "refused", "performance"): 1,
    }


async def test_what_is_added_to_a_day_that_is_there_adds_up(store):
    first, second = (
        (20_780, "callkom.io", "fr", "shown first", ""),
        (20_781, "callkom.io", "", UNSTORED + "refuse", ""),
    )
    async with store.database.writing() as connection:
        await add(connection, {second: 1, first: 2})
        await add(connection, {first: 3})
    async with store.database.reading() as connection:
        assert await kept(connection, 0, 20_782) == {first: 5, second: 1}
        assert await kept(connection, 20_781, 20_782) == {second: 1}
        assert await kept(connection, 20_780, 20_781) == {first: 5}


async def test_what_another_tool_declared_is_counted_as_such_beside_what_it_says(store):
    await store.add(answer("ana", declared_by="cookiebot"))
    day = NOON // DAY_MS
    found = await store.days()

    assert found[day, "callkom.io", "fr", "accept", ""] == 1
    assert found[day, "callkom.io", "fr", "declared", ""] == 1
    assert figures(found)[""].declared == figures(found)[""].answered == 1
