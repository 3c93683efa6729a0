"""The actions of a tag rule: the values of `do:` in rules.yaml.

A new one is added here, to VERDICTS in filter/rules/judge.py (the verdict it leads to), and
to filter/tags/start_tag.py (the edit of the tag).
"""

from __future__ import annotations

from enum import Enum


class Action(Enum):
    """What a tag rule does where its purposes are not all granted."""

    HOLD = "hold"  # make the element inert, keep its bytes
    REPLACE = "replace"  # make it inert, and put a placeholder in its place
    REMOVE = "remove"  # remove the start tag
    KEEP = "keep"  # let it pass for everybody, explicitly
    NEVER = "never"  # make it inert for everybody, whatever was granted: the banner of another consent tool
    RELAY = "relay"  # replace it, and offer a form that the proxy relays
