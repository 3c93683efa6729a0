"""The verdict on a tag, cookie, request or header, and the rule that made it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from proxy.problems import Place


class Does(Enum):
    """Everything a verdict can do. The values are the words of `tests:` in rules.yaml."""

    KEEP = "keep"
    HOLD = "hold"
    REPLACE = "replace"
    REMOVE = "remove"
    DROP = "drop"
    CAP = "cap"
    ANSWER = "answer 204"


@dataclass(slots=True, init=False, unsafe_hash=True)
class Verdict:
    """What is done, and by which rule; never changed.

    `because` is None where no rule applies (own files, nothing to judge). `needs` are the
    missing purposes; `provider` its id (of a platform or tracker of the catalogue, too), None for
    what is undeclared; `note` is for people. `presumed`: a cookie passes that no rule describes.
    `host` and `element` name what is loaded; two verdicts that differ in nothing else are equal.
    """

    does: Final[Does]
    because: Final[Place | None]
    provider: Final[str | None]
    needs: Final[tuple[str, ...]]
    note: Final[str]
    presumed: Final[bool]
    host: str = field(compare=False)  # of the third party that is loaded, and the element
    element: str = field(compare=False)

    # What a dataclass writes itself is interpreted in compiled code, too, and slower yet where it is frozen.
    def __init__(  # noqa: PLR0917 - its fields
        self,
        does: Does,
        because: Place | None = None,
        provider: str | None = None,
        needs: tuple[str, ...] = (),
        note: str = "",
        presumed: bool = False,
        host: str = "",
        element: str = "",
    ) -> None:
        self.does = does
        self.because = because
        self.provider = provider
        self.needs = needs
        self.note = note
        self.presumed = presumed
        self.host = host
        self.element = element

    @property
    def keeps(self) -> bool:
        """True when the bytes pass unchanged."""
        return self.does is Does.KEEP

    def noted(self, note: str, host: str, element: str) -> Verdict:
        """Return the same verdict on what that element loads from that host."""
        return Verdict(self.does, self.because, self.provider, self.needs, note, self.presumed, host, element)

    def __str__(self) -> str:
        words = f"{self.does.value} {self.note}" if self.does is Does.CAP else self.does.value
        return f"{words} ({self.because.rule})" if self.because else words


KEEP: Final = Verdict(Does.KEEP)
