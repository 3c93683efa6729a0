"""Klaro and Orejime keep a table of names, each on or off."""

import pytest

from proxy.consent.tools.switches import read_switches
from proxy.consent.tools.tool_answer import Silence, ToolAnswer


@pytest.mark.parametrize(
    "value", ['{"youtube":true,"matomo":false}', "%7B%22youtube%22%3Atrue%2C%22matomo%22%3Afalse%7D"]
)
def test_each_name_is_granted_or_refused_and_no_time_is_stated(value):
    assert read_switches({"klaro": value}, 0) == ToolAnswer(frozenset({"youtube"}), frozenset({"matomo"}))


def test_without_a_cookie_or_a_name_nobody_has_answered():
    assert read_switches({}, 0) is Silence.OPEN
    assert read_switches({"klaro": "{}"}, 0) is Silence.OPEN


@pytest.mark.parametrize(
    "value", ["", "true", "[]", '{"a":"true"}', '{"a":1}', '{"a":true,"a":false}', "%FF"]
)
def test_anything_else_is_unreadable(value):
    assert read_switches({"klaro": value}, 0) is Silence.UNREADABLE
