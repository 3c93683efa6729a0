import inspect
import json
from dataclasses import asdict

from proxy.console.source import ConsoleSource, Reloaded
from proxy.process.console import _Workers
from tests.shared import ROOT


def test_a_reload_is_told_as_in_the_sample():
    sample = json.loads((ROOT / "tests/data/console/reload.json").read_text("utf-8"))
    told = json.loads(json.dumps(asdict(Reloaded("refused", tuple(sample["problems"]), 2))))

    assert told == sample


def test_the_process_that_serves_it_answers_all_that_is_asked():
    asked = {name for name, _ in inspect.getmembers(ConsoleSource, inspect.isfunction) if name[0] != "_"}
    made = _Workers.__new__(_Workers)
    there = {name for name in dir(made) if name[0] != "_"} | {"ready", "figures", "workers"}

    assert asked
    assert asked - there == set()
