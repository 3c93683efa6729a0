"""Wrong use is answered by one sentence and the way out."""

import re

import pytest

from tests.commands.running import run


@pytest.mark.parametrize(
    "arguments",
    [
        ("servee",),
        ("serve",),
        ("serve", "--colour"),
        ("check", "a", "b", "c"),
        ("demo", "--port", "99999999"),
        ("table", "-f", "pdf"),
    ],
)
def test_wrong_use_is_one_sentence_with_the_way_out_and_status_2(arguments):
    told = run(*arguments)

    assert told.returncode == 2
    assert told.stderr.startswith("consent-proxy: ")
    assert "--help" in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert "Traceback" not in told.stderr


@pytest.mark.parametrize(
    "command", ["serve", "demo", "check", "explain", "rewrite", "table", "status", "records"]
)
def test_every_command_explains_itself(command):
    told = run(command, "--help")

    assert told.returncode == 0
    assert "Usage:" in told.stdout


def test_the_version_is_told():
    assert re.fullmatch(r"consent-proxy \d+(\.\d+)+ \((compiled|pure Python)\)\n", run("--version").stdout)


def test_a_group_without_a_command_says_what_there_is_and_no_more():
    told = run("records")

    assert told.returncode == 2
    assert told.stderr.startswith("Usage: ")
    assert not told.stderr.rstrip().endswith("--help")
