"""When things happened in a state, as a drawing: a dot for each first sight, a line at the choice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.banner.markup import Markup, escape, joined

_WIDTH, _LEFT, _LANE = 1000, 90, 24
_LANES = (("cookies", "cookies", "name"), ("storage", "storage", "name"), ("hosts", "third parties", "host"))


def timeline(state: Mapping[str, Any]) -> Markup:
    """Return the drawing; nothing where nothing was seen."""
    ends = [one["first"]["after_ms"] for kind, _, _ in _LANES for one in state[kind]]
    if not ends:
        return Markup()
    end = max(*ends, 1_000)
    lanes = joined(
        _lane(state[kind], index, title, name, end) for index, (kind, title, name) in enumerate(_LANES)
    )
    choices = [
        one["first"]["after_ms"]
        for kind, _, _ in _LANES
        for one in state[kind]
        if one["first"]["after_choice"]
    ]
    choice = _choice(_x(min(choices), end)) if choices else Markup()
    foot = joined(_mark(end * part // 4, end) for part in range(5))
    label = 'role="img" aria-label="When each name was first seen"'
    return Markup(f'<svg viewBox="0 0 {_WIDTH} {_LANE * 3 + 20}" {label}>{lanes}{choice}{foot}</svg>')


def _choice(at: int) -> Markup:
    line = f'<line class="choice" x1="{at}" x2="{at}" y1="4" y2="{_LANE * 3}">'
    return Markup(f"{line}<title>after the choice</title></line>")


def _mark(moment: int, end: int) -> Markup:
    where = f'x="{_x(moment, end)}" y="{_LANE * 3 + 14}" text-anchor="middle"'
    return Markup(f"<text {where}>{moment / 1000:.1f} s</text>")


def _lane(rows: list[Mapping[str, Any]], index: int, title: str, name: str, end: int) -> Markup:
    y = _LANE * index + _LANE // 2
    dots = joined(_dot(one, y, name, end) for one in rows)
    line = f'<line x1="{_LEFT}" x2="{_WIDTH - 10}" y1="{y}" y2="{y}"/>'
    return Markup(f'<text x="0" y="{y + 4}">{title}</text>{line}{dots}')


def _dot(one: Mapping[str, Any], y: int, name: str, end: int) -> Markup:
    kind = one["status"] if one["status"] in ("violation", "doubt", "allowed") else "other"
    at = one["first"]["after_ms"]
    words = escape(f"{one[name]}: {one['status']}, after {at / 1000:.1f} s on {one['first']['page']}")
    return Markup(
        f'<circle class="dot-{kind}" cx="{_x(at, end)}" cy="{y}" r="5"><title>{words}</title></circle>'
    )


def _x(at: int, end: int) -> int:
    return _LEFT + 10 + round(at / end * (_WIDTH - _LEFT - 40))
