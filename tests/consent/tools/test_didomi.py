"""Didomi's token lists purposes and vendors, granted and refused; before an answer it has an id alone."""

import json
from base64 import b64encode

import pytest

from proxy.consent.tools.didomi import BINARY, TOKEN, read_didomi
from proxy.consent.tools.tool_answer import Silence, ToolAnswer
from tests.consent.tool_cases import NOW, seconds

TABLE = {
    "user_id": "u", "created": "2026-10-01T09:30:00.000Z", "updated": "2026-10-15T09:30:00.000Z", "version": 2,
    "purposes": {"enabled": ["analytics"], "disabled": ["ads"]}, "vendors": {"enabled": ["google"], "disabled": ["c:x"]},
}  # fmt: skip


def token(**changes) -> str:
    table = {key: value for key, value in (TABLE | changes).items() if value is not ...}
    return b64encode(json.dumps(table).encode()).decode()


def read(**changes):
    return read_didomi({TOKEN: token(**changes)}, NOW)


def test_purposes_and_vendors_are_said_and_refused_vendors_are_exceptions():
    said = read()

    assert said.granted == {"analytics", "vendor/google"}
    assert said.refused == {"ads", "vendor/c:x"}
    assert (said.exceptions, said.at) == ({"vendor/c:x"}, seconds("2026-10-15T09:30:00Z"))


def test_padding_may_be_written_or_not_and_a_percent_sign_is_one():
    bare = token(user_id="100%25").rstrip("=")

    assert isinstance(read_didomi({TOKEN: bare}, NOW), ToolAnswer)
    assert read_didomi({TOKEN: bare + "%3D%3D"[: 3 * (-len(bare) % 4)]}, NOW) == read_didomi(
        {TOKEN: bare}, NOW
    )


def test_nobody_has_answered_before_something_is_listed():
    assert read(purposes=..., vendors=..., updated=...) is Silence.OPEN
    assert read_didomi({}, NOW) is Silence.OPEN
    assert read_didomi({TOKEN: ""}, NOW) is Silence.OPEN


def test_the_binary_successor_is_not_read():
    assert read_didomi({BINARY: "x"}, NOW) is Silence.UNREADABLE
    assert isinstance(read_didomi({BINARY: "x", TOKEN: token()}, NOW), ToolAnswer)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 3}, {"user_id": ...}, {"user_id": 5}, {"purposes": []}, {"purposes": {"enabled": "analytics"}}, {"vendors": {"disabled": [1]}}, {"updated": ...}, {"updated": "2027-12-01T00:00:00Z"},
        {"updated": "2026-09-01T00:00:00Z"}, {"purposes": {"enabled": ["a"], "disabled": ["a"]}},
    ],
    ids=str,
)  # fmt: skip
def test_what_it_does_not_write_is_unreadable(changes):
    assert read(**changes) is Silence.UNREADABLE


@pytest.mark.parametrize("value", ["%", "e30!", "bm90IGpzb24=", "gICA"])
def test_what_is_no_base64_of_json_is_unreadable(value):
    assert read_didomi({TOKEN: value}, NOW) is Silence.UNREADABLE
