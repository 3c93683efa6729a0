"""Make proxy/catalogue/data/calls.tsv of the catalogue's blocks: python -m tools.provider_calls.

A provider's functions are the words of its `text:` rules, its stand-ins, and what its snippets make
(`a=window.a||[]`), which stand among its tests.
"""

from __future__ import annotations

import re

from proxy.catalogue.provider_calls import CALLS, SHORT
from proxy.catalogue.shipped import providers
from proxy.policy.catalogue_schema import CatalogueShape
from proxy.policy.stand_ins import STAND_INS
from proxy.seen.call_names import of_stand_ins, of_words

_MADE = re.compile(r"\b([A-Za-z_$][\w$]*)=(?:window\.)?\1\|\|", re.ASCII)
_WORDS = re.compile(r"[\w$]+", re.ASCII)


def main() -> None:
    """Write the list."""
    CALLS.write_text(listed(), "utf-8")


def listed() -> str:
    """Return the list: a name and its provider a line; who has a name in a snippet goes before others."""
    in_snippets: dict[str, str] = {}
    named: dict[str, str] = {}
    for id_, shape in providers().items():
        snippets = "\n".join(text for test in shape.tests for text in test.html or () if "<script" in text)
        names = _of_shape(shape) | {name for name in _MADE.findall(snippets) if len(name) >= SHORT}
        words = set(_WORDS.findall(snippets))
        for name in names:
            (in_snippets if name in words else named).setdefault(name, id_)
    return "".join(f"{name}\t{id_}\n" for name, id_ in sorted((named | in_snippets).items()))


def _of_shape(shape: CatalogueShape) -> set[str]:
    names: set[str] = set()
    for tag in shape.tags:
        words = (*(tag.text.all or ()), *(tag.text.any or ())) if tag.text is not None else ()
        names |= of_words(words) | of_stand_ins(tag.from_ or ())
        names |= {name.partition(".")[0] for name in tag.stand_in or {} if name not in STAND_INS}
    return names


if __name__ == "__main__":
    main()
