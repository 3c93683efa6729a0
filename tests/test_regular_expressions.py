"""No regular expression of the tree can be made to try things twice (T41)."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import proxy
from proxy.filter.rules.judge import compile_rules
from proxy.policy.load import load_policy
from tests.regular_expressions import faults, retries
from tests.shared import ROOT

NAMES = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
ALLOWED = {
    row["pattern"]: row["why"]
    for row in yaml.safe_load((ROOT / "tests/data/regular-expressions.yaml").read_text())
}


def written() -> Iterator[tuple[str, re.Pattern]]:
    """Yield every pattern that stands in a call of `re`, with its place."""
    for path in sorted(Path(ROOT / "proxy").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            called = node.func if isinstance(node, ast.Call) else None
            if (
                not isinstance(called, ast.Attribute)
                or called.attr not in NAMES
                or ast.unparse(called.value) != "re"
            ):
                continue
            if isinstance(node.args[0], ast.Constant):
                flags = [
                    ast.unparse(part) for part in (*node.args[1:], *(key.value for key in node.keywords))
                ]
                flag = sum(
                    {getattr(re, name) for text in flags for name in re.findall(r"re\.([A-Z]+)", text)},
                    re.NOFLAG,
                )
                yield f"{path.relative_to(ROOT)}:{node.lineno}", re.compile(node.args[0].value, flag)


def held(thing: object, seen: set[int], depth: int = 0) -> Iterator[re.Pattern]:
    """Yield the patterns in a thing and in what it consists of."""
    if isinstance(thing, re.Pattern):
        yield thing
        return
    if depth > 5 or id(thing) in seen or isinstance(thing, str | bytes | int | type(re)):
        return
    seen.add(id(thing))
    inner: list[object] = []
    if isinstance(thing, dict):
        inner = [*thing.keys(), *thing.values()]
    elif isinstance(thing, tuple | list | set | frozenset):
        inner = list(thing)
    elif type(thing).__module__.startswith("proxy."):
        inner = [
            getattr(thing, name, None)
            for name in (*getattr(thing, "__dict__", ()), *getattr(thing, "__slots__", ()))
        ]
    elif type(thing).__name__ == "builtin_function_or_method":
        inner = [getattr(thing, "__self__", None)]  # the match of a pattern
    for part in inner:
        yield from held(part, seen, depth + 1)


def made() -> Iterator[tuple[str, re.Pattern]]:
    """Yield every pattern that modules put together, and that the shipped rules become."""
    seen: set[int] = set()
    for found in pkgutil.walk_packages(proxy.__path__, "proxy."):
        if found.name.endswith(("__main__", ".env")):  # they run
            continue
        module = importlib.import_module(found.name)
        for name, value in list(vars(module).items()):
            for pattern in held(value, seen):
                yield f"{found.name}.{name}", pattern
    from tests.banner.rendering import OWN

    rules = compile_rules(load_policy((ROOT / "rules.yaml").read_text()), OWN)
    for pattern in held(rules, seen):
        yield "rules.yaml", pattern


def every() -> dict[re.Pattern, str]:
    found: dict[re.Pattern, str] = {}
    for place, pattern in (*written(), *made()):
        found.setdefault(pattern, place)
    return found


SEARCHES = {"search", "findall", "finditer", "sub", "subn", "split"}


def searched() -> Iterator[tuple[str, re.Pattern]]:
    """Yield every pattern with a name that somebody searches with: it is tried at each place of a text."""
    for path in sorted(Path(ROOT / "proxy").rglob("*.py")):
        if path.name in ("__main__.py", "env.py"):
            continue
        module = importlib.import_module(
            ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        )
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in SEARCHES and isinstance(node.value, ast.Name):
                pattern = getattr(module, node.value.id, None)
                if isinstance(pattern, re.Pattern):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", pattern


def text_of(pattern: re.Pattern) -> str:
    return pattern.pattern.decode("latin-1") if isinstance(pattern.pattern, bytes) else pattern.pattern


def test_all_patterns_of_the_tree_are_looked_at():
    assert len(every()) > 250


def test_no_repeats_overlap_and_none_are_nested():
    bad = {
        place: (text_of(pattern), faults(pattern))
        for pattern, place in every().items()
        if text_of(pattern) not in ALLOWED
    }

    assert {place: found for place, found in bad.items() if found[1]} == {}


def test_no_search_tries_a_repeat_again_from_its_middle():
    """`[\\w$]+ =` over one long word: from each letter on to its end, and no blank behind it."""
    bad = {
        place: text_of(pattern)
        for pattern, place in {p: at for at, p in searched()}.items()
        if retries(pattern)
    }

    assert {place: text for place, text in bad.items() if text not in ALLOWED} == {}


def test_what_is_allowed_is_there_and_would_be_refused():
    known = {text_of(pattern): pattern for pattern in every()}

    assert set(ALLOWED) - set(known) == set()
    assert [text for text in ALLOWED if not (faults(known[text]) or retries(known[text]))] == []
    assert all(len(why) > 20 for why in ALLOWED.values())


@pytest.mark.parametrize(
    "bad", [r"(a+)+b", r"(?:ab|[a-c]c)*x", r"(?:\w+|-)*x", r"\s*\s*x", r"a*b?a*c", r"(?:[^;]*;?)*$", r"(x+x+)+y", r".*a.*b", r"(?>(a*)*b)", r"(?=(a*)*b)", r"\s*,?\s*x"]
)  # fmt: skip
def test_what_tries_twice_is_found(bad):
    assert faults(re.compile(bad))


@pytest.mark.parametrize(
    ("pattern", "found"),
    [(r"\w+=", True), (r"\s*+$", True), (r"(?<!\w)\w+=", False), (r"a\w+=", False), (r"\w++", False)],
)
def test_what_a_search_tries_again_is_found(pattern, found):
    assert retries(re.compile(pattern)) is found


@pytest.mark.parametrize(
    "good", [r"(?:\.\w+)*", r'"(?:[^"\\]|\\.)*"', r"\s*+\s*x", r"[^;]*;[^;]*", r"(a++)+b", r"(?:a*;)*", r"\w+\s*=\s*\w+", r"a{0,9}a{0,9}"]
)  # fmt: skip
def test_what_does_not_is_not(good):
    assert faults(re.compile(good)) == []
