"""A reload reads the files, and swaps what was built of them: faulty ones leave the old in force."""

import asyncio

import pytest

from proxy.config.loading import load_config
from proxy.errors import RulesTestsError, StartError
from proxy.process.reload import Reloader, WatchedFiles, _needs_restart
from proxy.process.rules_tests import RulesTests
from proxy.telemetry.metrics import Tally, WorkerHealth
from tests.process.test_rules_tests import FAILING, LINE
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, config_text, proxying


async def until(check, seconds=15):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


def held(body):
    return b'type="text/plain"' in body


async def test_new_rules_hold_from_the_next_request_on(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        before = await proxy.ask("/")
        (tmp_path / "rules.yaml").write_text(
            RULES.replace("purpose: performance }\n    requests", "purpose: necessary }\n    requests")
        )
        await until(lambda: proxy.records("policy_loaded"))
        after = await proxy.ask("/")
        (loaded,) = proxy.records("policy_loaded")

    assert held(before.body)
    assert not held(after.body)
    assert loaded["asked_again"] == ["Nobody is asked again."]


async def test_faulty_rules_keep_the_old_ones_and_every_problem_is_said(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        broken = RULES.replace("purpose: functional, lasts", "purpose: functionnal, lasts").replace(
            "13 months", "13 monts"
        )
        (tmp_path / "rules.yaml").write_text(broken)

        assert await proxy.server.reload() is False
        got = await proxy.ask("/")
        refused = proxy.records("policy_refused")[0]
        doubts = proxy.server.ready()["doubts"]
        figures = proxy.figures()

    assert held(got.body)
    assert len(refused["problems"]) == 2
    assert "did you mean 'functional'?" in "".join(refused["problems"])
    assert "older ones are in force" in doubts["rules"]
    assert 'reloads_total{outcome="refused"} 1.0' in figures


async def test_rules_whose_own_tests_fail_are_not_loaded_and_the_old_ones_hold(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        (tmp_path / "rules.yaml").write_text(
            FAILING.replace(
                "purpose: performance }\n    requests", "purpose: necessary }\n    requests"
            ).replace("refused: keep", "refused: hold")
        )

        assert await proxy.server.reload() is False
        got = await proxy.ask("/")
        refused = proxy.records("policy_refused")[0]
        doubts = proxy.server.ready()["doubts"]

    assert held(got.body)
    assert f"rules.yaml:{LINE}:" in refused["problems"][0]
    assert "older ones are in force" in doubts["rules"]


async def test_a_config_may_gain_a_site_while_it_runs(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, files=True) as proxy:
        text = (tmp_path / "config.yaml").read_text()
        (tmp_path / "config.yaml").write_text(
            text.replace("app.callkom.io]", "app.callkom.io, new.callkom.io]")
        )
        before = await proxy.ask("/", host="new.callkom.io")
        assert await proxy.server.reload()
        after = await proxy.ask("/", host="new.callkom.io")

    assert (before.status, after.status) == (421, 200)


class Served:
    """What a reloader builds and swaps in, without a proxy around it."""

    def __init__(self, folder, more="", rules=RULES):
        self.folder, self.swapped, self.built = folder, [], []
        self.write(more, rules)
        self.watched = WatchedFiles(folder / "config.yaml", folder / "rules.yaml")
        config, policies = self.watched.read()
        self.tally, self.health = Tally(), WorkerHealth(started=True)
        self.reloader = Reloader(
            self.watched,
            config,
            policies,
            build=self.build,
            swap=self.swapped.append,
            tally=self.tally,
            health=self.health,
        )

    def write(self, more="", rules=RULES):
        (self.folder / "config.yaml").write_text(config_text("http://127.0.0.1:1", more=more))
        (self.folder / "rules.yaml").write_text(rules)

    async def build(self, config, policies):
        self.built.append(policies.versions)
        return config, policies


async def test_a_reload_swaps_what_was_built_of_the_files(tmp_path):
    served = Served(tmp_path)
    served.write(rules=RULES.replace("2026-11-01", "2026-12-01"))

    assert await served.reloader.reload()
    assert [policies.versions for _, policies in served.swapped] == ["2026-12-01"]
    assert (served.reloader.last["outcome"], served.reloader.last["problems"]) == ("loaded", [])
    assert served.reloader.loaded_at == served.reloader.last["at"]


@pytest.mark.parametrize("where", ["files", "build"])
async def test_what_cannot_be_read_or_built_swaps_nothing_and_is_said_until_it_can(tmp_path, where):
    served = Served(tmp_path)
    if where == "files":
        served.write(rules=RULES.replace("6 months", "6 monts"))
    else:

        async def build(config, policy):
            raise StartError("cannot be built")

        served.reloader._build = build

    assert not await served.reloader.reload()
    assert served.swapped == []
    assert served.reloader.last["outcome"] == "refused"
    assert "older ones are in force" in served.health.reasons["rules"]

    served.write()
    served.reloader._build = served.build
    assert await served.reloader.reload()
    assert "rules" not in served.health.reasons


async def test_rules_with_a_doubt_are_said_to_have_one(tmp_path):
    served = Served(tmp_path)
    served.watched.doubt = "a test fails"
    served.reloader.report_doubt()

    assert served.health.reasons == {"rules": "a test fails"}


@pytest.mark.parametrize(
    ("more", "keys"),
    [("", []), ("language: fr", []), ("workers: 2", ["workers"]), ("log: { level: debug }", ["log"]), ("limits: { connections: 9 }", ["limits"]), ("admin: 127.0.0.1:9100", ["admin"])],
)  # fmt: skip
def test_keys_that_are_read_at_start_only_are_named(more, keys):
    old, new = (load_config(config_text("http://127.0.0.1:1", more=one)) for one in ("", more))

    assert _needs_restart(old, new) == keys


def watched(folder, more=""):
    (folder / "config.yaml").write_text(config_text("http://127.0.0.1:1", more=more))
    (folder / "rules.yaml").write_text(RULES)
    files = WatchedFiles(folder / "config.yaml", folder / "rules.yaml")
    files.read()
    return files


def test_a_change_is_one_once_it_is_seen_twice_alike(tmp_path):
    files = watched(tmp_path)
    assert [files.changed(), files.changed()] == [False, False]

    (tmp_path / "rules.yaml").write_text(RULES + "# half")
    assert not files.changed()
    (tmp_path / "rules.yaml").write_text(RULES + "# half written")
    assert [files.changed(), files.changed()] == [False, True]
    files.read()
    assert not files.changed()


def test_what_is_changed_back_is_no_change(tmp_path):
    files = watched(tmp_path)
    kept = (tmp_path / "rules.yaml").rename(tmp_path / "kept")
    assert not files.changed()
    kept.rename(tmp_path / "rules.yaml")

    assert [files.changed(), files.changed()] == [False, False]


@pytest.mark.parametrize("name", ["languages/fr.yaml", "languages/new.yaml", "c.pem", "k.pem"])
def test_languages_and_certificates_are_watched_too(tmp_path, name):
    (tmp_path / "languages").mkdir()
    for file in ("languages/fr.yaml", "c.pem", "k.pem"):
        (tmp_path / file).write_text("banner: { title: Cookies }\n")
    files = watched(tmp_path, "languages: languages\ntls: { certificate: c.pem, key: k.pem }")
    assert not files.changed()

    (tmp_path / name).write_text("other")
    assert [files.changed(), files.changed()] == [False, True]


def test_a_warning_about_failing_tests_is_for_the_start_alone(tmp_path):
    (tmp_path / "config.yaml").write_text(config_text("http://127.0.0.1:1"))
    (tmp_path / "rules.yaml").write_text(FAILING)
    files = WatchedFiles(tmp_path / "config.yaml", tmp_path / "rules.yaml", tests=RulesTests.WARN)
    files.read()

    assert f"rules.yaml:{LINE}" in files.doubt
    with pytest.raises(RulesTestsError):
        files.read()


FRENCH = RULES.replace("callkom.io", "example.fr").replace("2026-11-01", "2027-01-01")


def french(origin):
    return f"  - {{ hosts: example.fr, upstream: '{origin.url}', rules: fr.yaml }}"


async def test_a_changed_file_of_a_site_holds_there_from_the_next_request_on(tmp_path):
    (tmp_path / "fr.yaml").write_text(FRENCH)
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True, more=french(origin)) as proxy,
    ):
        before = await proxy.ask("/", host="example.fr")
        freed = FRENCH.replace("purpose: performance }\n    requests", "purpose: necessary }\n    requests")
        (tmp_path / "fr.yaml").write_text(freed)
        await until(lambda: proxy.records("policy_loaded"))
        pages = [await proxy.ask("/", host=host) for host in ("callkom.io", "example.fr")]
        loaded = proxy.records("policy_loaded")

    assert held(before.body)
    assert [held(page.body) for page in pages] == [True, False]
    assert [(one["rules"], one["policy"]) for one in loaded] == [
        ("rules.yaml", "2026-11-01"),
        ("fr.yaml", "2027-01-01"),
    ]


async def test_one_faulty_file_keeps_the_old_ones_of_all_sites(tmp_path):
    (tmp_path / "fr.yaml").write_text(FRENCH)
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True, more=french(origin)) as proxy,
    ):
        (tmp_path / "fr.yaml").write_text(FRENCH.replace("13 months", "13 monts"))
        freed = RULES.replace("purpose: performance }\n    requests", "purpose: necessary }\n    requests")
        (tmp_path / "rules.yaml").write_text(freed)

        assert await proxy.server.reload() is False
        pages = [await proxy.ask("/", host=host) for host in ("callkom.io", "example.fr")]
        [refused] = proxy.records("policy_refused")

    assert [held(page.body) for page in pages] == [True, True]
    [problem] = refused["problems"]
    assert problem.startswith("fr.yaml:21:75:")


async def test_who_is_asked_again_is_told_of_the_sites_whose_rules_changed(tmp_path):
    (tmp_path / "fr.yaml").write_text(FRENCH)
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True, more=french(origin)) as proxy,
    ):
        (tmp_path / "fr.yaml").write_text(FRENCH.replace("  hubspot:", "  newcomer:"))
        assert await proxy.server.reload()
        loaded = {one["rules"]: one["asked_again"] for one in proxy.records("policy_loaded")}

    assert loaded["rules.yaml"] == ["Nobody is asked again."]
    assert "newcomer" in loaded["fr.yaml"][0]


async def test_a_site_that_turns_to_rules_of_its_own_is_compared_with_those_it_had(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        (tmp_path / "own.yaml").write_text(RULES.replace("  hubspot:", "  newcomer:"))
        text = (tmp_path / "config.yaml").read_text()
        (tmp_path / "config.yaml").write_text(text.rstrip() + "\n    rules: own.yaml\n")
        assert await proxy.server.reload()
        [loaded] = proxy.records("policy_loaded")

    assert loaded["rules"] == "own.yaml"
    assert "newcomer" in loaded["asked_again"][0]


class ChangesMeanwhile(WatchedFiles):
    """A key that somebody writes while the files are read."""

    def _read(self, tests):
        found = super()._read(tests)
        self.config_path.with_name("key.pem").write_text("another, and longer")
        return found


def test_a_file_that_changes_while_the_others_are_read_has_changed(tmp_path):
    Served(tmp_path, "tls: { certificate: cert.pem, key: key.pem }")
    (tmp_path / "key.pem").write_text("one")
    watched = ChangesMeanwhile(tmp_path / "config.yaml", tmp_path / "rules.yaml")
    WatchedFiles.read(watched)
    (tmp_path / "key.pem").write_text("two")
    watched.read()

    assert not watched.changed()
    assert watched.changed()


async def test_a_rules_file_that_a_site_names_before_it_is_there_is_read_once_it_is(tmp_path):
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        text = (tmp_path / "config.yaml").read_text()
        (tmp_path / "config.yaml").write_text(text.rstrip() + "\n    rules: own.yaml\n")
        await until(lambda: proxy.records("policy_refused"))
        (tmp_path / "own.yaml").write_text(RULES.replace("13 months", "13 monts"))
        await until(lambda: len(proxy.records("policy_refused")) > 1)
        (tmp_path / "own.yaml").write_text(RULES)
        await until(lambda: proxy.records("policy_loaded"))
        missing, faulty = (one["problems"] for one in proxy.records("policy_refused"))

    assert "cannot be read" in missing[0]
    assert faulty[0].startswith("own.yaml:21:75:")
