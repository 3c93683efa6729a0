"""What the console shows of the store is what `records stats` counts of it, on each kind of database."""

import asyncio
import json
import sys
from pathlib import Path

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.config.signing_key import load_keys
from proxy.policy.load import load_policy
from proxy.process.console_store import consent_rows, purpose_rows
from proxy.process.handover import write_handover
from proxy.process.reload import WatchedFiles
from proxy.records.store import RecordStore, now_ms
from tests.records.answers import answer
from tests.records.conftest import postgres, url
from tests.support.proxying import RULES, config_text

__all__ = ["postgres", "url"]

DAY = 20_787  # 2026-11-30
NUMBERS = {
    (DAY, "a.io", "fr", "shown first", ""): 9,
    (DAY, "a.io", "fr", "shown new", ""): 2,
    (DAY, "a.io", "fr", "accept", ""): 3,
    (DAY, "a.io", "fr", "refuse", ""): 2,
    (DAY, "a.io", "fr", "save", ""): 1,
    (DAY, "a.io", "fr", "placeholder", ""): 1,
    (DAY, "a.io", "fr", "withdraw", ""): 1,
    (DAY, "a.io", "fr", "granted", "functional"): 4,
    (DAY, "a.io", "en", "granted", "functional"): 2,
    (DAY, "a.io", "fr", "refused", "functional"): 2,
    (DAY, "a.io", "fr", "withdrawn", "functional"): 1,
    (DAY - 1, "b.io", "", "accept", ""): 5,
}


def test_answers_are_counted_by_day_site_and_language():
    assert consent_rows(NUMBERS) == [
        {"day": "2026-11-29", "site": "b.io", "language": "", "shown": 0, "accepted": 5, "refused": 0, "custom": 0, "withdrawn": 0},
        {"day": "2026-11-30", "site": "a.io", "language": "fr", "shown": 11, "accepted": 3, "refused": 2, "custom": 2, "withdrawn": 1},
    ]  # fmt: skip


def test_purposes_are_counted_by_day_and_site_whatever_was_spoken():
    assert purpose_rows(NUMBERS) == [
        {"day": "2026-11-30", "site": "a.io", "purpose": "functional", "granted": 6, "refused": 2}
    ]


class Reader:
    """Asks as the process does that serves the console."""

    def __init__(self, folder: Path, records: str):
        text = config_text("http://127.0.0.1:1", more=f"records: {records}\n")
        (folder / "config.yaml").write_text(text)
        (folder / "rules.yaml").write_text(RULES)
        self.config = load_config(text, folder=folder)
        self._files = [folder / "config.yaml", folder / "rules.yaml"]
        policies = Policies.given(load_policy(RULES, catalogue=shipped_catalogue()))
        self._given = write_handover(WatchedFiles(*self._files), self.config, policies)

    async def ask(self, **question):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "proxy.process.console_store", *map(str, self._files), "--given", str(self._given),
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, pass_fds=[self._given],
        )  # fmt: skip
        told, _ = await asyncio.wait_for(process.communicate(json.dumps(question).encode()), 60)
        return json.loads(told)


async def test_it_reads_answers_and_records_also_while_the_files_are_refused(tmp_path, url):
    reader = Reader(tmp_path, url)
    store = await RecordStore.open(url, keys=load_keys(reader.config))
    try:
        record = await store.add(answer("ana", time=now_ms(), site="app.callkom.io"))
    finally:
        await store.close()
    (tmp_path / "rules.yaml").write_text("oops")
    figures, found, missing = [
        (await reader.ask(**question))["found"] for question in ({}, {"record": record.id}, {"record": "-h"})
    ]

    assert [(one["site"], one["accepted"], one["refused"]) for one in figures["consent"]] == [
        ("callkom.io", 1, 0)
    ]
    assert {one["purpose"] for one in figures["purposes"]} == {"functional", "performance"}
    assert figures["found"] == []
    assert found["id"] == record.id
    assert found["shown"]["rules"]
    assert missing is None


@pytest.mark.parametrize("question", [{}, {"record": "x"}])
async def test_a_store_that_is_not_there_is_said_in_a_sentence(tmp_path, question):
    told = await Reader(tmp_path, f"sqlite:///{tmp_path / 'none.db'}").ask(**question)

    assert told == {"failed": f"records: there is no store of proofs at {tmp_path / 'none.db'}"}
    assert not (tmp_path / "none.db").exists()
