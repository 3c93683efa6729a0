"""Run tests of this folder on code that was broken on purpose: worker.py PATHS...

Collects the tests once. Each request, a line of JSON, is done in a fork of that process: first which lines
each test runs and how long it takes, then for each mutant whether one of its tests fails. A mutant is written
to its file and put into the functions that are loaded already; where that is not possible, since it changes
what runs at import, the response says so, and the mutant needs a worker that starts with it.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType
from typing import Any, TextIO

import pytest

PATIENCE = 30
"""Seconds after which a test fails: the mutant made it hang."""
MEMORY = 4 * 2**30
"""Bytes that a test may write to: a mutant that never stops collecting must not take the machine with it."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the tests say of a mutant: the first that failed, twice, and whether it hung."""

    failed: str | None = None
    hung: bool = False
    at_import: bool = False
    """Nothing was run: the mutant changes what runs when its file is imported."""


@dataclass(frozen=True, slots=True)
class Measured:
    """How long a test takes, and the lines that it runs: a bit for each line, by file."""

    seconds: float
    lines: dict[str, int] = field(default_factory=dict)


def compiled(source: str, file: str) -> CodeType:
    """Return the code of a file, whatever Python thinks of `1 is 1`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        return compile(source, file, "exec", dont_inherit=True)


def changed_functions(before: CodeType, after: CodeType) -> dict[tuple[str, int], CodeType] | None:
    """Return the code of each function that differs, by name and line: None where more differs."""
    return _changed(before, after, in_function=False)


def _changed(
    before: CodeType, after: CodeType, *, in_function: bool
) -> dict[tuple[str, int], CodeType] | None:
    if before == after:
        return {}
    is_function = bool(before.co_flags & 0x2)  # CO_NEWLOCALS: neither a module nor the body of a class
    inner = [[one for one in code.co_consts if isinstance(one, CodeType)] for code in (before, after)]
    if len(inner[0]) != len(inner[1]) or before.co_freevars != after.co_freevars:
        return None
    if not is_function and _without_functions(before) != _without_functions(after):
        return None
    found = {(before.co_qualname, before.co_firstlineno): after} if is_function else {}
    for old, new in zip(*inner, strict=True):
        deeper = _changed(old, new, in_function=in_function or is_function)
        if deeper is None:
            if in_function or is_function:
                continue  # the outer function makes it anew each time it runs
            return None
        found |= deeper
    return found


def _without_functions(code: CodeType) -> tuple[object, ...]:
    """Return what a module or a class does when it is imported, whatever its functions do."""
    plain = tuple((type(one), one) for one in code.co_consts if not isinstance(one, CodeType))
    return code.co_code, code.co_names, code.co_varnames, plain


def put_in(file: str, functions: dict[tuple[str, int], CodeType]) -> bool:
    """Give the loaded functions of a file their new code; return whether each was found."""
    gc.unfreeze()  # or gc does not tell what was there before
    missing = set(functions)
    for one in gc.get_objects():
        if isinstance(one, FunctionType) and one.__code__.co_filename == file:
            key = (one.__code__.co_qualname, one.__code__.co_firstlineno)
            if key in functions:
                one.__code__ = functions[key]
                missing.discard(key)
    return not any("<locals>" not in name for name, _ in missing)


class Served:
    """A plugin of pytest that does requests instead of running all tests."""

    def __init__(self, requests: TextIO, responses: TextIO) -> None:
        self.requests, self.responses = requests, responses
        self.failed: list[tuple[str, bool]] = []

    def pytest_collection(self) -> None:
        """Have no failing example made shorter: that takes minutes, and nobody reads it."""
        from hypothesis import Phase, settings  # noqa: PLC0415 - pytest has to load it first

        now = settings.get_profile(settings.get_current_profile_name())
        phases = [one for one in now.phases if one not in {Phase.shrink, Phase.explain}]
        settings.register_profile("mutants", now, phases=phases)
        settings.load_profile("mutants")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a test that failed, and whether it was for time."""
        if report.failed:
            self.failed.append((report.nodeid, "from pytest-timeout" in report.longreprtext))

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Respond to each request from a fork of this process, which stays as it was collected."""
        if session.testsfailed:  # a file could not be collected
            return True
        # what a test starts must not leave the code of a mutant behind, which looks like that of the next
        os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
        sys.dont_write_bytecode = True
        items = {item.nodeid: item for item in session.items}
        self._respond({"tests": len(items)})
        gc.freeze()
        for line in self.requests:
            request = json.loads(line)
            if "measure" in request:
                self._respond(self._forked(partial(self._measure, request["measure"], items)))
                continue
            chosen = [items[name] for name in request["tests"] if name in items]
            limit = 2 * PATIENCE + 20 * request["seconds"]
            with _written(Path(request["file"]), request["source"]) as before:
                said = self._forked(partial(self._try, request, before, chosen), limit)
            self._respond(said)
        return True

    def _respond(self, response: dict[str, object]) -> None:
        self.responses.write(json.dumps(response) + "\n")
        self.responses.flush()

    def _forked(self, work: Callable[[], dict[str, Any]], limit: float = 3600) -> dict[str, Any]:
        """Return what a fork says; one that takes too long or dies has hung."""
        read, write = os.pipe()
        child = os.fork()
        if not child:
            os.close(read)
            os.setsid()
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            try:
                said = json.dumps(work())
            except MemoryError:  # a mutant that never ends, as far as the limit
                said = json.dumps(asdict(Trial(failed="the memory of the tests", hung=True)))
            except BaseException:  # noqa: BLE001 - a fault of this file, and no word of a test
                said = json.dumps({"error": traceback.format_exc()})
            with os.fdopen(write, "w") as pipe:
                pipe.write(f"{said}\n")
            os._exit(0)
        os.close(write)
        signal.signal(signal.SIGALRM, lambda *_: _end(child))
        signal.alarm(int(limit))
        with os.fdopen(read) as pipe:
            said = pipe.readline()
        signal.alarm(0)
        _end(child)  # and what its tests started
        os.waitpid(child, 0)
        return json.loads(said) if said else asdict(Trial(failed="the process of the tests", hung=True))

    def _try(self, request: dict[str, str], before: str, items: Sequence[pytest.Item]) -> dict[str, Any]:
        """Break the functions, run tests until one fails, and that one again: once may be chance."""
        file = str(Path(request["file"]).resolve())
        if before != request["source"]:
            functions = changed_functions(compiled(before, file), compiled(request["source"], file))
            if functions is None or not put_in(file, functions):
                return asdict(Trial(at_import=True))
        for item, after in zip(items, [*items[1:], None], strict=True):
            if self._fails(item, after) and self._fails(item, None):
                name, hung = self.failed[-1]
                return asdict(Trial(failed=name, hung=hung))
        return asdict(Trial())

    def _fails(self, item: pytest.Item, after: pytest.Item | None) -> bool:
        count = len(self.failed)
        item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
        item.session.shouldfail = False
        if len(self.failed) == count:
            return False
        item.session._setupstate.teardown_exact(None)  # noqa: SLF001 - as pytest ends a session
        return True

    def _measure(self, files: Sequence[str], items: dict[str, pytest.Item]) -> dict[str, Any]:
        """Run every test, and return its time, its lines, and the tests that fail as things are."""
        import coverage  # noqa: PLC0415 - only one worker needs it

        cover = coverage.Coverage(
            data_file=None, include=[str(Path(file).resolve()) for file in files], config_file=False
        )
        cover.start()
        seconds = {}
        for item, after in zip(items.values(), [*list(items.values())[1:], None], strict=True):
            cover.switch_context(item.nodeid)
            started = time.monotonic()
            item.ihook.pytest_runtest_protocol(item=item, nextitem=after)
            item.session.shouldfail = False
            seconds[item.nodeid] = time.monotonic() - started
        cover.stop()
        lines: dict[str, dict[str, int]] = {name: {} for name in seconds}
        for file in files:
            for line, contexts in cover.get_data().contexts_by_lineno(str(Path(file).resolve())).items():
                for name in filter(None, contexts):
                    lines[name][file] = lines[name].get(file, 0) | 1 << line
        tests = {name: asdict(Measured(round(took, 3), lines[name])) for name, took in seconds.items()}
        return {"tests": tests, "failed": sorted({name for name, _ in self.failed})}


def _end(child: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


@contextlib.contextmanager
def _written(file: Path, source: str) -> Iterator[str]:
    """Have that source in a file; processes that tests start read it there."""
    before = file.read_text("utf-8")
    file.write_text(source, "utf-8")
    try:
        yield before
    finally:
        file.write_text(before, "utf-8")


def main(paths: Sequence[str]) -> int:
    """Do requests from standard input; what tests read and print goes elsewhere."""
    requests, responses = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    with open(os.devnull, "r+b") as nothing:  # noqa: PTH123
        for standard in (0, 1, 2):
            os.dup2(nothing.fileno(), standard)
    options = [
        "-q",
        "-s",
        "--tb=line",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
    ]
    return pytest.main([*options, "--hypothesis-seed=0", *paths], plugins=[Served(requests, responses)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
