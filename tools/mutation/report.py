"""What is said of the mutants that were tried: each survivor by its line, with its reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from tools.mutation.areas import AREAS, ROOT, files_of
from tools.mutation.mutants import Mutant

REASONS = ROOT / "tests" / "data" / "mutation" / "survivors.yaml"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the tests said of a mutant: the line before and after, and the test that failed."""

    mutant: Mutant
    killed: bool
    was: str
    now: str
    by: str = ""
    hung: bool = False


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a survivor changes nothing that a test could see."""

    file: str
    was: str
    now: str
    reason: str


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
    hung = sum(one.hung for one in outcomes)
    lines.append(
        f"all: {killed} of {len(outcomes)} killed ({killed / max(len(outcomes), 1):.1%}), {hung} by time"
    )
    return "\n".join(lines)
