"""Print how far the scanner agrees with the oracle on a corpus."""

import argparse
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.fidelity.seeing import Counts, Measure


def documents(corpus: Path, oracle: Path) -> Iterator[tuple[str, str, str, list]]:
    """Yield (text, group, source, oracle's elements) of every document."""
    with corpus.open(encoding="utf-8") as texts, gzip.open(oracle, "rt", encoding="utf-8") as lists:
        for line, answer in zip(texts, lists, strict=True):
            document = json.loads(line)
            yield document["d"], document["g"], document["s"], json.loads(answer)


def measure(corpus: Path, oracle: Path, *, sample: int = 1, offset: int = 0, splits: bool = True) -> Counts:
    """Return the counts over every `sample`-th document."""
    run = Measure()
    for number, (text, group, source, answer) in enumerate(documents(corpus, oracle)):
        if number % sample != offset % sample:
            continue
        run.document(text, source, answer)
        planted = group.startswith("plant")
        if splits and not planted:
            run.splits(text, source, 1 if len(text) < 400 else 5)
        elif splits and number // sample % 10 == 0:
            run.splits(text, source, 5)
    return run.counts


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fidelity", description=__doc__)
    parser.add_argument("corpus", type=Path, help="CORPUS.jsonl: one document a line")
    parser.add_argument(
        "oracle", type=Path, help="ORACLE.jsonl.gz: the elements of each, scripting on and off"
    )
    parser.add_argument("--sample", type=int, default=1, help="look at every Nth document only")
    parser.add_argument("--no-splits", action="store_true", help="leave the cuts out")
    given = parser.parse_args()
    counts = measure(given.corpus, given.oracle, sample=given.sample, splits=not given.no_splits)
    print(counts)
    for name in ("missed_on", "missed_off", "not_identical", "raised", "split"):
        for source in getattr(counts, name)[:40]:
            print(f"  {name}: {source}")
    return 1 if counts.not_identical or counts.raised or counts.split else 0


if __name__ == "__main__":
    sys.exit(main())
