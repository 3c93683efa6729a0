"""Sixty names of a site that no rule speaks of, in none of the other tests: whose each is, and how it comes."""

from __future__ import annotations

from typing import NamedTuple

from proxy.seen.names import Kind
from tests.shared import ROOT


class Planted(NamedTuple):
    kind: Kind
    name: str
    how: str
    element: str
    owner: str

    @property
    def setter(self) -> str:
        """The host whose script writes it."""
        return self.how.partition(" of ")[2]


def planted() -> list[Planted]:
    text = (ROOT / "tests" / "data" / "seen" / "planted.tsv").read_text("utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    return [Planted(Kind(kind), *rest) for kind, *rest in rows]
