"""Patience: what browsers and servers do takes its time, and on a busy machine it takes long."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
MOST = 30.0
"""Seconds after which what did not come is not taken to come."""


def until(look: Callable[[], T], wanted: object = True, *, most: float = MOST) -> T:
    """Return what `look` finds once that is `wanted`; what it finds at last, where it never is.

    For what has to come. What must not come needs a fixed time of waiting.
    """
    end = time.monotonic() + most
    while (found := look()) != wanted and time.monotonic() < end:
        time.sleep(0.05)
    assert wanted is not True or not found or found == wanted, f"name what is wanted: {found!r} is never True"
    return found
