"""Break the code on purpose and see that a test notices: python -m tools.mutation [--count N] [--seed N].

A seeded sample of the mutants that Cosmic Ray makes of the files whose faults nobody would see at once: the
markup, the gates, consent, Set-Cookie, the ETag. All tests of these areas run once in a copy of the project,
and which lines each of them runs is written down; each mutant then meets the tests that run its line, those
of its own test file first. It is killed when one of them fails twice, or hangs. Prints each survivor with the
reason known for it (tests/data/mutation/survivors.yaml), and ends with 1 where fewer than nine of ten were
killed. What was found goes to .tests/mutation; --resume goes on from there, --again tries survivors anew.
"""

import argparse
import hashlib
import json
import os
import queue
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tools.mutation.areas import AREAS, LONG, ROOT, Area, files_of
from tools.mutation.choice import chosen_tests, lines_run_with
from tools.mutation.mutants import Mutant, broken, difference, mutants_of, sample
from tools.mutation.report import Outcome, reasons, report
from tools.mutation.worker import PATIENCE, Measured, Trial

COPIES = ROOT / ".tests" / "mutation"

SEED = 20261130
COUNT = 300
MINUTES = 60
MUST = 0.9
"""The share of mutants that tests have to kill."""
FILES = 8
"""Files of tests that are collected for a mutant that changes what runs at import."""


def copy_of_project(number: int) -> Path:
    """Return a fresh copy of all files that are under version control."""
    copy = COPIES / f"{os.getpid()}-{number}" / "project"
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout  # noqa: S607
    for name in filter(None, names.decode().split("\0")):
        if (source := ROOT / name).is_file():
            target = copy / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    return copy


class Worker:
    """A process that has collected tests in a copy of the project."""

    def __init__(
        self, copy: Path, paths: Sequence[str], *, keep_bytecode: bool = False, patience: int = PATIENCE
    ) -> None:
        options = [f"--timeout={patience}", *(f"--ignore={path}" for path in LONG)]
        shared = str(ROOT.parent / "shared")
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-P", str(Path(__file__).with_name("worker.py")), *options, *paths],
            cwd=copy,
            env={"CONSENT_SHARED": shared, **os.environ, "PYTHONPATH": str(copy)}
            | ({} if keep_bytecode else {"PYTHONDONTWRITEBYTECODE": "1"}),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.collected = bool(self._process.stdout.readline())

    def ask(self, request: Mapping[str, object]) -> dict[str, Any]:
        """Return what the worker says to a request."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        response: dict[str, Any] = json.loads(self._process.stdout.readline())
        if "error" in response:
            raise RuntimeError(response["error"])
        return response

    def stop(self) -> None:
        """End the process."""
        self._process.communicate()


class Found:
    """What was measured and judged, kept in files: a run that was stopped can go on."""

    def __init__(self, folder: Path, *, resume: bool, again: bool) -> None:
        self._times, self._outcomes = folder / "measured.json", folder / "outcomes.json"
        folder.mkdir(parents=True, exist_ok=True)
        kept = json.loads(self._outcomes.read_text()) if resume and self._outcomes.exists() else {}
        self.outcomes: dict[str, dict[str, Any]] = {
            name: one for name, one in kept.items() if one["killed"] or not again
        }
        self._resume = resume

    @staticmethod
    def name(mutant: Mutant, after: str) -> str:
        """Return a name for the whole file as the mutant makes it."""
        return hashlib.sha256(f"{mutant.file}\n{after}".encode()).hexdigest()[:16]

    def add(self, name: str, outcome: Outcome) -> None:
        """Keep what the tests said of a mutant."""
        self.outcomes[name] = {**asdict(outcome), "mutant": None}
        whole = self._outcomes.with_suffix(".new")
        whole.write_text(json.dumps(self.outcomes, indent=0))
        whole.replace(self._outcomes)

    def measured(self, files: Sequence[str], worker: Worker) -> dict[str, Measured]:
        """Return the time and the lines of each test that passes, as measured when a file changed last."""
        sources = {file: hashlib.sha256((ROOT / file).read_bytes()).hexdigest() for file in files}
        kept = json.loads(self._times.read_text()) if self._resume and self._times.exists() else {}
        if kept.get("sources") != sources:
            kept = {"sources": sources, **worker.ask({"measure": files})}
            self._times.write_text(json.dumps(kept))
        for name in kept["failed"]:
            print(f"left out, it fails on unbroken code: {name}", flush=True)  # noqa: T201
        return {name: Measured(**one) for name, one in kept["tests"].items() if name not in kept["failed"]}


class Bench:
    """One copy of the project with its worker: where mutants are judged, one at a time."""

    def __init__(self, number: int, paths: Sequence[str]) -> None:
        self.folder = copy_of_project(number)
        self.worker = Worker(self.folder, paths, keep_bytecode=True)
        if not self.worker.collected:
            raise SystemExit("a file of tests cannot be collected although nothing is broken")

    def judge(self, mutant: Mutant, before: str, after: str, measured: Mapping[str, Measured]) -> Outcome:
        """Return whether a test fails on a mutant, also in a process that began with it."""
        lines, at_import = lines_run_with(before, mutant.line)
        tests = chosen_tests(mutant.file, lines, measured, at_import=at_import)
        request = {
            "file": mutant.file,
            "source": after,
            "tests": tests,
            "seconds": sum(measured[name].seconds for name in tests),
        }
        trial = Trial(at_import=True) if at_import else Trial(**self.worker.ask(request))
        if trial.failed is None:
            trial = self._from_its_import(mutant, after, request)
        was, now = difference(before, after)
        return Outcome(mutant, trial.failed is not None, was, now, by=trial.failed or "", hung=trial.hung)

    def _from_its_import(self, mutant: Mutant, after: str, request: dict[str, Any]) -> Trial:
        path = self.folder / mutant.file
        before = path.read_text("utf-8")
        files = list(dict.fromkeys(name.split("::", 1)[0] for name in request["tests"]))[:FILES]
        path.write_text(after, "utf-8")
        try:
            worker = Worker(self.folder, files)
            if not worker.collected:
                return Trial(failed="the import")
            return Trial(**worker.ask(request))
        finally:
            path.write_text(before, "utf-8")
            worker.stop()

    def stop(self) -> None:
        """End the worker and delete the copy."""
        self.worker.stop()
        shutil.rmtree(self.folder.parent, ignore_errors=True)


def run(
    chosen: Sequence[Mutant], areas: Sequence[Area], found: Found, minutes: float, processes: int
) -> list[Outcome]:
    """Judge mutants on so many benches, and stop handing them out after so many minutes."""
    until = time.monotonic() + minutes * 60
    paths = sorted({path for area in areas for path in area.tests})
    paths = [one for one in paths if not any(one.startswith(f"{other}/") for other in paths)]
    benches: queue.Queue[Bench] = queue.Queue()
    every: list[Bench] = []
    try:
        for number in range(processes):
            every.append(Bench(number, paths))
            benches.put(every[-1])
        measured = found.measured([file for area in areas for file in files_of(area)], every[0].worker)

        def judged(mutant: Mutant) -> Outcome | None:
            if (sources := broken(mutant)) is None or time.monotonic() > until:
                return None
            if (kept := found.outcomes.get(name := found.name(mutant, sources[1]))) is not None:
                return Outcome(**{**kept, "mutant": mutant})
            bench = benches.get()
            try:
                outcome = bench.judge(mutant, *sources, measured)
            finally:
                benches.put(bench)
            found.add(name, outcome)
            return outcome

        with ThreadPoolExecutor(processes) as pool:
            try:
                return _printed([pool.submit(judged, mutant) for mutant in chosen])
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    finally:
        for bench in every:
            bench.stop()


def _printed(waiting: Sequence[Future[Outcome | None]]) -> list[Outcome]:
    """Return the outcomes as they come, each printed."""
    outcomes: list[Outcome] = []
    for done in as_completed(waiting):
        if (one := done.result()) is not None:
            outcomes.append(one)
            print(  # noqa: T201
                f"{time.strftime('%H:%M:%S')} {len(outcomes)}/{len(waiting)} "
                f"{'killed' if one.killed else 'SURVIVED'} {one.mutant.file}:{one.mutant.line} {one.now} "
                f"{'(time) ' * one.hung}{one.by}",
                flush=True,
            )
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sample, print its report, and return 1 where too few were killed."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many mutants (default {COUNT})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"which sample (default {SEED})")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"at most so long (default {MINUTES})")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--area", choices=[area.name for area in AREAS], help="of one area only")
    parser.add_argument("--resume", action="store_true", help="go on with what the run before found")
    parser.add_argument("--again", action="store_true", help="with --resume: try its survivors again")
    options = parser.parse_args(arguments)
    areas = [area for area in AREAS if options.area in {None, area.name}]
    every = [one for area in areas for file in files_of(area) for one in mutants_of(file)]
    chosen = sample(every, options.count, options.seed)
    print(f"{len(chosen)} of {len(every)} mutants, seed {options.seed}", flush=True)  # noqa: T201
    found = Found(COPIES, resume=options.resume, again=options.again)
    outcomes = run(chosen, areas, found, options.minutes, options.processes)
    print(report(outcomes, reasons()))  # noqa: T201
    return 0 if sum(one.killed for one in outcomes) >= MUST * max(len(outcomes), 1) else 1


if __name__ == "__main__":
    sys.exit(main())
