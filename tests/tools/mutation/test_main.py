"""A run of mutants: where they are judged, and what is kept of it."""

from tools.mutation import __main__ as mutation
from tools.mutation.__main__ import Bench, Found
from tools.mutation.areas import ROOT
from tools.mutation.mutants import Mutant
from tools.mutation.report import Outcome
from tools.mutation.worker import Measured

FILE = "proxy/consent/signal.py"
TESTS = "tests/consent/test_signal.py"


def test_a_mutant_is_judged_in_a_copy_which_goes_and_no_other(tmp_path, monkeypatch):
    other = tmp_path / "1-0"
    other.mkdir()
    monkeypatch.setattr(mutation, "COPIES", tmp_path)
    source = (ROOT / FILE).read_text("utf-8")
    everything = {FILE: (1 << len(source.splitlines()) + 1) - 1}
    name = f"{TESTS}::test_one_is_a_signal_said_once_or_twice[values0]"
    line = 1 + next(at for at, text in enumerate(source.splitlines()) if 'strip(b" \\t") == b"1"' in text)
    bench = Bench(0, [TESTS])

    def judged(was: str, now: str) -> Outcome:
        after = source.replace(was, now)
        mutant = Mutant(FILE, line, 0, "", 0)
        return bench.judge(mutant, source, after, {name: Measured(0.1, everything)})

    assert judged('== b"1"', '!= b"1"').by == name
    assert not judged('b" \\t") == b"1"', 'b"\\t ") == b"1"').killed

    bench.stop()
    assert list(tmp_path.iterdir()) == [other]
    assert (ROOT / FILE).read_text("utf-8") == source


def test_a_run_that_was_stopped_goes_on_and_tries_survivors_again_when_it_is_told(tmp_path):
    found = Found(tmp_path, resume=False, again=False)
    for name, killed in (("first", True), ("second", False)):
        found.add(name, Outcome(Mutant(FILE, 1, 0, "", 0), killed=killed, was="a", now="b"))

    assert set(Found(tmp_path, resume=True, again=False).outcomes) == {"first", "second"}
    assert set(Found(tmp_path, resume=True, again=True).outcomes) == {"first"}
    assert Found(tmp_path, resume=False, again=False).outcomes == {}
