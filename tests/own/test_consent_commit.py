"""Proof before yes: what grants more holds once it is recorded, what grants nothing more always holds."""

import asyncio
import contextlib
import gc
import sqlite3

import pytest

from proxy.consent.answer import Answer, Gesture, How
from proxy.consent.decision import Ask, decide
from proxy.errors import RecordsError
from proxy.own import consent_commit
from proxy.own.choice import SubmittedChoice
from proxy.own.consent_commit import CommitOutcome, Committed, commit
from proxy.policy.scope import Scope
from proxy.records.store import RecordStore
from tests.records.answers import KEY, SHOWN, refusal
from tests.support.heads import SITE
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, proxying
from tests.support.visits import NOW, request

DAY = 86_400
BOTH = frozenset({"functional", "performance"})


@pytest.fixture
async def store(tmp_path):
    opened = await RecordStore.open(f"sqlite:///{tmp_path / 'proofs.db'}", keys=[KEY])
    yield opened
    await opened.close()


def answered(*granted: str, ago: int = DAY):
    since = dict.fromkeys(granted, (NOW - ago) // DAY)
    return Answer("v" * 16, NOW - ago, frozenset(granted), SITE.scope, "2026-11-01", since)


async def chosen(
    store, how=How.SAVE, granted=(), before=None, *, gesture=Gesture.PERSON, stores=True, **more
) -> Committed:
    decision = decide(SITE.scope, before, now=NOW, ask_again_after=SITE.ask_again_after)
    choice = SubmittedChoice(how, frozenset(granted), "/", **more)
    return await commit(
        store,
        SITE,
        request(),
        choice,
        decision,
        shown=SHOWN,
        language="fr",
        stores=lambda: stores,
        gesture=gesture,
    )


async def test_a_yes_is_recorded_and_holds(store):
    done = await chosen(store, How.ACCEPT, BOTH)

    assert done.outcome is CommitOutcome.RECORDED
    assert (done.answer.granted, done.answer.at) == (BOTH, NOW)
    assert await store.get(done.record.id) == done.record
    kept = done.record.content
    assert (kept.visitor, kept.how, kept.control, kept.gesture) == (done.answer.visitor, How.ACCEPT, How.ACCEPT, Gesture.PERSON)  # fmt: skip
    assert (kept.asked, kept.site, kept.language, kept.withdrawn) == (Ask.FIRST, "callkom.io", "fr", ())


async def test_a_yes_without_a_record_is_none(store):
    await store.close()

    assert await chosen(store, How.ACCEPT, BOTH) == Committed(CommitOutcome.UNPROVEN, None)


async def test_nor_is_one_that_takes_something_back_with_the_same_press(store):
    await store.close()
    done = await chosen(store, How.SAVE, {"performance"}, answered("functional"))

    assert done == Committed(CommitOutcome.UNPROVEN, None)


async def test_a_yes_beyond_the_limit_of_refusals_is_recorded_all_the_same(store):
    assert (await chosen(store, How.ACCEPT, BOTH, stores=False)).outcome is CommitOutcome.RECORDED


async def test_a_visitor_who_leaves_has_agreed_all_the_same(store):
    task = asyncio.ensure_future(chosen(store, How.ACCEPT, BOTH))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await store.close()
    again = await RecordStore.open(store.database.address.url, keys=[KEY])
    assert await again.count() == 1
    await again.close()


async def test_a_refusal_is_recorded_and_beyond_the_limit_holds_and_is_counted(store):
    recorded = await chosen(store, How.REFUSE)
    counted = await chosen(store, How.REFUSE, stores=False)

    assert (recorded.outcome, recorded.answer.granted) == (CommitOutcome.RECORDED, frozenset())
    assert (counted.outcome, counted.answer.granted, counted.record) == (
        CommitOutcome.COUNTED,
        frozenset(),
        None,
    )
    assert await store.count() == 1


@contextlib.contextmanager
def locked(store):
    """Let another program hold the store's file."""
    other = sqlite3.connect(store.database.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


async def recorded(store) -> list[How]:
    """Return the kinds of what the store has, once it has something."""
    async with asyncio.timeout(20):
        while not await store.count():
            await asyncio.sleep(0.01)
    return [record.content.how for record in await store.newest()]


async def test_a_refusal_does_not_wait_for_its_record_which_follows(store, monkeypatch):
    monkeypatch.setattr(consent_commit, "RECEIPT_TIMEOUT", 0.01)
    with locked(store):
        done = await chosen(store, How.REFUSE)

    assert (done.outcome, done.answer.granted, done.record) == (CommitOutcome.LATER, frozenset(), None)
    assert await recorded(store) == [How.REFUSE]


async def test_a_refusal_whose_record_fails_holds_and_leaves_no_error_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.records.sqlite.BUSY", 0.05)
    monkeypatch.setattr(consent_commit, "RECEIPT_TIMEOUT", 0.01)
    lost: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, found: lost.append(found))
    store = await RecordStore.open(f"sqlite:///{tmp_path / 'busy.db'}", keys=[KEY])
    with locked(store):
        done = await chosen(store, How.REFUSE)
        while store.trouble is None:
            await asyncio.sleep(0.01)
        gc.collect()

    assert done.outcome is CommitOutcome.LATER
    assert await recorded(store) == [How.REFUSE]
    assert lost == []
    await store.close()


async def test_a_store_that_is_known_to_fail_is_not_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr("proxy.records.sqlite.BUSY", 0.05)
    monkeypatch.setattr(consent_commit, "RECEIPT_TIMEOUT", 3_600.0)
    store = await RecordStore.open(f"sqlite:///{tmp_path / 'busy.db'}", keys=[KEY])
    with locked(store):
        with pytest.raises(RecordsError, match="locked"):
            await store.add(refusal())
        done = await chosen(store, How.REFUSE)

    assert done.outcome is CommitOutcome.LATER
    await store.close()


async def test_taking_back_is_a_withdrawal_whatever_button_made_it(store):
    done = await chosen(store, How.SAVE, {"functional"}, answered(*BOTH))

    kept = done.record.content
    assert (kept.how, kept.control, kept.withdrawn) == (How.WITHDRAW, How.SAVE, ("performance",))
    assert (done.answer.granted, done.answer.visitor) == ({"functional"}, "v" * 16)


async def test_a_choice_that_takes_back_and_grants_is_no_withdrawal(store):
    done = await chosen(store, How.SAVE, {"performance"}, answered("functional"))

    assert (done.record.content.how, done.record.content.withdrawn) == (How.SAVE, ("functional",))


@pytest.mark.parametrize("how", ["script", "counted"])
async def test_what_has_no_proof_of_its_own_keeps_the_age_of_the_one_before(store, how):
    before = answered(*BOTH, ago=9 * DAY)
    more = {"gesture": None} if how == "script" else {"stores": False}
    narrower = await chosen(store, How.SAVE, {"functional"}, before, **more)
    nothing = await chosen(store, How.REFUSE, (), before, **more)

    assert (narrower.answer.at, nothing.answer.at) == (before.at, NOW)


async def test_a_scope_that_was_asked_alone_is_what_was_answered(store):
    asked = Scope(frozenset(pair for pair in SITE.scope.pairs if pair.purpose == "functional"))
    done = await chosen(store, How.PLACEHOLDER, {"functional"}, asked=asked, provider="hubspot")

    assert done.answer.scope == asked
    assert (done.record.content.refused, done.record.content.provider) == ((), "hubspot")


async def test_visitors_of_two_sites_with_one_cookie_and_other_rules_are_asked_once_on_each(tmp_path):
    shop = RULES.replace("  hubspot:", "  intercom:").replace("name: HubSpot", "name: Intercom")
    (tmp_path / "shop.yaml").write_text(shop)
    form = "Content-Type: application/x-www-form-urlencoded"
    async with Origin({b"/": html(PAGE)}) as origin:
        more = f"  - {{ hosts: shop.callkom.io, upstream: '{origin.url}', rules: shop.yaml }}"
        async with proxying(origin.url, folder=tmp_path, more=more, files=True) as proxy:

            async def asks(host, cookie):
                page = await proxy.ask("/", f"Cookie: {cookie}", host=host)
                return b"Accept all" in page.body

            async def choose(host, words, cookie=""):
                got = await proxy.ask(
                    "/.consent/choice", form, "Sec-Fetch-Site: same-origin", f"Cookie: {cookie}",
                    method="POST", body=words, host=host,
                )  # fmt: skip
                return next(iter(got.all(b"Set-Cookie"))).partition(b";")[0].decode()

            first = await choose("callkom.io", b"choice=accept&return=/")
            after_first = [await asks(host, first) for host in ("callkom.io", "shop.callkom.io")]
            second = await choose("shop.callkom.io", b"choice=accept&return=/", first)
            after_second = [await asks(host, second) for host in ("callkom.io", "shop.callkom.io")]
            third = await choose("callkom.io", b"choice=refuse&return=/", second)
            after_third = [await asks(host, third) for host in ("callkom.io", "shop.callkom.io")]
            kept = await proxy.server.snapshot.store.newest(limit=9)

    assert after_first == [False, True]
    assert after_second == [False, False]
    assert after_third == [False, False]
    shown = {one.content.site: set(one.content.scope["functional"]) for one in kept}
    assert shown == {"callkom.io": {"hubspot"}, "shop.callkom.io": {"intercom"}}
