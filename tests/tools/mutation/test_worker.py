"""The process that runs tests on broken code: a small project of its own, and what its tests say."""

import pytest

from tools.mutation.__main__ import Worker

SOURCE = """import functools

LIMIT = 3

@functools.cache
def larger(value):
    while value < 0:
        value += 1
    return value > LIMIT

class Box:
    def halves(self, values):
        return [value // 2 for value in values]
"""
TESTS = """import pathlib, subprocess, sys
from thing import Box, larger

def test_larger():
    assert larger(4) and not larger(3)

def test_negative():
    assert not larger(-1)

def test_halves():
    assert Box().halves([4, 9]) == [2, 4]

def test_in_a_process():
    subprocess.run([sys.executable, "-c", "import thing; assert thing.larger(5)"], check=True)

def test_that_fails_once():
    mark = pathlib.Path(__file__).with_name("mark")
    first = not mark.exists()
    mark.touch()
    assert not first
"""
EVERY = [f"test_thing.py::test_{name}" for name in ("larger", "negative", "halves", "in_a_process")]


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("project")
    (folder / "thing.py").write_text(SOURCE)
    (folder / "test_thing.py").write_text(TESTS)
    (folder / "pytest.ini").write_text("[pytest]\nfilterwarnings = error::SyntaxWarning\n")
    return folder


@pytest.fixture(autouse=True)
def _as_it_was(project):
    yield
    (project / "thing.py").write_text(SOURCE)
    (project / "mark").unlink(missing_ok=True)


@pytest.fixture(scope="module")
def worker(project):
    worker = Worker(project, ["test_thing.py"], patience=3)
    yield worker
    worker.stop()


def judged(worker, before, after, tests=EVERY):
    assert SOURCE.count(before) == 1
    source = SOURCE.replace(before, after)
    return worker.ask({"file": "thing.py", "source": source, "tests": tests, "seconds": 1})


def test_a_mutant_is_killed_by_the_first_test_that_fails(worker, project):
    assert judged(worker, "value > LIMIT", "value >= LIMIT")["failed"] == EVERY[0]
    assert judged(worker, "value // 2", "value / 2")["failed"] == EVERY[2]
    assert judged(worker, "value // 2", "value / 2", EVERY[:2])["failed"] is None
    assert judged(worker, "value // 2", "value is 2", EVERY[2:3])["failed"] == EVERY[2]
    assert judged(worker, "value > LIMIT", "value > LIMIT + 0")["failed"] is None
    assert (project / "thing.py").read_text() == SOURCE


def test_a_process_that_a_test_starts_has_the_mutant_as_well(worker):
    assert judged(worker, "value > LIMIT", "value > LIMIT + 9", EVERY[3:])["failed"] == EVERY[3]


def test_a_mutant_that_never_ends_is_killed_by_time(worker):
    said = judged(worker, "value += 1", "value += 0", EVERY[1:2])

    assert said == {"failed": EVERY[1], "hung": True, "at_import": False}


def test_what_changes_the_import_needs_a_worker_that_starts_with_it(worker, project):
    assert judged(worker, "LIMIT = 3", "LIMIT = 4")["at_import"]
    changed = SOURCE.replace("LIMIT = 3", "LIMIT = 4")
    (project / "thing.py").write_text(changed)
    fresh = Worker(project, ["test_thing.py"])

    assert (
        fresh.ask({"file": "thing.py", "source": changed, "tests": EVERY, "seconds": 1})["failed"] == EVERY[0]
    )
    fresh.stop()


def test_a_file_that_cannot_be_imported_has_no_worker(project):
    (project / "thing.py").write_text("LIMIT = 1 / 0\n")
    worker = Worker(project, ["test_thing.py"])

    assert not worker.collected
    worker.stop()


def test_a_test_that_fails_by_chance_kills_nothing(worker):
    chance = ["test_thing.py::test_that_fails_once"]

    assert judged(worker, "value > LIMIT", "value > LIMIT + 0", chance)["failed"] is None


def test_the_lines_that_a_test_runs_are_told(worker):
    told = worker.ask({"measure": ["thing.py"]})

    lines = {name: bin(one["lines"].get("thing.py", 0)) for name, one in told["tests"].items()}
    assert lines[EVERY[0]] == bin(1 << 7 | 1 << 9)
    assert lines[EVERY[1]] == bin(1 << 7 | 1 << 8 | 1 << 9)
    assert lines[EVERY[2]] == bin(1 << 13)
    assert told["failed"] == ["test_thing.py::test_that_fails_once"]
