import re

import pytest

from proxy.config.loading import load_config
from proxy.console.tokens import owner_of
from tests.commands.running import run

LEAST = "listen: 127.0.0.1:0\nadmin: 127.0.0.1:0\nsites: [{ hosts: callkom.io, upstream: 'http://127.0.0.1:1' }]\n"


def test_the_printed_line_stands_in_the_config_and_the_printed_token_is_its_owners():
    told = run("console-token", "--name", "ops", "--role", "view", "--role", "records", "--role", "view")
    token, line = told.stdout.splitlines()
    config = load_config(f"{LEAST}console:\n  tokens:\n{line}\n")

    assert told.returncode == 0
    assert re.fullmatch(r"[\w-]{43}", token)
    assert token not in line
    assert config.console.tokens[0].roles == ("view", "records")
    assert owner_of(token, config.console.tokens).name == "ops"


@pytest.mark.parametrize(
    "arguments",
    [
        ("--role", "view"),
        ("--name", "ops"),
        ("--name", "ops", "--role", "veiw"),
        ("--name", "the ops", "--role", "view"),
    ],
)
def test_wrong_use_makes_no_token(arguments):
    told = run("console-token", *arguments)

    assert told.returncode == 2
    assert told.stdout == ""
    assert told.stderr.startswith("consent-proxy: ")
