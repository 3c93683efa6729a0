"""The fault that a reader of words raises, and how readers are written beside a type.

Whoever reads files has pydantic apply them; whoever only holds what was read - a process
that serves, for months - is spared its 13 MB: nothing here imports it before a file is read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import CoreSchema, PydanticCustomError


def fault(text: str) -> PydanticCustomError:
    """Return the error that says this after the path of the value."""
    from pydantic_core import PydanticCustomError  # noqa: PLC0415 - only where files are read

    return PydanticCustomError("fault", "{said}", {"said": text})


@dataclass(frozen=True, slots=True)
class Parsed:
    """Beside a type: this reads the word as it stands in the file, before the type is held to it."""

    reader: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - only where files are read

        return core_schema.no_info_before_validator_function(self.reader, handler(source))


@dataclass(frozen=True, slots=True)
class Checked:
    """Beside a type: this looks at the value that was read, and returns what is taken."""

    check: Callable[[Any], Any]

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], CoreSchema]) -> CoreSchema:
        from pydantic_core import core_schema  # noqa: PLC0415 - only where files are read

        return core_schema.no_info_after_validator_function(self.check, handler(source))
