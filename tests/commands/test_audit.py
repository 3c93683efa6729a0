"""`consent-proxy audit`: what it says before a browser starts."""

import pytest

from tests.commands.running import run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://callkom.io/"], "cannot be visited"),
        (["callkom.io", "--states", "none,refused"], "there is no state 'refused'"),
        (["callkom.io", "--resolve", "callkom.io"], "HOST:PORT:ADDRESS"),
        (["callkom.io", "--compare", "missing.json"], "there is no report at missing.json"),
    ],
)
def test_what_cannot_be_visited_is_said_before_a_browser_starts(arguments, said):
    told = run("audit", *arguments)

    assert told.returncode == 2
    assert said in told.stderr
