"""`records stats`: figures in all, told apart, and as a page, from a store that was purged."""

import json
import re

import pytest

from proxy.consent.answer import How
from proxy.consent.decision import Ask
from proxy.records.store import RecordStore
from tests.commands.records_cli import SIGNING, run, write_config
from tests.records.answers import NOON, answer, refusal

DAY = 86_400_000


@pytest.fixture
def config(tmp_path):
    return write_config(tmp_path, hosts="callkom.io, www.callkom.io")


@pytest.fixture
async def purged(config):
    """Five answers of three days, of which the first two days were purged; and what was shown."""
    store = await RecordStore.open("sqlite:///proofs.db", keys=[SIGNING], folder=config.parent)
    await store.add(answer("ana", language="en"))
    await store.add(refusal("ben", site="www.callkom.io"))
    await store.add(
        answer("cy", time=NOON + DAY, granted=frozenset({"functional"}), how=How.SAVE, asked=Ask.NEW)
    )
    await store.add(refusal("di", time=NOON + 2 * DAY))
    taken = frozenset({"functional", "performance"})
    await store.add(
        answer(
            "ana",
            granted=frozenset(),
            time=NOON + 2 * DAY,
            how=How.WITHDRAW,
            control=How.REFUSE,
            withdrawn=taken,
        )
    )
    day = NOON // DAY
    await store.add_days(
        {
            (day, "callkom.io", "en", "shown first", ""): 12,
            (day + 2, "callkom.io", "fr", "shown new", ""): 3,
            (day + 2, "callkom.io", "", "shown signal", ""): 2,
            (day + 2, "callkom.io", "", "unstored refuse", ""): 5,
        }
    )
    await store.purge(NOON + 2 * DAY)
    await store.close()


def told(config, *flags):
    return json.loads(run(config, "stats", "--json", *flags).stdout)


def test_figures_count_what_was_purged_and_the_kept_are_counted_beside(config, purged):
    found = told(config)

    assert found["in_all"] == {
        "shown": 15,
        "asked_again": 3,
        "gpc": 2,
        "answered": 5,
        "accepted": 1,
        "refused": 2,
        "custom": 1,
        "withdrawn": 1,
        "answered_again": 1,
        "declared": 0,
        "once": 0,
        "unstored": 5,
        "erased": 0,
    }
    assert found["records"] == 2


def test_figures_can_be_narrowed_to_days_and_to_a_site_by_any_of_its_hosts(config, purged):
    assert told(config, "--since", "2026-11-24", "--until", "2026-11-25")["in_all"]["answered"] == 1
    assert told(config, "--site", "www.callkom.io") == told(config, "--site", "callkom.io")
    assert told(config, "--site", "callkom.io")["in_all"]["answered"] == 5
    assert told(config, "--site", "elsewhere.example")["in_all"]["answered"] == 0


def test_figures_are_told_apart_by_day_site_language_purpose_and_kind(config, purged):
    days = told(config, "--by", "day")

    assert {day: one["answered"] for day, one in days.items()} == {
        "2026-11-23": 2,
        "2026-11-24": 1,
        "2026-11-25": 2,
    }
    assert {site: one["answered"] for site, one in told(config, "--by", "site").items()} == {"callkom.io": 5}
    languages = told(config, "--by", "language")
    assert {name: (one["shown"], one["answered"]) for name, one in languages.items()} == {
        "not told": (0, 0),
        "en": (12, 1),
        "fr": (3, 4),
    }
    assert told(config, "--by", "purpose") == {
        "functional": {"granted": 2, "refused": 3, "withdrawn": 1, "granted_share": 0.4},
        "performance": {"granted": 1, "refused": 4, "withdrawn": 1, "granted_share": 0.2},
    }
    assert told(config, "--by", "how") == {
        "accept": 1,
        "refuse": 2,
        "save": 1,
        "withdraw": 1,
        "once": 0,
        "placeholder": 0,
    }


def test_for_people_it_is_a_table(config, purged):
    lines = run(config, "stats", "--by", "day").stdout.splitlines()

    assert lines[0].split()[:4] == ["shown", "asked", "again", "gpc"]
    assert lines[1].split()[:5] == ["2026-11-23", "12", "0", "0", "2"]
    assert "  answered: 5" in run(config, "stats").stdout.splitlines()


def test_the_page_is_whole_and_says_the_same(config, purged):
    page = run(config, "stats", "--html", "--by", "site").stdout

    assert "<script" not in page
    assert not re.search(r"(?:src|href)=|url\(", page), "the page loads something"
    assert "<p><b>5</b>answered</p>" in page
    assert "<p><b>1</b>accepted \u00b7 20%</p>" in page
    assert '<g><title>2026-11-25: 0 accepted, 0 custom, 1 refused, 1 withdrawn</title><rect class="r"' in page
    assert page.index("<b>By site</b>") < page.index("<b>By day</b>")
    assert "2026-11-23 to 2026-11-25 (UTC)" in page


def test_a_store_without_answers_has_a_page_too(config):
    import asyncio

    async def make():
        await (await RecordStore.open("sqlite:///proofs.db", keys=[SIGNING], folder=config.parent)).close()

    asyncio.run(make())

    assert "Nothing was answered." in run(config, "stats", "--html").stdout
