"""What is said of the mutants that nobody noticed."""

from pathlib import Path

from tools.mutation.areas import ROOT
from tools.mutation.mutants import Mutant
from tools.mutation.report import Outcome, Reason, reasons, report


def test_a_survivor_is_told_with_its_line_and_reason():
    file = "proxy/route/gates.py"
    outcomes = [
        Outcome(Mutant(file, 7, 4, "core/NumberReplacer", 0), killed=False, was="a = 1", now="a = 2"),
        Outcome(Mutant(file, 9, 4, "core/NumberReplacer", 1), killed=False, was="b = 1", now="b = 2"),
        Outcome(Mutant(file, 8, 4, "core/NumberReplacer", 2), killed=True, was="c = 1", now="c = 2"),
        Outcome(Mutant(file, 8, 9, "core/Break", 0), killed=True, was="d", now="e", by="t", hung=True),
    ]

    said = report(outcomes, [Reason(file, "a = 1", "a = 2", "only a hint")])

    assert f"{file}:7: only a hint\n  - a = 1\n  + a = 2" in said
    assert f"{file}:9: NO REASON IS KNOWN" in said
    assert "gates: 2 of 4 killed" in said
    assert "html" not in said
    assert said.endswith("all: 2 of 4 killed (50.0%), 1 by time")


def test_every_known_survivor_is_still_a_line_of_its_file():
    gone = [
        (one.file, one.was)
        for one in reasons()
        if one.was
        not in " ".join(line.strip() for line in Path(ROOT / one.file).read_text("utf-8").splitlines())
    ]

    assert gone == []
