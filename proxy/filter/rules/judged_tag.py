"""A judged start tag: its verdict, the bytes to write, and how the text behind it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from proxy.filter.verdict import Verdict

_NO_VALUES: Mapping[str, str] = {}


class ContentModel(Enum):
    """How the scanner reads what follows a start tag."""

    NOTHING = 0
    SCRIPT = 1  # a script that is judged already: its text is skipped
    INLINE = 2  # a script to be judged by its text
    MAP = 3  # an import map
    SPECULATION = 4  # speculation rules
    STYLE = 5
    RAW_TEXT = 6  # title, textarea, xmp, iframe, noembed, noframes
    NOSCRIPT = 7
    PLAINTEXT = 8
    FOREIGN = 9  # svg, math


class PlaceholderPosition(Enum):
    """Where a placeholder is put."""

    NOWHERE = 0
    BEFORE = 1
    INSIDE = 2


@dataclass(frozen=True, slots=True)
class TagFacts:
    """What a placeholder needs to know about the tag it replaces."""

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
    """One start tag, judged; cached, so never changed.

    `out` is None where its bytes pass unchanged.
    """

    name: str
    content_model: ContentModel = ContentModel.NOTHING
    out: bytes | None = None
    verdict: Verdict | None = None
    position: PlaceholderPosition = PlaceholderPosition.NOWHERE
    facts: TagFacts | None = None
    removes: bool = False
    values: Mapping[str, str] = field(default_factory=lambda: _NO_VALUES)
    inner: tuple[Verdict, ...] = ()  # verdicts on its style and srcdoc

    only_rewritten: bool = field(init=False)  # writing `out` instead is all there is to do

    def __post_init__(self) -> None:
        plain = self.position is PlaceholderPosition.NOWHERE and not self.removes and not self.inner
        self.only_rewritten = plain and self.out is not None and self.verdict is not None
