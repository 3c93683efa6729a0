"""Stands in for modules while others are imported that name them and that nothing here makes use.

A server library brings its command line, its client and its pushing of figures: each imports more of
Python than a process that serves needs, and holds it for months.
"""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any


class Deferred:
    """A name of a module that is imported when something of it is read."""

    def __init__(self, module: str, name: str) -> None:
        self._of = module, name

    def __getattr__(self, attribute: str) -> Any:
        module, name = self._of
        return getattr(getattr(importlib.import_module(module), name), attribute)


def unused(*names: str) -> dict[str, Any]:
    """Return an empty class for each of these names."""
    return {name: type(name, (), {}) for name in names}


def stand_in(name: str, contents: Mapping[str, Any]) -> ModuleType:
    """Return a module of these contents; whoever reads another name of it gets that of the module itself."""
    module = ModuleType(name)
    module.__dict__.update(contents)

    def other(attribute: str) -> Any:
        if attribute.startswith("__"):  # what importing looks for
            raise AttributeError(attribute)
        del sys.modules[name]
        try:
            return getattr(importlib.import_module(name), attribute)
        finally:
            sys.modules[name] = module

    module.__dict__["__getattr__"] = other
    return module


@contextlib.contextmanager
def standing_in(modules: Mapping[str, Mapping[str, Any] | None]) -> Iterator[None]:
    """Have these modules stood in for, with those contents; None: they are not found.

    What was imported before stays, and what is imported afterwards is the module itself.
    """
    missing = {name: contents for name, contents in modules.items() if name not in sys.modules}
    for name, contents in missing.items():
        sys.modules[name] = None if contents is None else stand_in(name, contents)  # type: ignore[assignment] # how Python writes it
    try:
        yield
    finally:
        for name in missing:
            sys.modules.pop(name, None)
