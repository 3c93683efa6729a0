"""What a judged start tag becomes, and what has to be known about it: plain data, kept in caches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from proxy.filter.verdict import Verdict

_NO_VALUES: Mapping[str, str] = {}


class Follow(Enum):
    """What the scanner does behind a start tag."""

    NOTHING = 0
    SCRIPT = 1  # a script that is decided: its text is skipped
    INLINE = 2  # a script to be judged by its text
    MAP = 3  # an import map
    SPECULATION = 4  # speculation rules
    STYLE = 5
    RAW_TEXT = 6  # title, textarea, xmp, iframe, noembed, noframes
    NOSCRIPT = 7
    PLAINTEXT = 8
    FOREIGN = 9  # svg, math


class Where(Enum):
    """Where a placeholder stands."""

    NOWHERE = 0
    BEFORE = 1
    INSIDE = 2


@dataclass(frozen=True, slots=True)
class TagFacts:
    """What a placeholder may need to know about the tag it stands for."""

    element: str
    link: str | None = None  # the provider's page a visitor can go to instead
    title: str = ""
    values: Mapping[str, str] = field(default_factory=lambda: _NO_VALUES)
    with_: str = "link"
    name: str = ""  # of the provider
    privacy: str | None = None  # the provider's privacy notice
    text: str = ""  # of an inline script
    relays: bool = False  # its rule says `do: relay`


@dataclass(slots=True)
class JudgedTag:
    """One start tag, judged; remembered, so nobody changes it.

    `out` is None where its bytes pass unchanged.
    """

    name: str
    follow: Follow = Follow.NOTHING
    out: bytes | None = None
    verdict: Verdict | None = None
    where: Where = Where.NOWHERE
    facts: TagFacts | None = None
    removes: bool = False
    values: Mapping[str, str] = field(default_factory=lambda: _NO_VALUES)
    also: tuple[Verdict, ...] = ()  # what was refused inside: styles, srcdoc

    swaps: bool = field(init=False)  # all there is to do is to write other bytes

    def __post_init__(self) -> None:
        plain = self.where is Where.NOWHERE and not self.removes and not self.also
        self.swaps = plain and self.out is not None and self.verdict is not None
