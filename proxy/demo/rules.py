"""The demo's rules: the shipped rules.yaml, and what its authors may add one day.

The demo shows providers of the purpose `social` (players, posts, share buttons), which the
published policy announces and CALLKOM's own rules do not need yet, and maps, both as the
catalogue has them; and HubSpot's forms through the relay, which the shipped rules hold in a
comment until its owner decides.
"""

from __future__ import annotations

import re

PURPOSES = "  performance: { basis: consent }\n"
PROVIDERS = "\nproviders:\n"
SOCIAL = "  social:      { basis: consent }               # the demo's: players, posts, share buttons\n"
USE = "\nuse: [youtube, vimeo, x, instagram, facebook, google-maps, openstreetmap]   # of the catalogue\n"
RELAYED = (
    "      - { class: [hs-form-frame, hs-form-html], purpose: functional, do: replace }\n",
    "      - { text: hbspt.forms.create, purpose: functional, do: replace }\n",
)
_RELAY = re.compile(r"    # relay:\n(?:    #   .*\n)+")


def demo_rules(shipped: str) -> str:
    """Return the text of the demo's rules.yaml, made from the shipped one.

    Raises ValueError where the shipped file no longer has the lines this builds on.
    """
    changes = [(PURPOSES, PURPOSES + SOCIAL), (PROVIDERS, USE + PROVIDERS)]
    changes += [(line, line.replace("do: replace", "do: relay")) for line in RELAYED]
    changes += [(block, re.sub(r"(?m)^    # ", "    ", block)) for block in _RELAY.findall(shipped)]
    if len(changes) != 5:
        raise ValueError("rules.yaml has not one commented block 'relay:', which the demo switches on")
    text = shipped
    for anchor, changed in changes:
        if text.count(anchor) != 1:
            raise ValueError(f"rules.yaml has {text.count(anchor)} lines {anchor.strip()!r}, not one")
        text = text.replace(anchor, changed)
    return text
