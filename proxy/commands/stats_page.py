"""`records stats --html`: the figures as one page, with plots, that needs no script and loads nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from proxy.banner.markup import Markup, escape, joined
from proxy.records.days import Key
from proxy.records.figures import By, Figures, PurposeFigures, day_name, figures, kinds, purposes

_WIDTH, _HEIGHT = 720, 200
_MOST_BARS = 92
_WIDEST_BAR = 48

_SERIES = (("accepted", "a"), ("custom", "c"), ("refused", "r"), ("withdrawn", "w"))
"""What a bar is made of, from the bottom up, and the class of each part."""

_COLUMNS = (
    ("shown", "shown"),
    ("asked_again", "asked again"),
    ("gpc", "GPC"),
    ("answered", "answered"),
    ("accepted", "accepted"),
    ("refused", "refused"),
    ("custom", "custom"),
    ("withdrawn", "withdrawn"),
)

_STYLE = """
:root{color-scheme:light dark;--ink:#1b2530;--mute:#4b5766;--bg:#fff;--page:#f5f7f9;--line:#d3d9e1;
  --a:#1f6f5c;--c:#7fa8d9;--r:#b4690e;--w:#8a3a62}
@media(prefers-color-scheme:dark){:root{--ink:#e9edf2;--mute:#b6c0cc;--bg:#1b212a;--page:#12171e;--line:#3b4654;
  --a:#5cc2a5;--c:#8ab4f0;--r:#e0a04c;--w:#d987b2}}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
main{max-width:960px;margin:0 auto;padding:32px 16px 64px}
h1{font-size:1.6em;line-height:1.25;font-weight:650;margin:0 0 4px}
h2{font-size:1.0667em;font-weight:650;margin:0 0 8px}
p,ul,figcaption{color:var(--mute);margin:0}
b{color:var(--ink);font-weight:600}
section,.tiles p{background:var(--bg);border:1px solid var(--line);border-radius:12px}
section{padding:16px 20px;margin:16px 0 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(200px,1fr));gap:12px;margin:16px 0 0}
.tiles p{margin:0;padding:12px 16px}
.tiles b{display:block;font-size:1.5em;line-height:1.2;font-variant-numeric:tabular-nums}
figure{margin:0}
svg{display:block;width:100%;height:200px;border-block:1px solid var(--line)}
figcaption{display:flex;justify-content:space-between;margin:4px 0 0}
figcaption :only-child{margin:auto}
.a{fill:var(--a);background:var(--a)}.c{fill:var(--c);background:var(--c)}
.r{fill:var(--r);background:var(--r)}.w{fill:var(--w);background:var(--w)}
ul{display:flex;flex-wrap:wrap;gap:4px 20px;list-style:none;margin:12px 0 0;padding:0}
li i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-inline-end:8px}
.bar{height:12px;border-radius:6px;background:var(--line);overflow:hidden;margin:2px 0 12px}
.bar i{display:block;height:100%}
summary{cursor:pointer}
.t{overflow-x:auto;margin:12px 0 0}
table{border-collapse:collapse;width:100%;font-size:.9333em;font-variant-numeric:tabular-nums}
td,th{padding:6px 0 6px 16px;border-top:1px solid var(--line);white-space:nowrap;font-weight:400}
:is(td,th):not(:first-child){text-align:end}
:is(td,th):first-child{padding-left:0;font-weight:600;text-align:start}
thead th{color:var(--mute);border:0}
@media(max-width:480px){.tiles{grid-template-columns:1fr 1fr}}
"""


def stats_page(numbers: Mapping[Key, int], *, name: str, period: str, by: By | None = None) -> str:
    """Return the whole page; `by` puts that table first and open."""
    total = figures(numbers).get("", Figures())
    tables = sorted(_tables(numbers), key=lambda table: table[0] is not by)
    content = [
        _markup("<p>{}</p>", f"{name} \u00b7 {period}"),
        _tiles(total),
        _section("Answers", joined([_bars(numbers), _legend()])),
        _section("What was granted", _shares(purposes(numbers))),
        *(_details(kind, table, is_open=kind is by) for kind, table in tables),
        _section("How to read this", _NOTES),
    ]
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"/>'
        '<meta name="viewport" content="width=device-width,initial-scale=1"/>'
        f"<title>Consent in figures</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>Consent in figures</h1>{joined(content)}</main></body></html>\n"
    )


_NOTES = Markup(
    "<p>Shown, asked again and GPC count pages: one visitor may have seen several. GPC: the browser sent "
    "Global Privacy Control and nobody had answered, so nothing was asked. The others count choices. "
    "Custom: saved purpose by purpose, or allowed on a placeholder. Withdrawn: something granted was taken "
    "back and nothing new granted. Records that are purged or erased go on counting, as numbers of a day.</p>"
)


def _markup(form: str, *values: object) -> Markup:
    return Markup(form.format(*(escape(value) for value in values)))


def _section(title: str, inner: Markup) -> Markup:
    return _markup("<section><h2>{}</h2>{}</section>", title, inner)


def _details(by: By, table: Markup, *, is_open: bool) -> Markup:
    state = Markup(' open="open"') if is_open else Markup()
    return _markup(
        '<section><details{}><summary><b>By {}</b></summary><div class="t">{}</div></details></section>',
        state,
        by.value,
        table,
    )


def _tiles(total: Figures) -> Markup:
    def share(count: int) -> str:
        return f" \u00b7 {count / total.answered:.0%}" if total.answered else ""

    tiles = (
        (f"{total.answered:,}", "answered"),
        (f"{total.accepted:,}", f"accepted{share(total.accepted)}"),
        (f"{total.refused:,}", f"refused{share(total.refused)}"),
        (f"{total.custom:,}", f"custom{share(total.custom)}"),
        (f"{total.withdrawn:,}", f"withdrawn{share(total.withdrawn)}"),
        (f"{total.shown:,}", "pages with the banner"),
        (f"{total.asked_again:,}", "of them asked again"),
        (f"{total.gpc:,}", "pages with GPC"),
    )
    return _markup(
        '<div class="tiles">{}</div>', joined(_markup("<p><b>{}</b>{}</p>", *tile) for tile in tiles)
    )


def _bars(numbers: Mapping[Key, int]) -> Markup:
    """Return the answers as stacked bars: a day each, or as many days as keep them apart."""
    found = {key[0] for key in numbers}
    if not found:
        return Markup("<p>Nothing was answered.</p>")
    first, last = min(found), max(found)
    step = -(-(last - first + 1) // _MOST_BARS)
    bars = [Figures() for _ in range((last - first) // step + 1)]
    for (day, _, _, measure, purpose), count in numbers.items():
        if not purpose:
            bars[(day - first) // step].count(measure, count)
    top = max(1, *(one.answered for one in bars))
    width = _WIDTH / len(bars)
    parts = [_bar(one, day_name(first + i * step), i * width, width, top) for i, one in enumerate(bars)]
    label = f"Answers from {day_name(first)} to {day_name(last)}, at most {top:,} in {_days(step)}"
    svg = _markup(
        '<svg viewBox="0 0 {} {}" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>',
        _WIDTH,
        _HEIGHT,
        label,
        joined(parts),
    )
    return _markup(
        "<figure><p>up to {} in {}</p>{}<figcaption>{}</figcaption></figure>",
        f"{top:,}",
        _days(step),
        svg,
        joined(_markup("<span>{}</span>", day_name(day)) for day in dict.fromkeys((first, last))),
    )


def _days(step: int) -> str:
    return "a day" if step == 1 else f"{step} days"


def _bar(one: Figures, day: str, x: float, width: float, top: int) -> Markup:
    y, wide = float(_HEIGHT), min(width * 0.8, _WIDEST_BAR)
    parts = []
    for name, kind in _SERIES:
        high = getattr(one, name) * _HEIGHT / top
        if high:
            y -= high
            place = f'x="{x + (width - wide) / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"'
            parts.append(Markup(f'<rect class="{kind}" {place}/>'))
    title = ", ".join(f"{getattr(one, name)} {name}" for name, _ in _SERIES)
    return _markup("<g><title>{}: {}</title>{}</g>", day, title, joined(parts))


def _legend() -> Markup:
    return _markup(
        "<ul>{}</ul>",
        joined(_markup('<li><i class="{1}"></i>{0}</li>', name, kind) for name, kind in _SERIES),
    )


def _shares(found: Mapping[str, PurposeFigures]) -> Markup:
    """Return one bar per purpose: which part of the choices granted it."""
    if not found:
        return Markup("<p>No purpose was answered.</p>")
    return joined(
        _markup(
            "<p><b>{}</b>: granted by {} of {} choices; withdrawn {}</p>"
            '<div class="bar"><i class="a" {}></i></div>',
            purpose,
            f"{one.share or 0:.0%}",
            f"{one.granted + one.refused:,}",
            f"{one.withdrawn:,}",
            Markup(f'style="width:{(one.share or 0) * 100:.1f}%"'),
        )
        for purpose, one in found.items()
    )


def _tables(numbers: Mapping[Key, int]) -> Iterable[tuple[By, Markup]]:
    for by in (By.DAY, By.SITE, By.LANGUAGE):
        lines = [
            [name or "not told", *(f"{getattr(one, key):,}" for key, _ in _COLUMNS)]
            for name, one in figures(numbers, by).items()
        ]
        yield by, _table([by.value, *(label for _, label in _COLUMNS)], lines)
    given = [
        [name, f"{one.granted:,}", f"{one.refused:,}", f"{one.withdrawn:,}", f"{one.share or 0:.0%}"]
        for name, one in purposes(numbers).items()
    ]
    yield By.PURPOSE, _table(["purpose", "granted", "refused", "withdrawn", "share granted"], given)
    yield By.HOW, _table(["how", "choices"], [[how, f"{count:,}"] for how, count in kinds(numbers).items()])


def _table(heads: Sequence[str], lines: Iterable[Sequence[str]]) -> Markup:
    head = joined(_markup('<th scope="col">{}</th>', text) for text in heads)
    body = joined(
        _markup(
            '<tr><th scope="row">{}</th>{}</tr>',
            line[0],
            joined(_markup("<td>{}</td>", cell) for cell in line[1:]),
        )
        for line in lines
    )
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")
