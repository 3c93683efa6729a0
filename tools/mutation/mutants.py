"""The mutants: what Cosmic Ray makes of a file, and a sample of them that can be had again.

Types and other text that never runs is not broken; of the mutants of one expression one is taken.
"""

import ast
import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from tools.mutation.areas import ROOT
from tools.mutation.worker import compiled


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of one expression, by Cosmic Ray's name of the operator and its count in the file."""

    file: str
    line: int
    column: int
    operator: str
    occurrence: int
    text: str = ""
    """The line as it is: what is sampled stays the same when lines are added elsewhere."""


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
    """Return so many mutants, the same for a seed: of each expression one at most, each expression as likely.

    So a long file has more of them than a short one, and an edit changes the sample only where it was made.
    """
    places: dict[tuple[str, int, int], list[Mutant]] = defaultdict(list)
    for one in mutants:
        places[one.file, one.line, one.column].append(one)
    alike: dict[tuple[str, str, int], int] = defaultdict(int)
    ones = []
    for place in sorted(places):
        file, _, column = place
        text = places[place][0].text
        alike[file, text, column] += 1
        name = f"{seed} {file} {text} {column} {alike[file, text, column]}"
        ones.append((_chance(name), _one_of(places[place], name)))
    return [one for _, one in sorted(ones, key=lambda pair: pair[0])[:count]]


def _one_of(mutants: Sequence[Mutant], name: str) -> Mutant:
    first = {one.operator: one.occurrence for one in reversed(mutants)}
    return min(
        mutants, key=lambda one: _chance(f"{name} {one.operator} {one.occurrence - first[one.operator]}")
    )


def _chance(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def mutants_of(file: str) -> Iterator[Mutant]:
    """Yield every mutant of a file of the project that can run."""
    from cosmic_ray.commands.init import _all_work_items  # noqa: PLC0415 - has no public name

    source = (ROOT / file).read_text("utf-8")
    types, lines = never_run(source), source.splitlines()
    for item in _all_work_items([ROOT / file], {}):
        for one in item.mutations:
            if not any(start <= one.start_pos < end for start, end in types):
                line, column = one.start_pos
                yield Mutant(file, line, column, one.operator_name, one.occurrence, lines[line - 1].strip())


def broken(mutant: Mutant) -> tuple[str, str] | None:
    """Return the source before and after: None where the change makes it no Python."""
    from cosmic_ray.mutating import mutate_code  # noqa: PLC0415 - an extra: only this command needs it
    from cosmic_ray.plugins import get_operator  # noqa: PLC0415

    before = (ROOT / mutant.file).read_text("utf-8")
    after = mutate_code(before, get_operator(mutant.operator)(), mutant.occurrence)
    try:
        compiled(after, mutant.file)
    except SyntaxError:
        return None
    return before, after


def difference(before: str, after: str) -> tuple[str, str]:
    """Return the lines in which two sources differ, without their indent: what was, what is."""
    was, now = before.splitlines(), after.splitlines()
    start = next(index for index, (a, b) in enumerate(zip(was, now, strict=False)) if a != b)
    end = next(index for index, (a, b) in enumerate(zip(was[::-1], now[::-1], strict=False)) if a != b)
    return (
        " ".join(line.strip() for line in was[start : len(was) - end]),
        " ".join(line.strip() for line in now[start : len(now) - end]),
    )
