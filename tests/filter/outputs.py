"""Print a digest of what the filter makes of each page, visitor and cut: `python outputs.py pure|any`.

With `pure` Python loads the source of every module of the product, also where a compiled one lies
beside it. Run in a process of its own.
"""

import hashlib
import json
import sys
from collections.abc import Iterator
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader


class SourceFinder:
    """Finds the source of the product's modules."""

    def find_spec(self, name, path=None, _target=None):
        if not name.startswith("proxy.") or not path:
            return None
        return FileFinder(path[0], (SourceFileLoader, SOURCE_SUFFIXES)).find_spec(name)


STATES = ((), ("functional",), ("performance",), ("functional", "performance"))
PIECES = (0, 16_384, 1_447, 7)
"""Sizes of the pieces; 0: in one. The smallest for pages of at most SMALL bytes."""
SMALL = 20_000


def judges() -> Iterator[tuple]:
    """Yield (state, judge) for the rules of the tests, and for the shipped ones."""
    from pathlib import Path

    from proxy.filter.rules.judge import compile_rules, judge_for
    from proxy.policy.load import load_policy
    from proxy.policy.own_hosts import OwnHosts
    from proxy.policy.scope import scope_of
    from tests.filter.pages import RULES

    shipped = (Path(__file__).parents[2] / "rules.yaml").read_text(encoding="utf-8")
    hosts = {RULES: {"own.example"}, shipped: {"callkom.io", "app.callkom.io", "eggs.ca"}}
    for text, own in hosts.items():
        rules = compile_rules(load_policy(text), OwnHosts(frozenset(own), min(own)))
        for state in STATES:
            yield state, judge_for(rules, scope_of(rules.policy).granted(state))


def pages() -> list[bytes]:
    """Return the pages of the corpus beside the clone, our own odd documents, and hostile ones."""
    from pathlib import Path

    from tests.filter.hostile import HOSTILE
    from tests.shared import SHARED

    data = Path(__file__).parents[1] / "data"
    found = [path.read_bytes() for path in sorted((SHARED / "corpus" / "pages").glob("*"))]
    found += [path.read_bytes() for path in sorted((data / "documents").rglob("*")) if path.is_file()]
    found += (data / "html" / "cuts.txt").read_bytes().splitlines()
    return found + [make(3_000) for make in HOSTILE.values()]


def digests() -> list[list[str]]:
    """Return for each page one digest a rule set, state and size of pieces: bytes and verdicts."""
    from proxy.errors import Unreadable
    from proxy.filter.html.scanner import HtmlFilter
    from tests.filter.pages import Marks

    given, found = list(judges()), []
    for page in pages():
        row = []
        for _, judge in given:
            for size in PIECES if len(page) <= SMALL else PIECES[:-1]:
                run = HtmlFilter(judge, inject=Marks())
                digest = hashlib.blake2b(digest_size=8)
                try:
                    for at in range(0, len(page), size or len(page) or 1):
                        digest.update(run.feed(page[at : at + (size or len(page))]))
                    digest.update(run.close())
                except Unreadable as error:
                    digest.update(repr(error).encode())
                digest.update(repr(run.verdicts).encode())
                row.append(digest.hexdigest())
        found.append(row)
    return found


if __name__ == "__main__":
    if sys.argv[1] == "pure":
        sys.meta_path.insert(0, SourceFinder())
    from proxy.filter.html import scanner

    kind = "pure Python" if scanner.__file__.endswith(".py") else "compiled"
    print(json.dumps({"kind": kind, "digests": digests()}))
