"""`init` writes what `check` takes and `serve` starts with, for the one who serves alone."""

import os
import re
import stat
from pathlib import Path

import pytest

from proxy.config.loading import read_config
from tests.commands.running import run

FILES = ("config.yaml", "rules.yaml", "consent.key")


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize(
    ("site", "hosts", "upstream"),
    [
        ("https://www.example.com", ("www.example.com", "localhost"), "https://www.example.com"),
        ("shop.example.com/basket?x=1", ("shop.example.com", "localhost"), "https://shop.example.com"),
        ("http://127.0.0.1:9001", ("localhost",), "http://127.0.0.1:9001"),
    ],
)
def test_what_init_writes_is_taken_by_check_with_warnings_at_most(tmp_path, site, hosts, upstream):
    told = run("init", tmp_path / "new", "--site", site)
    assert told.returncode == 0, told.stderr
    config, rules, _ = (tmp_path / "new" / name for name in FILES)
    written = read_config(config)

    assert (written.sites[0].hosts, written.sites[0].upstream) == (hosts, (upstream,))
    checked = run("check", rules, "--config", config)
    assert checked.returncode == 3, checked.stderr
    assert all("warning: " in line for line in checked.stderr.splitlines()[:-1])


def test_a_site_that_is_an_address_of_this_machine_lends_the_rules_no_name(tmp_path):
    run("init", tmp_path, "--site", "http://127.0.0.1:9101")
    rules = (tmp_path / "rules.yaml").read_text()

    assert "page: https://www.example.com/cookie-policy" in rules
    assert "contact: privacy@example.com" in rules
    assert "127.0.0.1" not in rules


def test_rules_just_begun_have_one_warning_that_says_what_comes_next(tmp_path):
    run("init", tmp_path, "--site", "https://www.example.com")
    checked = run("check", tmp_path / "rules.yaml", "--config", tmp_path / "config.yaml")

    assert len(checked.stderr.splitlines()) == 2, checked.stderr
    assert "no provider is described yet" in checked.stderr


def test_only_their_owner_reads_the_files_and_that_is_the_one_whose_folder_it_is(tmp_path):
    owner = (4321, 4321) if os.getuid() == 0 else (os.getuid(), tmp_path.stat().st_gid)
    os.chown(tmp_path, *owner)
    run("init", tmp_path)

    for name in FILES:
        found = (tmp_path / name).stat()
        assert (mode(tmp_path / name), found.st_uid, found.st_gid) == (0o600, *owner)


def test_init_says_three_commands_that_exist_with_the_files_it_wrote(tmp_path):
    told = run("init", tmp_path)
    lines = re.findall(r"^ {2}consent-proxy (\w+) (.*)$", told.stdout, re.MULTILINE)

    assert [name for name, _ in lines] == ["check", "serve", "discover"]
    for name, arguments in lines:
        assert run(name, "--help").returncode == 0
        assert f"{tmp_path}/config.yaml" in arguments
        assert f"{tmp_path}/rules.yaml" in arguments


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_there_is_never_overwritten_and_nothing_else_is_written(tmp_path, name):
    (tmp_path / name).write_text("mine")
    told = run("init", tmp_path)

    assert told.returncode == 1
    assert f"{tmp_path / name} is there already" in told.stderr
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "mine"


def test_a_site_that_is_no_address_is_wrong_use(tmp_path):
    told = run("init", tmp_path / "new", "--site", "ftp://example.com")

    assert told.returncode == 2
    assert "--site is 'ftp://example.com'" in told.stderr
    assert not (tmp_path / "new").exists()
