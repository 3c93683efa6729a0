"""What other consent tools store, from tests/data/consent-tools.yaml, as readers get it."""

from calendar import timegm
from pathlib import Path
from time import strptime

import yaml

from proxy.consent.tools.tool_answer import Silence, ToolAnswer

FILE = Path(__file__).resolve().parents[1] / "data" / "consent-tools.yaml"
TABLE = yaml.load(FILE.read_text(), yaml.BaseLoader)
KINDS = ("accept", "refuse", "custom", "expired", "garbage", "forged", "open")


def seconds(text: str) -> int:
    return timegm(strptime(text, "%Y-%m-%dT%H:%M:%SZ"))


NOW = seconds("2026-11-30T12:00:00Z")


def now_of(case) -> int:
    return seconds(case["now"]) if "now" in case else NOW


def expected(case) -> ToolAnswer | Silence:
    """Return how a case has to be read."""
    if "silent" in case:
        return Silence(case["silent"])
    return ToolAnswer(
        frozenset(case["granted"]),
        frozenset(case["refused"]) if "refused" in case else None,
        seconds(case["at"]) if "at" in case else None,
        frozenset(case.get("unclear", ())),
        frozenset(case.get("exceptions", ())),
    )


def cases(*kinds: str, now: str = ""):
    """Return (tool, case) of these kinds, with a name for each; with `now`, those of today."""
    found = [
        (tool, case)
        for tool, one in TABLE.items()
        for case in one["cases"]
        if case["kind"] in kinds and not (now and "now" in case)
    ]
    return {
        "argvalues": found,
        "ids": [f"{tool}: {case['kind']} {case.get('it', '')}".strip() for tool, case in found],
    }
