"""What every store of proofs promises, on SQLite and on PostgreSQL."""

import contextlib
import json

import pytest
from sqlalchemy import exc

from proxy.consent.answer import How
from proxy.consent.record import Receipt, Shown
from proxy.errors import StartError
from proxy.records.store import RecordStore
from tests.records.answers import KEY, NOON, SCOPE, SHOWN, answer, raw

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
        "declared_by": None,
        "declared_at": None,
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


async def test_a_record_shows_the_words_of_its_day_three_policy_versions_later(store):
    record = await store.add(answer("ana"))
    for number in range(1, 4):
        later = Shown(f"2027-0{number}-01", f"rules {number}", json.dumps({"title": f"Autres mots {number}"}))
        await store.add(answer("ana", shown=later, time=NOON + number * YEAR // 3))

    shown = await store.shown(await store.get(record.id))

    assert shown == SHOWN
    assert "Tout accepter" in shown.wording


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


async def test_heads_tell_where_each_chain_ends(store):
    record = await store.add(answer())

    (head,) = await store.heads()

    assert (head.writer, head.position, head.link) == (record.writer, 1, record.link)
    assert await store.heads(since=2**53) == []


async def test_a_healthy_store_says_nothing(store):
    await store.add(answer())

    assert (await store.healthy(), store.trouble, store.backlog, store.lost) == (None, None, 0, 0)


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


def test_scope_of_the_tests_has_two_purposes():
    assert SCOPE.purposes == {"functional", "performance"}
