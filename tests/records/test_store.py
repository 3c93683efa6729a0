"""What every store of proofs promises, on SQLite and on PostgreSQL."""

import asyncio
import contextlib
import json
import stat
from collections import Counter

import pytest
from sqlalchemy import exc

from proxy.consent.answer import How
from proxy.consent.decision import Ask
from proxy.consent.record import Receipt, Shown
from proxy.errors import RecordsError, StartError
from proxy.records.ledger import Ledger, Waiting
from proxy.records.queries import Which
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, SCOPE, SHOWN, answer, raw, refusal, sqlite_path

MINUTE = 60_000
YEAR = 365 * 86_400_000


async def test_an_answer_is_there_for_the_next_process(url):
    first = await RecordStore.open(url, keys=[KEY])
    record = await first.add(answer("ana"))
    await first.close()

    second = await RecordStore.open(url, keys=[KEY])
    try:
        assert await second.get(record.id) == record
        assert await second.of_visitor("ana") == [record]
        assert (await second.verify()).sound
    finally:
        await second.close()


async def test_a_receipt_says_who_agreed_to_what_when_and_under_which_words(store):
    record = await store.add(
        answer("ana", granted=frozenset({"functional"}), how=How.SAVE, provider="hubspot")
    )

    assert Receipt(record).to_json() == {
        "id": record.id,
        "time": "2026-11-23T12:00:00.000Z",
        "site": "callkom.io",
        "language": "fr",
        "policy_version": "2026-11-01",
        "rules_digest": SHOWN.rules_digest,
        "wording_digest": SHOWN.wording_digest,
        "policy_digest": "",
        "scope": {"functional": ["hubspot"], "performance": ["analytics", "hubspot"]},
        "granted": ["functional"],
        "refused": ["performance"],
        "how": "save",
        "gesture": None,
        "control": None,
        "withdrawn": [],
        "asked": None,
        "surface": None,
        "provider": "hubspot",
        "previous": None,
    }


async def test_no_column_could_hold_an_address_or_a_browser(url, store):
    await store.add(answer())
    table = "sqlite_master WHERE name = 'records'"
    query = (
        f"SELECT sql FROM {table}"
        if url.startswith("sqlite")
        else "SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_name = 'records'"
    )

    columns = (await raw(url, query))[0][0]

    assert not {"ip", "address", "agent", "user_agent", "ua"} & set(columns.replace(",", " ").lower().split())


async def test_each_record_names_the_visitors_one_before(store):
    first = await store.add(answer("ana"))
    other = await store.add(answer("ben"))
    second = await store.add(refusal("ana", time=NOON + 1))

    assert (first.content.previous, other.content.previous, second.content.previous) == (None, None, first.id)
    assert [record.id for record in await store.of_visitor("ana")] == [second.id, first.id]


async def test_the_same_choice_twice_within_a_minute_is_one_record(store):
    first = await store.add(answer("ana"))
    again = await store.add(answer("ana", time=NOON + MINUTE - 1))
    together = await asyncio.gather(*(store.add(answer("ben")) for _ in range(5)))

    assert again == first
    assert len({record.id for record in together}) == 1
    assert await store.count() == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"time": NOON + MINUTE},
        {"granted": frozenset({"functional"})},
        {"how": How.SAVE},
        {"site": "app.callkom.io"},
        {"provider": "hubspot"},
        {"shown": Shown("2026-12-01", SHOWN.rules, SHOWN.wording)},
    ],
    ids=lambda changes: next(iter(changes)),
)
async def test_another_choice_is_another_record(store, changes):
    await store.add(answer("ana"))
    await store.add(answer("ana", **changes))

    assert await store.count() == 2


async def test_answers_that_arrive_together_are_all_recorded_once_and_in_one_chain(store):
    records = await asyncio.gather(*(store.add(answer()) for _ in range(1500)))

    assert sorted(record.position for record in records) == list(range(1, 1501))
    assert await store.count() == 1500
    assert (await store.verify()).sound


async def test_several_processes_write_one_store_each_on_its_own_chain(url):
    stores = await asyncio.gather(*(RecordStore.open(url, keys=[KEY]) for _ in range(4)))
    try:
        records = await asyncio.gather(*(store.add(answer()) for _ in range(50) for store in stores))
        verified = await stores[0].verify()
    finally:
        for store in stores:
            await store.close()

    assert len({record.writer for record in records}) == 4
    assert (verified.records, verified.writers, verified.faults) == (200, 4, [])


async def test_of_two_answers_in_one_moment_the_second_is_the_newer(store):
    for _ in range(10):
        first, second = await store.add(answer("ana", time=NOON)), await store.add(refusal("ana", time=NOON))

        assert first.id < second.id
        assert second.content.previous == first.id


async def test_a_text_is_kept_once_however_many_saw_it(url, store):
    await asyncio.gather(*(store.add(answer()) for _ in range(20)))

    kept = await raw(url, "SELECT kind FROM texts ORDER BY kind")

    assert kept == [("rules",), ("wording",)]


async def test_a_record_shows_the_words_of_its_day_three_policy_versions_later(store):
    record = await store.add(answer("ana"))
    for number in range(1, 4):
        later = Shown(f"2027-0{number}-01", f"rules {number}", json.dumps({"title": f"Autres mots {number}"}))
        await store.add(answer("ana", shown=later, time=NOON + number * YEAR // 3))

    shown = await store.shown(await store.get(record.id))

    assert shown == SHOWN
    assert "Tout accepter" in shown.wording


async def test_an_erased_record_leaves_a_tombstone_and_a_chain_that_holds(url, store):
    records = [await store.add(answer(f"visitor-to-forget-{number}")) for number in range(3)]

    assert await store.erase(records[1].id)

    tombstone = await store.get(records[1].id)
    assert (tombstone.content, tombstone.digest, tombstone.link) == (None, records[1].digest, records[1].link)
    assert Receipt(tombstone).to_json() == {
        "id": records[1].id,
        "time": "2026-11-23T12:00:00.000Z",
        "erased": True,
    }
    assert await store.shown(tombstone) is None
    assert await store.of_visitor("visitor-to-forget-1") == []
    verified = await store.verify()
    assert (verified.records, verified.erased, verified.faults) == (3, 1, [])
    if url.startswith("sqlite"):
        folder = sqlite_path(url).parent
        left = b"".join(file.read_bytes() for file in folder.glob("proofs.db*"))
        assert b"visitor-to-forget-0" in left
        assert b"visitor-to-forget-1" not in left


async def test_erasing_twice_or_what_never_was_says_so(store):
    record = await store.add(answer())

    assert [await store.erase(record.id), await store.erase(record.id), await store.erase("nothing")] == [
        True,
        False,
        False,
    ]


async def test_a_visitor_can_have_everything_erased(store):
    for number in range(3):
        await store.add(answer("ana", time=NOON + number * MINUTE))
    kept = await store.add(answer("ben"))

    assert await store.erase_visitor("ana") == 3
    assert [record async for record in store.every()] == [kept]
    assert (await store.verify()).sound


async def test_purging_takes_what_is_older_than_keep_and_the_chain_holds(url):
    now = NOON
    store = await RecordStore.open(url, keys=[KEY], keep=365 * 86_400, clock=lambda: now)
    try:
        for number in range(10):
            await store.add(answer(time=NOON + number * YEAR // 10))
        now = NOON + YEAR + 3 * YEAR // 10

        assert await store.purge() == 3
        assert await store.purge() == 0
        assert await store.count() == 7
        assert (await store.verify()).sound

        await store.add(answer(time=now))
        now += 5 * YEAR
        assert await store.purge() == 8
        await store.add(answer(time=now))
        assert ((await store.verify()).records, (await store.verify()).faults) == (1, [])
    finally:
        await store.close()


async def test_purging_is_done_in_steps_that_nobody_waits_for(store, monkeypatch):
    monkeypatch.setattr("proxy.records.erasure._STEP", 7)
    await asyncio.gather(*(store.add(answer()) for _ in range(40)))

    _, purged, _ = await asyncio.gather(
        store.add(answer(time=NOON + 9)), store.purge(NOON + 1), store.add(answer(time=NOON + 9))
    )

    assert purged == 40
    assert await store.count() == 2
    assert (await store.verify()).sound


async def test_an_old_record_behind_a_young_one_waits_for_it(store):
    await store.add(answer(time=NOON + YEAR))
    await store.add(answer(time=NOON))  # a clock went back

    assert await store.purge(NOON + 1) == 0
    assert await store.purge(NOON + 2 * YEAR) == 2


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE records SET granted = '[\"performance\"]'",
        "UPDATE records SET erased = 1, seal = digest",
        "DELETE FROM records",
        "DELETE FROM writers",
        "UPDATE writers SET head_position = 0",
        "UPDATE texts SET body = ''",
        "DELETE FROM texts",
    ],
)
async def test_the_database_itself_refuses_to_change_what_is_proven(url, store, statement):
    record = await store.add(answer())

    with pytest.raises(exc.DBAPIError, match="append-only"):
        await raw(url, statement, guarded=True)

    assert await store.get(record.id) == record


async def test_postgresql_refuses_to_truncate(postgres):
    url = await postgres.fresh()
    async with _opened(url) as store:
        await store.add(answer())
        for table in ("records", "texts", "writers"):
            with pytest.raises(exc.DBAPIError, match="append-only"):
                await raw(url, f"TRUNCATE {table}", guarded=True)


@contextlib.asynccontextmanager
async def _opened(url, **options):
    store = await RecordStore.open(url, keys=[KEY], **options)
    try:
        yield store
    finally:
        await store.close()


async def test_a_store_of_a_newer_program_is_refused_in_one_sentence(url):
    async with _opened(url) as store:
        await store.add(answer())
    await raw(url, "UPDATE consent_proxy_schema SET version_num = '9999'")

    with pytest.raises(StartError, match=r"schema 9999.*newer consent-proxy"):
        await RecordStore.open(url, keys=[KEY])


async def test_pages_counts_and_filters_speak_of_the_same_records(store):
    for number in range(6):
        site = "app.callkom.io" if number % 2 else "callkom.io"
        await store.add(answer(site=site, time=NOON + number))
    await store.add(refusal(time=NOON + 6))

    assert [record.time - NOON for record in await store.newest(limit=2)] == [6, 5]
    for which, count in [
        (Which(), 7),
        (Which(site="app.callkom.io"), 3),
        (Which(how="refuse"), 1),
        (Which(since=NOON + 2, until=NOON + 4), 2),
        (Which(visitor="nobody"), 0),
    ]:
        assert await store.count(which) == count
        assert len([record async for record in store.every(which)]) == count
        assert len(await store.newest(which)) == count


async def test_every_record_is_given_whatever_the_page(store, monkeypatch):
    monkeypatch.setattr("proxy.records.queries.PAGE", 7)
    monkeypatch.setattr("proxy.records.verify.PAGE", 7)
    records = await asyncio.gather(*(store.add(answer()) for _ in range(28)))

    given = [record.id async for record in store.every()]

    assert given == sorted(record.id for record in records)
    assert (await store.verify()).records == 28


async def test_stats_count_what_was_said(store):
    await store.add(answer("ana"))
    await store.add(refusal("ana", time=NOON + 5))
    await store.add(answer("ben", granted=frozenset({"functional"}), how=How.SAVE))
    gone = await store.add(answer("cleo"))
    await store.erase(gone.id)

    stats = await store.stats()

    assert (stats.records, stats.erased, stats.visitors, stats.writers) == (3, 1, 2, 1)
    assert stats.by_how == {"accept": 1, "refuse": 1, "save": 1}
    assert stats.granted == {"functional": 2, "performance": 1}
    assert stats.refused == {"functional": 1, "performance": 2}
    assert (stats.first, stats.last) == (NOON, NOON + 5)


async def test_stats_of_an_empty_store_are_zero(store):
    stats = await store.stats()

    assert (stats.records, stats.first, stats.last, stats.by_how) == (0, None, None, {})


async def test_records_stay_verifiable_after_the_old_key_is_thrown_away(url):
    old, new, newest = b"old signing key.", b"new signing key.", b"next signing key"
    for keys in ([old], [new, old], [newest, new]):
        store = await RecordStore.open(url, keys=keys)
        await store.add(answer(visitor := f"under-{keys[0].decode()}"))
        await store.close()

    store = await RecordStore.open(url, keys=[newest])
    try:
        assert (await store.verify()).faults == []
        assert await store.erase_visitor(visitor) == 1
        assert await store.purge(NOON + 1) == 3
        assert (await store.verify()).faults == []
    finally:
        await store.close()


async def test_an_answer_that_no_database_can_hold_spoils_no_other(url):
    async with _opened(url) as store:
        bad = answer("nul \x00 and surrogate \ud800")
        given = await asyncio.gather(
            *(store.add(answer()) for _ in range(5)), store.add(bad), return_exceptions=True
        )
        store.add_later(bad)
        await store.add(answer())

        assert [isinstance(one, Exception) for one in given] == [False] * 5 + [True]
        assert isinstance(given[-1], RecordsError)
        assert await store.count() == 6
        assert (await store.verify()).sound


async def test_a_refusal_need_not_wait(store):
    store.add_later(refusal("ana"))
    await store.close()

    assert store.lost == 0


async def test_what_was_given_for_later_is_written_before_closing(url):
    async with _opened(url) as store:
        store.add_later(refusal("ana"))
    async with _opened(url) as store:
        assert len(await store.of_visitor("ana")) == 1


async def test_a_closed_store_takes_nothing(url):
    async with _opened(url) as store:
        pass
    with pytest.raises(RecordsError, match="closed"):
        await store.add(answer())


async def test_heads_tell_where_each_chain_ends(store):
    record = await store.add(answer())

    (head,) = await store.heads()

    assert (head.writer, head.position, head.link) == (record.writer, 1, record.link)
    assert await store.heads(since=2**53) == []


async def test_a_healthy_store_says_nothing(store):
    await store.add(answer())

    assert (await store.healthy(), store.trouble, store.backlog, store.lost) == (None, None, 0, 0)


async def test_the_sqlite_file_is_for_its_owner_only(tmp_path):
    async with _opened(f"sqlite:///{tmp_path / 'proofs.db'}") as store:
        await store.add(answer())

        modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}

    assert modes == {0o600}


async def test_a_file_that_others_could_read_is_taken_from_them(tmp_path):
    path = tmp_path / "proofs.db"
    path.touch(0o644)
    async with _opened(f"sqlite:///{path}"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_commit_that_arrived_although_its_connection_died_is_not_made_twice(store):
    ledger = Ledger(store._database, store._keyring, lambda: NOON)
    first = Waiting(answer("ana"), "a" * 26, None)
    second = Waiting(refusal("ana", time=NOON + 1), "b" * 26, None)

    (record,) = await ledger.write([first])
    await ledger.write([second])
    (again,) = await ledger.write([first])

    assert again == record
    assert await store.count() == 2
    assert (await store.verify()).sound


async def test_a_relative_file_counts_from_the_folder_of_the_config(tmp_path):
    async with _opened("sqlite:///proofs.db", folder=tmp_path) as store:
        await store.add(answer())

    assert (tmp_path / "proofs.db").exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("sqlite:////no/such/folder/proofs.db", "folder /no/such/folder does not exist"),
        ("sqlite://", "in memory proves nothing"),
        ("sqlite:///x.db?cache=shared", "option 'cache' is unknown"),
        ("nonsense", "is no address"),
    ],
)
async def test_an_address_that_never_works_is_refused_in_one_sentence(url, says):
    with pytest.raises(StartError, match=says):
        await RecordStore.open(url, keys=[KEY])


async def test_a_command_makes_no_store(tmp_path):
    with pytest.raises(StartError, match="there is no store"):
        await RecordStore.open(f"sqlite:///{tmp_path / 'proofs.db'}", keys=[KEY], create=False)
    assert list(tmp_path.iterdir()) == []


def test_scope_of_the_tests_has_two_purposes():
    assert SCOPE.purposes == {"functional", "performance"}


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
