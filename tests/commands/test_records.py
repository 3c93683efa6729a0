"""The `records` commands, from a config file to what they print."""

import csv
import io
import json
import sqlite3

import pytest

from proxy.consent.answer import Gesture, How, Surface
from proxy.consent.decision import Ask
from proxy.consent.record import Shown
from proxy.errors import StartError
from proxy.records.store import RecordStore
from tests.commands.records_cli import SIGNING, run, write_config
from tests.records.answers import NOON, SHOWN, answer, refusal


@pytest.fixture
def config(tmp_path):
    return write_config(tmp_path)


@pytest.fixture
async def filled(config):
    """Three records: Ana accepts, Ana takes it back, Ben saves with other words before him."""
    store = await RecordStore.open("sqlite:///proofs.db", keys=[SIGNING], folder=config.parent)
    later = Shown(
        "2027-03-01", "other rules", json.dumps({"title": "Other words"}), '{"table": ["_ga", "hubspotutk"]}'
    )
    records = [
        await store.add(answer("ana")),
        await store.add(refusal("ana", time=NOON + 86_400_000)),
        await store.add(
            answer(
                "ben",
                granted=frozenset({"functional"}),
                how=How.SAVE,
                shown=later,
                time=NOON + 2 * 86_400_000,
            )
        ),
    ]
    await store.close()
    return records


def test_list_prints_the_newest_first_and_whole_ids(config, filled):
    lines = run(config, "list").stdout.splitlines()

    assert lines[0].split() == ["id", "time", "site", "granted", "refused", "how", "policy", "version"]
    assert [line.split()[0] for line in lines[1:]] == [record.id for record in reversed(filled)]


@pytest.mark.parametrize(
    ("flags", "count"),
    [
        (["--limit", "2"], 2),
        (["--visitor", "ana"], 2),
        (["--how", "save"], 1),
        (["--site", "app.callkom.io"], 0),
        (["--since", "2026-11-24"], 2),
        (["--since", "2026-11-24", "--until", "2026-11-25T00:00:00Z"], 1),
    ],
)
def test_list_can_be_narrowed(config, filled, flags, count):
    assert len(json.loads(run(config, "list", "--json", *flags).stdout)) == count


@pytest.fixture
async def withdrawn(config):
    """Ana never agreed; Ben agreed and took one purpose back; Cy agreed and was erased."""
    store = await RecordStore.open("sqlite:///proofs.db", keys=[SIGNING], folder=config.parent)
    await store.add(refusal("ana"))
    await store.add(answer("ben"))
    taken = await store.add(
        answer(
            "ben",
            time=NOON + 86_400_000,
            granted=frozenset({"functional"}),
            how=How.WITHDRAW,
            control=How.SAVE,
            withdrawn=frozenset({"performance"}),
            asked=Ask.NO,
            surface=Surface.PANEL,
            gesture=Gesture.PERSON,
        )
    )
    gone = await store.add(answer("cy"))
    await store.erase(gone.id)
    await store.close()
    return taken, gone


def test_withdrawals_refusals_and_erasures_are_found_apart(config, withdrawn):
    taken, gone = withdrawn

    def found(*flags):
        return [one["id"] for one in json.loads(run(config, "list", "--json", *flags).stdout)]

    assert found("--how", "withdraw") == [taken.id]
    assert found("--how", "erased") == [gone.id]
    assert (len(found("--how", "refuse")), len(found("--how", "accept"))) == (1, 1)
    assert "--how is one of accept, refuse" in run(config, "list", "--how", "taken", code=2).stderr


def test_show_says_what_is_known_of_the_gesture(config, withdrawn):
    page = run(config, "show", withdrawn[0].id).stdout

    assert "Answer      withdraw\n" in page
    assert (
        "Gesture     the button save of the panel, pressed by a person, of the visitor's own accord\n" in page
    )
    assert "Withdrawn   performance\n" in page


def test_a_day_that_is_none_is_answered_by_an_example(config, filled):
    assert "2026-11-01" in run(config, "list", "--since", "yesterday", code=2).stderr


def test_show_renders_the_words_that_the_visitor_saw(config, filled):
    page = run(config, "show", filled[0].id).stdout

    assert "banner.accept: Tout accepter" in page
    assert "purposes.functional: Fonctionnels" in page
    assert "performance: analytics, hubspot" in page
    assert "version 2026-11-01" in page
    assert "Other words" not in page


def test_show_renders_the_policy_of_that_day_where_it_was_kept(config, filled):
    assert "table: _ga, hubspotutk" in run(config, "show", filled[2].id).stdout


def test_show_as_json_carries_every_text(config, filled):
    shown = json.loads(run(config, "show", filled[0].id, "--json").stdout)

    assert shown["shown"]["rules"] == SHOWN.rules
    assert shown["shown"]["wording"]["banner"]["refuse"] == "Tout refuser"
    assert shown["granted"] == ["functional", "performance"]


def test_show_of_nothing_ends_with_a_sentence(config, filled):
    assert "there is no record nothing" in run(config, "show", "nothing", code=1).stderr


def test_verify_says_that_every_seal_holds(config, filled):
    assert run(config, "verify").stdout == "3 records (0 erased) in 1 chain: every seal holds\n"
    assert json.loads(run(config, "verify", "--json").stdout)["sound"] is True


def test_verify_names_what_is_broken_and_ends_with_1(config, filled):
    with sqlite3.connect(config.parent / "proofs.db") as database:
        database.execute("DROP TRIGGER records_only_erased")
        database.execute("UPDATE records SET how = 'accept' WHERE how = 'save'")

    said = run(config, "verify", code=1).stdout

    assert said.startswith(f"altered: record {filled[2].id} (3 of writer ")
    found = json.loads(run(config, "verify", "--json", code=1).stdout)
    assert [(fault["kind"], fault["position"]) for fault in found["faults"]] == [("altered", 3)]


def test_verify_names_a_truncated_file(config, filled):
    path = config.parent / "proofs.db"
    path.write_bytes(path.read_bytes()[:-9000])

    assert run(config, "verify", code=1).stdout.startswith("damaged: the file of the store is damaged")


def test_verify_compares_heads_kept_elsewhere(config, filled):
    heads = config.parent / "heads.jsonl"
    heads.write_text(run(config, "heads").stdout)
    assert run(config, "verify", "--heads", str(heads)).exit_code == 0

    heads.write_text(heads.read_text().replace('"position":3', '"position":4'))
    assert run(config, "verify", "--heads", str(heads), code=1).stdout.startswith("head: record 4")
    heads.write_text('{"event": "serving_started"}\n\n')
    assert "no line holds heads" in run(config, "verify", "--heads", str(heads), code=1).stderr
    heads.write_text("no heads")
    assert "line 1 holds no heads" in run(config, "verify", "--heads", str(heads), code=1).stderr
    assert "cannot read the heads" in run(config, "verify", "--heads", "/no/such/file", code=2).stderr


def test_export_writes_json_lines_and_a_bar_on_standard_error(config, filled):
    result = run(config, "export")
    lines = [json.loads(line) for line in result.stdout.splitlines()]

    assert [line["id"] for line in lines] == [record.id for record in filled]
    assert {"id", "time", "site", "granted", "refused", "how", "policy_version"} <= set(lines[0])
    assert (lines[1]["granted"], lines[1]["how"]) == ([], "refuse")
    assert "exporting" in result.stderr


def test_export_writes_csv_on_request(config, filled):
    rows = list(csv.DictReader(io.StringIO(run(config, "export", "--csv").stdout)))

    assert [row["id"] for row in rows] == [record.id for record in filled]
    assert (rows[0]["granted"], rows[1]["refused"]) == ("functional performance", "functional performance")
    assert list(rows[0])[:7] == ["id", "time", "site", "granted", "refused", "how", "policy_version"]


async def test_a_cell_of_the_csv_is_never_a_formula(config):
    store = await RecordStore.open("sqlite:///proofs.db", keys=[SIGNING], folder=config.parent)
    await store.add(answer("=1+1", language="@SUM(A1)"))
    await store.close()

    import asyncio

    out = await asyncio.to_thread(lambda: run(config, "export", "--csv").stdout)

    (row,) = csv.DictReader(io.StringIO(out))
    assert (row["visitor"], row["language"]) == ("'=1+1", "'@SUM(A1)")


def test_csv_and_json_exclude_each_other(config, filled):
    run(config, "export", "--csv", "--json", code=2)


def test_erase_leaves_a_tombstone_and_says_how_many(config, filled):
    assert run(config, "erase", filled[0].id).stdout == "erased 1 record\n"
    assert "was erased on" in run(config, "show", filled[0].id).stdout
    assert "erased" in json.loads(run(config, "show", filled[0].id, "--json").stdout)
    assert "nothing to erase" in run(config, "erase", filled[0].id, code=1).stderr
    assert json.loads(run(config, "erase", "--visitor", "ben", "--json").stdout) == {"erased": 1}
    assert len(run(config, "list").stdout.splitlines()) == 2
    assert len(run(config, "list", "--erased").stdout.splitlines()) == 4
    assert len(run(config, "export").stdout.splitlines()) == 1
    assert run(config, "verify").stdout == "3 records (2 erased) in 1 chain: every seal holds\n"


def test_erase_wants_to_know_what(config, filled):
    run(config, "erase", code=2)
    run(config, "erase", "an-id", "--visitor", "ana", code=2)


def test_a_dry_run_says_how_many_and_changes_nothing(config, filled):
    assert run(config, "erase", "--visitor", "ana", "--dry-run").stdout == "would erase 2 records\n"
    assert run(config, "erase", filled[0].id, "--dry-run").stdout == "would erase 1 record\n"
    assert json.loads(run(config, "erase", filled[0].id, "--dry-run", "--json").stdout) == {"would_erase": 1}
    assert "nothing to erase" in run(config, "erase", "nobody", "--dry-run", code=1).stderr
    assert run(config, "purge", "--older-than", "1 second", "--dry-run").stdout.startswith("would purge ")
    assert run(config, "verify").stdout == "3 records (0 erased) in 1 chain: every seal holds\n"


def test_at_a_terminal_erasing_and_purging_ask_first(config, filled, monkeypatch):
    monkeypatch.setattr("proxy.commands.terminal.may_ask", lambda *, yes: not yes)
    monkeypatch.setattr("proxy.commands.records.may_ask", lambda *, yes: not yes)

    refused = run(config, "erase", filled[0].id, stdin="n\n", code=1)
    assert "Erase 1 record in sqlite:///" in refused.stderr
    run(config, "purge", "--older-than", "1 second", stdin="\n", code=1)
    assert run(config, "verify").stdout == "3 records (0 erased) in 1 chain: every seal holds\n"

    assert "erased 1 record" in run(config, "erase", filled[0].id, stdin="y\n").stdout
    assert run(config, "erase", filled[1].id, "--yes").stdout == "erased 1 record\n"


def test_purge_goes_by_keep_or_by_what_is_asked(config, filled):
    assert run(config, "purge").stdout == "purged 0 records\n"
    assert "no duration" in run(config, "purge", "--older-than", "long", code=2).stderr


def test_stats_count_and_share(config, filled):
    stats = json.loads(run(config, "stats", "--json").stdout)

    assert (stats["records"], stats["visitors"], stats["by_how"]) == (
        3,
        2,
        {"accept": 1, "refuse": 1, "save": 1},
    )
    assert stats["granted_share"] == {"functional": 0.6667, "performance": 0.3333}
    assert "records: 3" in run(config, "stats").stdout.splitlines()


def test_a_command_on_a_store_that_is_not_there_makes_neither_store_nor_key(config):
    (config.parent / "consent.key").unlink()

    with pytest.raises(StartError, match="there is no store of proofs"):
        run(config, "list")

    assert [file.name for file in config.parent.iterdir()] == ["config.yaml"]
