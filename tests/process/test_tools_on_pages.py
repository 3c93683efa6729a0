"""`check --config` names another consent tool that was seen on a site and that the rules do not use."""

import asyncio

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import read_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.process.tools_on_pages import tools_on_pages
from proxy.records.store import RecordStore
from proxy.seen.names import Kind
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key, Seen
from tests.support.proxying import RULES

CONFIG = "listen: 127.0.0.1:0\nsites:\n  - { hosts: [callkom.io], upstream: 'http://127.0.0.1:1' }\n"
NOW = 1_796_040_000


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG)
    return path


def saw(folder, *keys):
    async def write():
        store = await RecordStore.open(f"sqlite:///{folder / 'proofs.db'}", keys=[b"k" * 32])
        await SeenStore(store.database).add({key: Seen(NOW, NOW, 1, by_us=True) for key in keys})
        await store.close()

    asyncio.run(write())


def told(path, more=""):
    policy = load_policy(RULES + more, catalogue=shipped_catalogue())
    return [str(problem) for problem in tools_on_pages(Policies.given(policy), read_config(path), path)]


def test_a_tool_that_was_seen_is_a_warning_at_its_site_once(tmp_path, config):
    saw(
        tmp_path,
        Key("callkom.io", Kind.COOKIE, "klaro"),
        Key("callkom.io", Kind.KEY, "klaro"),
        Key("callkom.io", Kind.HOST, "cdn.pendo.io"),
        Key("elsewhere.io", Kind.HOST, "consent.cookiebot.com"),
    )

    (only,) = told(config)

    assert only.startswith("config.yaml:3:5: the pages of callkom.io have Klaro ('klaro' was seen), another")
    assert only.endswith("use: [klaro] in the rules holds its banner and keeps its memory")


def test_one_that_the_rules_use_is_none(tmp_path, config):
    saw(tmp_path, Key("callkom.io", Kind.COOKIE, "klaro"))

    assert told(config, "use: [klaro]\n") == []


def test_without_a_store_nothing_is_said_and_none_is_made(tmp_path, config):
    assert told(config) == []
    assert not (tmp_path / "proofs.db").exists()


def test_a_store_that_is_none_is_somebody_elses_to_tell(tmp_path, config):
    (tmp_path / "proofs.db").write_bytes(b"no database, but long enough to be looked at" * 100)

    assert told(config) == []
