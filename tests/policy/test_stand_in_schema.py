"""What may stand under `stand_in:`: a name of the list, or functions, each with what it replies."""

import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from proxy.policy.stand_in_schema import ReplyShape, StandInTable
from proxy.policy.stand_ins import STAND_INS

TABLE = TypeAdapter(StandInTable)
NAME = next(iter(STAND_INS))


def told(value) -> list[str]:
    with pytest.raises(ValidationError) as error:
        TABLE.validate_python(value)
    return [fault["msg"] for fault in error.value.errors()]


def test_a_name_of_the_list_stands_alone():
    assert TABLE.validate_python(NAME) == {NAME: None}


def test_a_word_under_a_function_is_what_it_returns():
    table = TABLE.validate_python({"acme": "control", "acme.ready": {"calls_back": "1"}})

    assert (table["acme"].returns, table["acme"].calls_back) == ("control", None)
    assert (table["acme.ready"].returns, table["acme.ready"].calls_back) == (None, "1")


def test_a_function_replies_in_one_way():
    assert told({"acme": {}}) == ["needs one of 'returns' and 'calls_back'"]
    assert told({"acme": {"returns": "1", "calls_back": "2"}}) == ["needs one of 'returns' and 'calls_back'"]


def test_a_name_that_is_none_of_the_list_is_told_with_the_nearest_or_all():
    assert told(NAME[:-1]) == [f"is '{NAME[:-1]}'; did you mean '{NAME}'?, or a table of function names"]
    assert told("qqqq")[0].startswith("is 'qqqq'; it can be ")


@pytest.mark.parametrize("name", ["acme()", "a b", "1a", "acme.", ""])
def test_what_is_no_function_is_refused(name):
    assert told({name: "1"}) == [f"names '{name}', which is no function; write 'acme' or 'acme.flags.get'"]


def test_nothing_is_not_a_stand_in():
    assert told({}) == ["is empty; give it a value or take the key out"]
    assert told(["acme"])


def test_the_schema_for_editors_takes_what_the_reader_takes():
    class Rule(BaseModel):
        stand_in: StandInTable

    name, table = Rule.model_json_schema()["properties"]["stand_in"]["anyOf"]
    reply = table["additionalProperties"]["anyOf"][1]

    assert name["enum"] == [*STAND_INS]
    assert reply["properties"].keys() == ReplyShape.model_fields.keys()
    assert (reply["minProperties"], reply["maxProperties"], reply["additionalProperties"]) == (1, 1, False)
