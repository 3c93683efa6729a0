"""The sample of broken code: what is taken, and what is said of those that nobody noticed."""

from pathlib import Path

from tools import mutation
from tools.mutation import (
    AREAS,
    ROOT,
    Mutant,
    Outcome,
    Reason,
    difference,
    files_of,
    never_run,
    reasons,
    report,
    run,
    sample,
)

SOURCE = """Header = bytes | None
def first(values: list[int] | None) -> int | None:
    found: int | None = values[0] | 1
    return found
"""


def ranges_of(source: str) -> list[str]:
    lines = source.splitlines()
    return sorted(lines[start[0] - 1][start[1] : end[1]] for start, end in never_run(source))


def test_types_are_not_broken_and_the_code_beside_them_is():
    assert ranges_of(SOURCE) == ["bytes | None", "int | None", "int | None", "list[int] | None"]


def test_a_sample_takes_one_mutant_of_an_expression_and_is_the_same_for_a_seed():
    every = [Mutant("a.py", line, 4, operator, 0) for line in range(40) for operator in ("one", "other")]

    taken = sample(every, 20, seed=1)

    assert len({one.line for one in taken}) == 20
    assert taken == sample(every, 20, seed=1) != sample(every, 20, seed=2)
    assert len(sample(every, 1000, seed=1)) == 40


def test_every_file_of_an_area_and_its_tests_are_there():
    for area in AREAS:
        assert files_of(area), area.name
        assert [path for path in (*area.mirror, *area.rest) if not (ROOT / path).exists()] == []


def test_the_changed_line_is_told_as_it_was_and_as_it_is():
    assert difference("a\n  b = 1\nc\n", "a\n  b = 2\nc\n") == ("b = 1", "b = 2")
    assert difference("a\n@x\nb\n", "a\nb\n") == ("@x", "")
    assert difference("x = y\nx = y\n", "x = y\nx = z\n") == ("x = y", "x = z")


def test_a_survivor_is_told_with_its_line_and_reason():
    file = "proxy/route/gates.py"
    outcomes = [
        Outcome(Mutant(file, 7, 4, "core/NumberReplacer", 0), killed=False, was="a = 1", now="a = 2"),
        Outcome(Mutant(file, 9, 4, "core/NumberReplacer", 1), killed=False, was="b = 1", now="b = 2"),
        Outcome(Mutant(file, 8, 4, "core/NumberReplacer", 2), killed=True, was="c = 1", now="c = 2"),
    ]

    said = report(outcomes, [Reason(file, "a = 1", "a = 2", "only a hint")])

    assert f"{file}:7: only a hint\n  - a = 1\n  + a = 2" in said
    assert f"{file}:9: NO REASON IS KNOWN" in said
    assert "gates: 1 of 3 killed" in said
    assert "html" not in said
    assert said.endswith("all: 1 of 3 killed (33.3%)")


def test_a_run_deletes_its_own_copies_and_no_others(tmp_path, monkeypatch):
    other = tmp_path / "1-0"
    other.mkdir()
    monkeypatch.setattr(mutation, "COPIES", tmp_path)

    assert run([], minutes=1, processes=1) == []
    assert list(tmp_path.iterdir()) == [other]


def test_every_known_survivor_is_still_a_line_of_its_file():
    gone = [
        (one.file, one.was)
        for one in reasons()
        if one.was
        not in " ".join(line.strip() for line in Path(ROOT / one.file).read_text("utf-8").splitlines())
    ]

    assert gone == []
