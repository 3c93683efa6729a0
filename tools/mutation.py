"""Break the code on purpose and see that a test notices: python -m tools.mutation [--count N] [--seed N].

A seeded sample of the mutants that Cosmic Ray makes of the files whose faults nobody would see at once: the
markup, the gates, consent, Set-Cookie, the ETag. Each mutant is written into a copy of the project, and the
tests that mirror its file are run there, then those of its area. Prints each survivor by its line, with the
reason known for it (tests/data/mutation/survivors.yaml), and ends with 1 where fewer than nine of ten were
killed.

Types and other text that never runs is not broken; of the mutants of one expression one is taken.
"""

from __future__ import annotations

import argparse
import ast
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]
COPIES = ROOT / ".tests" / "mutation"
REASONS = ROOT / "tests" / "data" / "mutation" / "survivors.yaml"

SEED = 20261130
COUNT = 300
MINUTES = 60
MUST = 0.9
"""The share of mutants that tests have to kill."""

SLOWEST = 600
"""Seconds after which a mutant counts as killed: it made the tests hang."""


LONG = ("tests/filter/test_work.py", "tests/filter/test_inline_tests.py")
"""Tests that are not run: how work grows with the input, and the rules file with one rule less each time."""


@dataclass(frozen=True, slots=True)
class Area:
    """Files that are broken together with the tests asked about them: the mirror first, the rest after."""

    name: str
    files: tuple[str, ...]
    mirror: tuple[str, ...]
    rest: tuple[str, ...]


AREAS = (
    Area("html", ("proxy/filter/html",), ("tests/filter/html",), ("tests/filter", "tests/promise")),
    Area("tags", ("proxy/filter/tags",), ("tests/filter/tags",), ("tests/filter", "tests/promise")),
    Area(
        "gates",
        ("proxy/route/gates.py",),
        ("tests/route/test_gates.py",),
        ("tests/own/test_addresses.py", "tests/own/test_declared_answers.py", "tests/promise"),
    ),
    Area(
        "consent",
        ("proxy/consent",),
        ("tests/consent",),
        ("tests/own/test_choice.py", "tests/own/test_addresses.py"),
    ),
    Area(
        "set-cookie",
        ("proxy/filter/headers/set_cookie.py", "proxy/filter/headers/cookies.py"),
        ("tests/filter/headers",),
        ("tests/filter", "tests/promise"),
    ),
    Area(
        "etag",
        ("proxy/filter/headers/judged_headers.py",),
        ("tests/filter/headers",),
        ("tests/route/test_response_headers.py", "tests/route/test_relay.py", "tests/route/fast"),
    ),
)


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one expression, by Cosmic Ray's name of the operator and its count in the file."""

    file: str
    line: int
    column: int
    operator: str
    occurrence: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests said of a mutant: the line before and after, and whether a test failed."""

    mutant: Mutant
    killed: bool
    was: str
    now: str


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a survivor changes nothing that a test could see."""

    file: str
    was: str
    now: str
    reason: str


def never_run(source: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return the ranges of a source, (line, column) to (line, column), that no test can reach: its types."""
    ranges = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.AnnAssign | ast.arg):
            types = node.annotation
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            types = node.returns
        else:
            types = node.value if isinstance(node, ast.Assign) and _is_union(node.value) else None
        if types is not None and types.end_lineno is not None and types.end_col_offset is not None:
            ranges.append(((types.lineno, types.col_offset), (types.end_lineno, types.end_col_offset)))
    return ranges


def _is_union(node: ast.expr) -> bool:
    """Return whether a value is a union of types: `Header = bytes | None`."""
    return isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr) and _is_type(node)


def _is_type(node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _is_type(node.left) and _is_type(node.right)
    if isinstance(node, ast.Constant):
        return node.value is None
    return isinstance(node, ast.Subscript) or (
        isinstance(node, ast.Name) and (node.id[:1].isupper() or node.id in {"bytes", "str", "int", "bool"})
    )


def sample(mutants: Iterable[Mutant], count: int, seed: int) -> list[Mutant]:
    """Return so many mutants, the same ones for a seed: one of each expression at most, all files alike."""
    chosen = random.Random(seed)  # noqa: S311 - a sample that can be had again
    places: dict[tuple[str, int, int], list[Mutant]] = defaultdict(list)
    for one in mutants:
        places[one.file, one.line, one.column].append(one)
    ones = [chosen.choice(places[place]) for place in sorted(places)]
    return chosen.sample(ones, min(count, len(ones)))


def mutants_of(file: str) -> Iterator[Mutant]:
    """Yield every mutant of a file of the project that can run."""
    from cosmic_ray.commands.init import _all_work_items  # noqa: PLC0415 - has no public name

    types = never_run((ROOT / file).read_text("utf-8"))
    for item in _all_work_items([ROOT / file], {}):
        for one in item.mutations:
            if not any(start <= one.start_pos < end for start, end in types):
                line, column = one.start_pos
                yield Mutant(file, line, column, one.operator_name, one.occurrence)


def files_of(area: Area) -> list[str]:
    """Return the sources of an area, by their path in the project."""
    found: list[Path] = []
    for name in area.files:
        path = ROOT / name
        found += sorted(path.glob("*.py")) if path.is_dir() else [path]
    return [str(path.relative_to(ROOT)) for path in found if path.name != "__init__.py"]


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


def _work_in(copies: multiprocessing.Queue[str]) -> None:
    """Make one of the copies the place of this process and of the tests that it starts."""
    copy = copies.get()
    os.chdir(copy)
    os.environ["PYTHONPATH"] = copy
    os.environ.setdefault("CONSENT_SHARED", str(ROOT.parent / "shared"))


def commands_for(mutant: Mutant) -> list[list[str]]:
    """Return the runs of tests that a mutant has to pass to survive: its mirror, then the rest."""
    area = next(area for area in AREAS if mutant.file in files_of(area))
    pytest = [
        sys.executable,
        "-m",
        "pytest",
        "-q",
        "-x",
        "--no-header",
        "-p",
        "no:randomly",
        "-p",
        "no:cacheprovider",
    ]
    return [[*pytest, *area.mirror], [*pytest, *area.rest, *(f"--ignore={path}" for path in LONG)]]


def judge(mutant: Mutant) -> Outcome:
    """Write a mutant into the copy of this process, run its tests, and put the file back."""
    from cosmic_ray.mutating import use_mutation  # noqa: PLC0415 - an extra: only this command needs it
    from cosmic_ray.plugins import get_operator  # noqa: PLC0415

    with use_mutation(Path(mutant.file), get_operator(mutant.operator)(), mutant.occurrence) as (
        before,
        after,
    ):
        assert after is not None, mutant
        was, now = difference(before, after)
        killed = any(_fails(command) for command in commands_for(mutant))
    return Outcome(mutant, killed, was, now)


def unbroken(chosen: Iterable[Mutant]) -> str:
    """Return what the tests of these mutants say of the copy as it is: nothing where all pass."""
    for command in dict.fromkeys(tuple(command) for one in chosen for command in commands_for(one)):
        done = subprocess.run(command, capture_output=True, check=False, text=True)  # noqa: S603
        if done.returncode != 0:
            return f"{' '.join(command)}\n{done.stdout[-4000:]}"
    return ""


def _fails(command: Sequence[str]) -> bool:
    quiet = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        done = subprocess.run(command, env=quiet, capture_output=True, check=False, timeout=SLOWEST)  # noqa: S603
    except subprocess.TimeoutExpired:
        return True
    return done.returncode != 0


def difference(before: str, after: str) -> tuple[str, str]:
    """Return the lines in which two sources differ, without their indent: what was, what is."""
    was, now = before.splitlines(), after.splitlines()
    start = next(index for index, (a, b) in enumerate(zip(was, now, strict=False)) if a != b)
    end = next(index for index, (a, b) in enumerate(zip(was[::-1], now[::-1], strict=False)) if a != b)
    return (
        " ".join(line.strip() for line in was[start : len(was) - end]),
        " ".join(line.strip() for line in now[start : len(now) - end]),
    )


def reasons(path: Path = REASONS) -> list[Reason]:
    """Return the survivors that are known, each with its reason."""
    return [Reason(**one) for one in yaml.safe_load(path.read_text("utf-8")) or ()]


def report(outcomes: Sequence[Outcome], known: Sequence[Reason]) -> str:
    """Return what survived by area and line, with the reason where one is known, and the share of killed."""
    lines = []
    by_change = {(one.file, one.was, one.now): one.reason for one in known}
    for one in sorted(outcomes, key=lambda one: (one.mutant.file, one.mutant.line)):
        if not one.killed:
            why = by_change.get((one.mutant.file, one.was, one.now), "NO REASON IS KNOWN")
            lines += [f"{one.mutant.file}:{one.mutant.line}: {why}", f"  - {one.was}", f"  + {one.now}"]
    for area in AREAS:
        files = files_of(area)
        those = [one for one in outcomes if one.mutant.file in files]
        lines += [f"{area.name}: {sum(one.killed for one in those)} of {len(those)} killed"] * bool(those)
    killed = sum(one.killed for one in outcomes)
    lines.append(f"all: {killed} of {len(outcomes)} killed ({killed / max(len(outcomes), 1):.1%})")
    return "\n".join(lines)


def run(chosen: Sequence[Mutant], minutes: float, processes: int) -> list[Outcome]:
    """Judge mutants in so many processes, and stop handing them out after so many minutes."""
    folders = [copy_of_project(number) for number in range(processes)]
    copies: multiprocessing.Queue[str] = multiprocessing.Queue()
    for folder in folders:
        copies.put(str(folder))
    try:
        with ProcessPoolExecutor(processes, initializer=_work_in, initargs=(copies,)) as pool:
            return _judged(pool, chosen, time.monotonic() + minutes * 60)
    finally:
        for folder in folders:
            shutil.rmtree(folder.parent, ignore_errors=True)


def _judged(pool: ProcessPoolExecutor, chosen: Sequence[Mutant], until: float) -> list[Outcome]:
    """Hand mutants out until that moment, once the tests pass without any."""
    if failed := pool.submit(unbroken, chosen).result():
        raise SystemExit(f"the tests fail although nothing is broken:\n{failed}")
    outcomes: list[Outcome] = []
    waiting: set[Future[Outcome]] = {pool.submit(judge, mutant) for mutant in chosen}
    for done in as_completed(waiting):
        if done.cancelled():
            continue
        outcomes.append(one := done.result())
        print(  # noqa: T201
            f"{len(outcomes)}/{len(chosen)} {'killed' if one.killed else 'SURVIVED'} "
            f"{one.mutant.file}:{one.mutant.line} {one.now}",
            flush=True,
        )
        if time.monotonic() > until:
            for future in waiting:
                future.cancel()
    return outcomes


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sample, print its report, and return 1 where too few were killed."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutation", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--count", type=int, default=COUNT, help=f"how many mutants (default {COUNT})")
    parser.add_argument("--seed", type=int, default=SEED, help=f"which sample (default {SEED})")
    parser.add_argument("--minutes", type=float, default=MINUTES, help=f"at most so long (default {MINUTES})")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--area", choices=[area.name for area in AREAS], help="of one area only")
    options = parser.parse_args(arguments)
    areas = [area for area in AREAS if options.area in {None, area.name}]
    every = [one for area in areas for file in files_of(area) for one in mutants_of(file)]
    chosen = sample(every, options.count, options.seed)
    print(f"{len(chosen)} of {len(every)} mutants, seed {options.seed}", flush=True)  # noqa: T201
    outcomes = run(chosen, options.minutes, options.processes)
    print(report(outcomes, reasons()))  # noqa: T201
    return 0 if sum(one.killed for one in outcomes) >= MUST * max(len(outcomes), 1) else 1


if __name__ == "__main__":
    sys.exit(main())
