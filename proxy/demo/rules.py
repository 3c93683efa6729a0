"""The demo's rules: the shipped rules.yaml, and what its authors may add one day.

The demo shows one provider of the purpose `social` (an embedded player), which the
published policy announces and CALLKOM's own rules do not need yet.
"""

from __future__ import annotations

from importlib.resources import files

PURPOSES = "  performance: { basis: consent }\n"
PROVIDERS = "\nproviders:\n"
SOCIAL = "  social:      { basis: consent }               # the demo's: players and share buttons\n"


def demo_rules(shipped: str) -> str:
    """Return the text of the demo's rules.yaml, made from the shipped one.

    Raises ValueError where the shipped file no longer has the two lines this builds on.
    """
    text = shipped
    player = files("proxy.demo").joinpath("social.yaml").read_text(encoding="utf-8")
    for anchor, added in ((PURPOSES, SOCIAL), (PROVIDERS, f"\n{player}")):
        if text.count(anchor) != 1:
            raise ValueError(f"rules.yaml has {text.count(anchor)} lines {anchor.strip()!r}, not one")
        text = text.replace(anchor, anchor + added)
    return text
