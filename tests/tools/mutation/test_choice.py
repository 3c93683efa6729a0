"""Which tests a mutant meets: those that run its line, those of its own file first."""

from tools.mutation.choice import ENOUGH, SLOW, chosen_tests, lines_run_with
from tools.mutation.worker import Measured

SOURCE = """LIMIT = 3

@cache
def first(values, most=LIMIT):
    for one in values:
        if one > most and (
            one < 9
        ):
            return one
    return None

def second():
    return LIMIT
"""
FILE = "proxy/filter/tags/refusal.py"
OWN = "tests/filter/tags/test_refusal.py"


def test_a_change_in_a_function_is_noticed_by_who_runs_its_statement():
    assert lines_run_with(SOURCE, 7) == ({6, 7, 8}, False)
    assert lines_run_with(SOURCE, 5) == ({5}, False)
    assert lines_run_with(SOURCE, 10) == ({10}, False)


def test_a_change_of_a_head_or_a_decorator_is_noticed_by_who_runs_the_function():
    assert lines_run_with(SOURCE, 4) == lines_run_with(SOURCE, 3) == ({5, 6, 7, 8, 9, 10}, True)


def test_a_change_of_a_constant_is_noticed_by_who_runs_lines_that_use_it():
    assert lines_run_with(SOURCE, 1) == ({1, 4, 13}, True)


def ran(seconds: float, *lines: int) -> Measured:
    return Measured(seconds, {FILE: sum(1 << line for line in lines)} if lines else {})


def test_own_tests_come_first_and_then_the_quick_ones():
    tests = {
        "tests/a.py::slow": ran(3, 7),
        "tests/b.py::quick": ran(1, 7),
        f"{OWN}::later": ran(5, 7, 8),
        f"{OWN}::first": ran(4, 7),
        f"{OWN}::other": ran(0, 8),
        "tests/c.py::elsewhere": ran(0),
    }

    assert chosen_tests(FILE, {7}, tests) == [
        f"{OWN}::first",
        f"{OWN}::later",
        "tests/b.py::quick",
        "tests/a.py::slow",
    ]


def test_a_line_that_no_test_runs_meets_the_tests_of_its_file():
    tests = {f"{OWN}::one": ran(1, 9), "tests/a.py::other": ran(1, 9)}

    assert chosen_tests(FILE, {7}, tests) == [f"{OWN}::one"]


def test_a_change_of_the_import_meets_the_tests_of_its_file_as_well():
    tests = {f"{OWN}::one": ran(1, 9), "tests/a.py::other": ran(1, 7), "tests/b.py::third": ran(1, 9)}

    assert chosen_tests(FILE, {7}, tests) == ["tests/a.py::other"]
    assert chosen_tests(FILE, {7}, tests, at_import=True) == [f"{OWN}::one", "tests/a.py::other"]


def test_slow_tests_are_left_out_and_all_together_take_so_long():
    tests = {f"{OWN}::{at}": ran(SLOW + at % 2, 7) for at in range(2 * ENOUGH)}

    assert len(chosen_tests(FILE, {7}, tests)) == ENOUGH // SLOW
