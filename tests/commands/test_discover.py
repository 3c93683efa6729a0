"""`consent-proxy discover`: what was seen, for people, for programs, as rules, and whether to enforce."""

import asyncio
import json
import time

import pytest

from proxy.records.store import RecordStore
from proxy.seen.names import Kind, kept_name
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key, Seen
from tests.commands.running import run
from tests.records.answers import KEY
from tests.support.proxying import RULES

HOSTILE = ["\x1b[31mred", "[bold]x[/bold]", "<img src=x>", "a\nb", "*_md_*", "@channel", "<!here>"]


@pytest.fixture
def site(tmp_path):
    """A folder with config, rules and a store in which names were seen."""
    (tmp_path / "config.yaml").write_text(
        "listen: 127.0.0.1:0\nsites:\n"
        "  - { hosts: [callkom.io], upstream: 'http://127.0.0.1:1', mode: observe }\n"
        "  - { hosts: [other.io], upstream: 'http://127.0.0.1:1' }\n"
    )
    (tmp_path / "rules.yaml").write_text(RULES)
    asyncio.run(seed(tmp_path))
    return tmp_path


async def seed(folder, before=0):
    now = int(time.time()) - before
    store = await RecordStore.open(f"sqlite:///{folder / 'proofs.db'}", keys=[KEY])
    names = {
        Key("callkom.io", Kind.HOST, "cdn.pendo.io"): Seen(
            now, now, 3, by_us=True, elements={"script"}, paths=["/buy"]
        ),
        Key("callkom.io", Kind.HOST, "static.hotjar.com"): Seen(now, now, 1, elements={"script"}),
        Key("callkom.io", Kind.COOKIE, "PHPSESSID"): Seen(now, now, 1, by_us=True),
        Key("other.io", Kind.HOST, "px.quantserve.com"): Seen(
            now - 90_000, now, 1, by_us=True, elements={"img"}
        ),
    }
    for name in HOSTILE:
        if (kept := kept_name(Kind.KEY, name)) is not None:
            names[Key("callkom.io", Kind.KEY, kept)] = Seen(now, now, 1)
    await SeenStore(store.database).add(names)
    await store.close()


def discover(site, *flags):
    return run("discover", "--config", str(site / "config.yaml"), "--rules", str(site / "rules.yaml"), *flags)


def test_names_are_grouped_by_owner_and_whole_in_a_pipe(site):
    said = discover(site)
    line = next(line for line in said.stdout.splitlines() if "cdn.pendo.io" in line)

    assert said.returncode == 0
    assert line.split()[:3] == ["Pendo", "cdn.pendo.io", "host"]
    assert {"script", "seen", "/buy", "3"} <= set(line.split())
    assert "presumed necessary until a rule says so: PHPSESSID" in said.stdout
    assert "observe: page adds them" in said.stdout


def test_programs_get_everything_of_each_site_or_of_one(site):
    both = json.loads(discover(site, "--json").stdout)
    (one,) = json.loads(discover(site, "--json", "--undeclared", "--site", "other.io").stdout)
    pendo = next(row for row in both[0]["undeclared"] if row["name"] == "cdn.pendo.io")

    assert [document["site"] for document in both] == ["callkom.io", "other.io"]
    assert (pendo["owner"], pendo["elements"], pendo["paths"], pendo["evidence"]) == (
        "Pendo",
        ["script"],
        ["/buy"],
        "seen",
    )
    assert both[0]["note"]
    assert both[1]["note"] is None
    assert set(one) == {"site", "mode", "since", "undeclared"}


def test_another_consent_tool_is_named_with_the_line_that_holds_it(site):
    async def klaro():
        store = await RecordStore.open(f"sqlite:///{site / 'proofs.db'}", keys=[KEY])
        now = int(time.time())
        await SeenStore(store.database).add(
            {Key("callkom.io", Kind.KEY, "klaro"): Seen(now, now, 1, by_us=True)}
        )
        await store.close()

    asyncio.run(klaro())
    (told,) = json.loads(discover(site, "--json", "--site", "callkom.io").stdout)

    assert told["consent_tools"] == [{"tool": "klaro", "names": ["klaro"], "used": False}]
    assert "klaro (klaro; use: [klaro] holds its banner and keeps its memory)" in discover(site).stdout


@pytest.mark.parametrize(
    ("keys", "tells"),
    [
        ("mode: observe, observe: page", True),
        ("mode: observe", False),
        ("observe: page", False),
        ("observe: page, share: 10 %", True),
    ],
)
def test_rules_in_vain_are_told_with_what_could_not_be_seen(site, keys, tells):
    asyncio.run(seed(site, before=40 * 86_400))
    (site / "config.yaml").write_text(
        f"listen: 127.0.0.1:0\nsites: [{{ hosts: [callkom.io], upstream: 'http://127.0.0.1:1', {keys} }}]\n"
    )
    (document,) = json.loads(discover(site, "--json").stdout)

    assert document["not_seen_for_30_days"]
    assert ("observe: page alone sees" not in (document["note"] or "")) is tells
    assert ("observe: page alone sees" not in discover(site).stdout.replace("\n", " ")) is tells


def test_a_host_of_no_site_is_a_wrong_use(site):
    assert discover(site, "--site", "nobody.example").returncode == 2


def test_suggestions_are_accepted_by_check_which_warns_of_each_todo(site):
    said = discover(site, "--suggest", "--site", "callkom.io").stdout
    rest, used = said.split("\nuse:\n")
    rules = site / "pasted.yaml"
    rules.write_text(RULES + said)
    checked = run("check", str(rules))
    todo = sum("TODO" in line for line in said.splitlines())
    ready = run("discover", "--config", str(site / "config.yaml"), "--rules", str(rules), "--ready")

    assert "- hotjar" in used
    assert "cdn.pendo.io" in rest
    assert checked.returncode == 3
    assert checked.stderr.count("left to do: ") == todo
    assert f"{todo} lines of pasted.yaml are guesses until somebody takes their TODO away" in ready.stdout


@pytest.mark.parametrize(("which", "code", "word"), [("callkom.io", 1, "no-go"), ("other.io", 0, "go")])
def test_ready_says_go_or_no_go_by_its_exit_status(site, which, code, word):
    said = discover(site, "--ready", "--site", which)
    (document,) = json.loads(discover(site, "--ready", "--json", "--site", which).stdout)

    assert (said.returncode, said.stdout.splitlines()[0]) == (code, f"{which}: {word}")
    assert document["ready"] is (code == 0)


@pytest.mark.parametrize("flags", [(), ("--suggest",), ("--json",), ("--ready",)])
def test_hostile_names_stay_text(site, flags):
    said = discover(site, *flags)

    assert said.returncode in (0, 1)
    assert "\x1b" not in said.stdout
    assert "a\nb" not in said.stdout
    if not flags:
        assert "[bold]x[/bold]" in said.stdout


def test_a_store_that_is_not_there_is_a_sentence(tmp_path, site):
    (site / "proofs.db").unlink()
    said = discover(site)

    assert said.returncode == 1
    assert "there is no store of proofs" in said.stderr


def test_what_is_seen_is_held_against_the_rules_of_the_site(site):
    pendo = "  pendo:\n    name: Pendo\n    tags:\n      - { from: pendo.io, purpose: performance }\n"
    quantcast = pendo.replace("pendo", "quantcast")
    (site / "other.yaml").write_text(RULES + pendo + quantcast.replace("quantcast.io", "quantserve.com"))
    config = (site / "config.yaml").read_text()
    (site / "config.yaml").write_text(
        config.replace("hosts: [other.io],", "hosts: [other.io], rules: other.yaml,")
    )
    (site / "rules.yaml").write_text(RULES)
    common, other = json.loads(discover(site, "--json").stdout)

    assert "cdn.pendo.io" in [one["name"] for one in common["undeclared"]]
    assert other["undeclared"] == []
