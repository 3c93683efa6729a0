"""The sample of broken code: what is taken of it."""

from dataclasses import replace

from tools.mutation.mutants import Mutant, difference, never_run, sample

SOURCE = """Header = bytes | None
def first(values: list[int] | None) -> int | None:
    found: int | None = values[0] | 1
    return found
"""


def ranges_of(source: str) -> list[str]:
    lines = source.splitlines()
    return sorted(lines[start[0] - 1][start[1] : end[1]] for start, end in never_run(source))


def mutants(lines: int, file: str = "a.py") -> list[Mutant]:
    return [
        Mutant(file, line, 4, operator, line, text=f"a = {line}")
        for line in range(lines)
        for operator in ("one", "other")
    ]


def test_types_are_not_broken_and_the_code_beside_them_is():
    assert ranges_of(SOURCE) == ["bytes | None", "int | None", "int | None", "list[int] | None"]


def test_a_sample_takes_one_mutant_of_an_expression_and_is_the_same_for_a_seed():
    every = mutants(40)

    taken = sample(every, 20, seed=1)

    assert len({one.line for one in taken}) == 20
    assert taken == sample(every, 20, seed=1) != sample(every, 20, seed=2)
    assert len(sample(every, 1000, seed=1)) == 40
    assert {one.operator for one in taken} == {"one", "other"}


def test_lines_that_are_added_before_change_nothing_of_a_sample():
    every = mutants(40)
    moved = [replace(one, line=one.line + 7, occurrence=one.occurrence + 3) for one in every]

    assert [one.text for one in sample(moved, 20, seed=1)] == [one.text for one in sample(every, 20, seed=1)]


def test_lines_that_read_alike_are_mutants_of_their_own():
    alike = [replace(one, text="return None") for one in mutants(40)]

    assert len({one.line for one in sample(alike, 20, seed=1)}) == 20


def test_each_expression_is_as_likely_so_a_long_file_has_more():
    taken = sample([*mutants(900), *mutants(100, "b.py")], 200, seed=1)

    assert 5 <= sum(one.file == "b.py" for one in taken) <= 40


def test_the_changed_line_is_told_as_it_was_and_as_it_is():
    assert difference("a\n  b = 1\nc\n", "a\n  b = 2\nc\n") == ("b = 1", "b = 2")
    assert difference("a\n@x\nb\n", "a\nb\n") == ("@x", "")
    assert difference("x = y\nx = y\n", "x = y\nx = z\n") == ("x = y", "x = z")
