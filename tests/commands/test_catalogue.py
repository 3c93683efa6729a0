"""`catalogue` lists the providers that rules may take by name, and shows one."""

import json
from datetime import UTC, datetime

from proxy.catalogue.shipped import providers
from proxy.commands.catalogue import is_stale
from tests.commands.running import run


def test_the_list_names_every_provider_with_its_purposes_and_when_it_was_looked_at():
    told = run("catalogue", "list")

    assert told.returncode == 0
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("vimeo ")]
    assert line.split()[1:4] == ["Vimeo", "player", "social"]
    assert len(told.stdout.splitlines()) == len(providers()) + 1


def test_programs_get_the_hosts_and_cookies_of_each():
    rows = {row["id"]: row for row in json.loads(run("catalogue", "list", "--json").stdout)}

    assert rows.keys() == providers().keys()
    assert rows["vimeo"]["hosts"] == ["player.vimeo.com", "vimeo.com", "vimeocdn.com"]
    assert rows["vimeo"]["checked"]["how"] in ("read", "seen running")


def test_one_is_shown_as_rules_would_have_it():
    told = run("catalogue", "show", "vimeo")

    assert told.stdout.startswith("vimeo:\n  name: Vimeo\n")


def test_after_a_year_a_block_is_stale():
    vimeo = providers()["vimeo"]

    assert not is_stale(vimeo, datetime(2027, 11, 29, tzinfo=UTC))
    assert is_stale(vimeo, datetime(2027, 12, 2, tzinfo=UTC))


def test_a_name_that_is_none_is_one_sentence():
    told = run("catalogue", "show", "vimoe")

    assert told.returncode == 2
    assert "did you mean 'vimeo'?" in told.stderr
