"""The scanner sees what a browser sees; and the measure would notice if it did not."""

import gzip
import json
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.build_digest import build_kind
from proxy.filter.html import incomplete_markup, text_consumers
from proxy.filter.syntax import attributes, foreign_content, tokens
from tests.fidelity.__main__ import measure
from tests.fidelity.seeing import Measure
from tests.shared import shared

ROOT = Path(__file__).resolve().parents[2]

# Elements that parse5 8.1.1 creates and the scanner does not see. Older parsers ignore a <plaintext> inside a
# <select>; by today's rules it swallows the rest, as the scanner has it.
KNOWN = {f"tests18.dat#14@{cut}{kind}" for cut in (34, 46, 47) for kind in ("", "b")} | {
    "tests18.dat#15@52",
    "tests18.dat#15@52b",
}


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> tuple[Path, Path]:
    suite = shared("suites", "html")
    folder = tmp_path_factory.mktemp("fidelity")
    (folder / "html5lib-tests").symlink_to(suite / "html5lib-tests")
    subprocess.run(
        [sys.executable, suite / "corpus.py"], cwd=folder, check=True, capture_output=True, timeout=100
    )
    return folder / "corpus.jsonl", suite / "oracle.jsonl.gz"


def check(counts, known=KNOWN):
    assert counts.not_identical == []
    assert counts.raised == []
    assert counts.split == []
    assert set(counts.missed_on) <= known
    assert set(counts.missed_off) <= known


def test_a_twentieth_of_the_corpus_is_seen_as_a_browser_sees_it(corpus):
    check(measure(*corpus, sample=20, offset=random.randrange(20)))


@pytest.mark.load
@pytest.mark.timeout(900)
def test_the_whole_corpus_is_seen_as_a_browser_sees_it(corpus):
    counts = measure(*corpus)

    check(counts)
    assert counts.documents == 71_215


interpreted = pytest.mark.skipif(
    build_kind() == "compiled",
    reason="these break functions and constants, which compiled code calls directly",
)


def without_end_bang(monkeypatch):
    weak = rb"!--(?:-?>|(?!-?>)[^-]*+(?:-(?!->)[^-]*+)*+-->)"
    monkeypatch.setattr(tokens, "EVERY", tokens.step((weak, tokens.BOGUS, tokens.TEXT), tokens.ANY_TAG))
    before = tokens.BEFORE_HEAD.pattern.replace(tokens.COMMENT, weak)
    monkeypatch.setattr(tokens, "BEFORE_HEAD", re.compile(before))
    monkeypatch.setattr(incomplete_markup, "COMMENT", incomplete_markup.MarkupEnd(re.compile(rb"-->"), 4, 2))


def without_foreign(monkeypatch):
    monkeypatch.setattr(foreign_content.Foreign, "start", lambda *_: True)
    monkeypatch.setattr(foreign_content.Foreign, "end", lambda *_: None)


def without_breakout(monkeypatch):
    monkeypatch.setattr(foreign_content, "_BREAKOUT", frozenset())


def without_integration_points(monkeypatch):
    monkeypatch.setattr(foreign_content, "_SVG_POINTS", frozenset())
    monkeypatch.setattr(foreign_content, "_MATH_POINTS", frozenset())


def without_script_escapes(monkeypatch):
    plain = text_consumers._STATES[0]
    monkeypatch.setattr(text_consumers, "_STATES", (re.compile(plain.pattern.replace(b"|!--", b"")),) * 3)


def without_references(monkeypatch):
    monkeypatch.setattr(attributes, "resolved", lambda text, _entities=None: text)


def with_the_last_attribute(monkeypatch):
    def last(raw):
        text = raw.decode("utf-8", "surrogateescape")
        found = attributes._NAME_VALUE.findall(text, 1 + len(attributes.tag_name(raw)))
        return {name.lower(): attributes.resolved(a or b or c) for name, a, b, c in found}

    monkeypatch.setattr("tests.fidelity.seeing.values", last)


def with_opaque_noscript(monkeypatch):
    monkeypatch.setattr(
        "proxy.filter.html.scanner.HtmlFilter._noscript", lambda _self: text_consumers.UNJUDGED
    )


def with_short_comment_tail(monkeypatch):
    monkeypatch.setattr(
        incomplete_markup, "COMMENT", incomplete_markup.MarkupEnd(re.compile(rb"--!?>"), 4, 1)
    )


def with_short_raw_tail(monkeypatch):
    find = text_consumers.RawEnd.find

    def hasty(self, text, at):
        end = find(self, text, at)
        self.at = max(self.at, len(text) - 2)
        return end

    monkeypatch.setattr(text_consumers.RawEnd, "find", hasty)


def with_comment_begun_too_early(monkeypatch):
    opened = incomplete_markup.construct_at
    monkeypatch.setattr(
        "proxy.filter.html.stream.incomplete_markup.construct_at",
        lambda head, **kind: (
            (incomplete_markup.Construct.PASSES, incomplete_markup.COMMENT)
            if head.startswith(b"<!--")
            else opened(head, **kind)
        ),
    )


MUTANTS = [
    without_end_bang,
    without_foreign,
    without_breakout,
    without_integration_points,
    without_script_escapes,
    without_references,
    with_the_last_attribute,
    with_opaque_noscript,
]

ONLY_CUTS_TELL = [with_short_comment_tail, with_short_raw_tail, with_comment_begun_too_early]


@pytest.fixture(scope="session")
def telling(corpus, tmp_path_factory) -> tuple[Path, Path]:
    """Return a small corpus: of every kind of construct some documents, all of the tree tests among them."""
    folder = tmp_path_factory.mktemp("telling")
    rows = []
    with corpus[0].open(encoding="utf-8") as texts, gzip.open(corpus[1], "rt", encoding="utf-8") as answers:
        for number, (text, answer) in enumerate(zip(texts, answers, strict=True)):
            group = json.loads(text)["g"]
            if group == "tree" or "--!" in text or (group != "tok" and number % 40 == 0):
                rows.append((text, answer))
    (folder / "corpus.jsonl").write_text("".join(text for text, _ in rows), encoding="utf-8")
    with gzip.open(folder / "oracle.jsonl.gz", "wt", encoding="utf-8") as out:
        out.write("".join(answer for _, answer in rows))
    return folder / "corpus.jsonl", folder / "oracle.jsonl.gz"


@pytest.fixture(scope="session")
def healthy(telling) -> tuple:
    return summary(measure(*telling, splits=False))


def summary(counts) -> tuple:
    wrong = (counts.missed_on, counts.missed_off, counts.not_identical, counts.raised, counts.split)
    return (*map(len, wrong), counts.phantom)


@interpreted
@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_broken_scanner_is_noticed(mutant, telling, healthy, monkeypatch):
    mutant(monkeypatch)

    assert summary(measure(*telling, splits=False)) != healthy


def cut_everywhere() -> list[str]:
    """Return which of our own documents show where they were cut."""
    run = Measure()
    for line in (ROOT / "tests" / "data" / "html" / "cuts.txt").read_text().splitlines():
        run.splits(line, line[:40], every=1)
    assert run.counts.raised == []
    return run.counts.split


def test_our_own_documents_do_not_show_where_they_are_cut():
    assert cut_everywhere() == []


@interpreted
@pytest.mark.parametrize("mutant", ONLY_CUTS_TELL, ids=lambda mutant: mutant.__name__)
def test_a_scanner_that_is_broken_at_cuts_is_noticed(mutant, monkeypatch):
    mutant(monkeypatch)

    assert cut_everywhere()
