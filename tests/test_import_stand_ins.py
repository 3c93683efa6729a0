"""What nobody uses is stood in for while others are imported; whoever uses it all the same gets the module itself."""

import importlib
import subprocess
import sys

import pytest

from proxy.import_stand_ins import Deferred, standing_in, unused


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module that a stranger's imports."""
    (tmp_path / "large_of_tests.py").write_text("def useful(): return 'real'\ndef other(): return 'other'\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield "large_of_tests"
    sys.modules.pop("large_of_tests", None)


def test_a_module_is_not_imported_where_only_names_are_wanted_that_stand_in(module):
    with standing_in({module: unused("useful")}):
        from large_of_tests import useful

        assert isinstance(useful, type)
    assert module not in sys.modules


def test_another_name_is_that_of_the_module_itself(module):
    with standing_in({module: unused("useful")}):
        from large_of_tests import other, useful

        assert other() == "other"
        assert isinstance(useful, type)


def test_a_name_that_the_module_has_not_either_is_an_error(module):
    with standing_in({module: unused("useful")}), pytest.raises(ImportError):
        from large_of_tests import neither  # noqa: F401


def test_what_is_imported_afterwards_is_the_module_itself(module):
    with standing_in({module: {}}):
        importlib.import_module(module)

    assert importlib.import_module(module).useful() == "real"


def test_a_module_that_is_hidden_is_not_found_meanwhile(module):
    with standing_in({module: None}), pytest.raises(ImportError):
        importlib.import_module(module)

    assert importlib.import_module(module).useful() == "real"


def test_a_module_that_was_imported_before_stays(module):
    before = importlib.import_module(module)

    with standing_in({module: None}):
        assert importlib.import_module(module) is before
    assert sys.modules[module] is before


def test_what_is_deferred_is_imported_once_something_of_it_is_read(module):
    name = Deferred(module, "useful")
    assert module not in sys.modules

    assert name.__name__ == "useful"
    assert module in sys.modules


USES = """
import proxy.process.worker_main, proxy.process.worker, sys
from aiohttp.helpers import parse_content_type
from proxy.telemetry.metrics import Metrics

metrics = Metrics()
metrics.build("1", "pure")
assert "email.policy" not in sys.modules
print(parse_content_type("text/html; charset=\\"utf-8\\""))
import argparse, lzma, http.server, typing_extensions, urllib.request
print(argparse.ArgumentParser().prog, lzma.compress(b"")[:3], http.server.HTTPServer, urllib.request.getproxies())
print(typing_extensions.TypeVar("T", default=int).__default__)
print(metrics.registry.get_sample_value("consent_proxy_build_info", {"version": "1", "filter": "pure"}))
"""


def test_a_process_that_serves_can_use_all_of_it_after_all():
    found = subprocess.run([sys.executable, "-c", USES], capture_output=True, text=True, check=False)

    assert found.stderr == ""
    lines = found.stdout.splitlines()
    assert lines[0] == "('text/html', mappingproxy({'charset': 'utf-8'}))"
    assert lines[2] == "<class 'int'>"
    assert lines[3] in {"1.0", "None"}
