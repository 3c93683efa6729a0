"""Which tests a mutant has to pass: those that run its line, as measured once on unbroken code."""

import ast
from collections import defaultdict
from collections.abc import Mapping

from tools.mutation.areas import own_tests
from tools.mutation.worker import Measured

SLOW = 10
"""Seconds: a test that takes longer is not run on mutants."""
ENOUGH = 20
"""Seconds of tests that a mutant has to pass to survive, as they took on unbroken code."""


def lines_run_with(source: str, line: int) -> tuple[set[int], bool]:
    """Return the lines whose tests could notice a change in that line, and whether it runs at import.

    Inside a function these are those of its statement; of what runs at import, those that use what it names.
    """
    tree = ast.parse(source)
    inside = [
        node for node in ast.walk(tree) if isinstance(node, ast.stmt) and _first(node) <= line <= _last(node)
    ]
    inside.sort(key=lambda node: (_first(node), -_last(node)))
    functions = [node for node in inside if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    if functions and line >= functions[0].body[0].lineno:
        statement = inside[-1]
        body = getattr(statement, "body", None)
        end = body[0].lineno - 1 if body else _last(statement)
        return set(range(_first(statement), max(end, line) + 1)), False
    if functions:
        return set(range(functions[0].body[0].lineno, _last(functions[0]) + 1)), True
    names = {node.id for node in ast.walk(inside[-1]) if isinstance(node, ast.Name)} if inside else set()
    return {
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and node.id in names)
        or (isinstance(node, ast.Attribute) and node.attr in names)
    }, True


def _first(node: ast.stmt) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(one.lineno for one in decorators)])


def _last(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def chosen_tests(
    file: str, lines: set[int], tests: Mapping[str, Measured], *, at_import: bool = False
) -> list[str]:
    """Return the tests that run one of these lines, those of the file's own first, then the quick ones.

    All of its own where no test runs them, or the change is one of what runs at import. All together take no
    longer than ENOUGH.
    """
    mask = sum(1 << line for line in lines)
    own = own_tests(file)
    chosen = {name for name, one in tests.items() if one.lines.get(file, 0) & mask and one.seconds <= SLOW}
    if at_import or not chosen:
        chosen |= {name for name in tests if name.startswith(f"{own}::")}
    by_file: dict[str, list[str]] = defaultdict(list)
    for name in sorted(chosen, key=lambda name: tests[name].seconds):
        by_file[name.split("::", 1)[0]].append(name)

    def order(path: str) -> tuple[bool, float]:
        return path != own, sum(tests[name].seconds for name in by_file[path]) / len(by_file[path])

    left, found = float(ENOUGH), []
    for name in (name for path in sorted(by_file, key=order) for name in by_file[path]):
        if tests[name].seconds <= left:
            left -= tests[name].seconds
            found.append(name)
    return found
