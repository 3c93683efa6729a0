"""Readers and checks beside a type: what they return is taken, what they raise is said after the path."""

import subprocess
import sys
from typing import Annotated

import pytest
from pydantic import BaseModel, ValidationError

from proxy.policy.checked_value import Checked, Parsed, fault
from tests.shared import ROOT


def even(number: int) -> int:
    if number % 2:
        raise fault(f"is {number}, which is odd")
    return number * 10


class Row(BaseModel):
    read: Annotated[int, Parsed(lambda word: word.removesuffix(" MB"))] = 0
    checked: Annotated[int, Checked(even)] = 0


def test_a_reader_sees_the_word_and_the_type_what_it_made_of_it():
    assert Row.model_validate({"read": "12 MB"}).read == 12
    with pytest.raises(ValidationError, match="valid integer"):
        Row.model_validate({"read": "twelve MB"})


def test_a_check_sees_the_value_and_returns_what_is_taken():
    assert Row.model_validate({"checked": "4"}).checked == 40


def test_what_a_check_raises_is_its_own_words():
    with pytest.raises(ValidationError) as error:
        Row.model_validate({"checked": "3"})

    [found] = error.value.errors()
    assert (found["loc"], found["type"], found["msg"]) == (("checked",), "fault", "is 3, which is odd")


def test_braces_in_a_word_are_said_as_they_are():
    assert fault("is '{x}'").message() == "is '{x}'"


def test_whoever_only_holds_what_was_read_is_spared_pydantic():
    code = "import sys, proxy.policy.checked_value; print('pydantic_core' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert told.stdout == "False\n"
