"""`explain --html FILE`: a self-contained page for each state of consent, to read, to send and to print.

All that was read from a site is text here: escaped, and under a policy that loads nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

LONGEST_LINE = 400
"""Characters of a line of the page that are shown."""

MOST_LINES = 5_000

_STYLE = """
:root{color-scheme:light dark;--bg:#fff;--ink:#1b1b1f;--soft:#5c5c66;--line:#d9d9e0;--held:#8a3b00;
--mark:#fff1e0}
@media(prefers-color-scheme:dark){:root{--bg:#16161a;--ink:#ececf1;--soft:#a8a8b3;--line:#35353d;--held:#ffb37a;
--mark:#3a2512}}
*{box-sizing:border-box}
body{margin:0 auto;padding:1.5rem;max-width:72rem;background:var(--bg);color:var(--ink);
font:1rem/1.5 system-ui,sans-serif}
h1{font-size:1.4rem;margin:0 0 .25rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin:2rem 0 .5rem}
p{margin:.25rem 0;color:var(--soft);overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}
th,td{padding:.35rem .75rem .35rem 0;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);
overflow-wrap:anywhere}
th{font-weight:600;color:var(--soft);white-space:nowrap}
.held{color:var(--held);font-weight:600}
ol{margin:0;padding:0 0 0 3.5rem;font:.8rem/1.5 ui-monospace,monospace;border-top:1px solid var(--line)}
li{white-space:pre-wrap;overflow-wrap:anywhere;padding:0 .5rem}li::marker{color:var(--soft)}
li.on{background:var(--mark);box-shadow:inset 3px 0 var(--held)}
@media(max-width:40rem){body{padding:1rem}thead{display:none}tr{display:block;padding:.5rem 0;
border-bottom:1px solid var(--line)}td{display:block;border:0;padding:0}td[data-of]:not(:empty)::before{
content:attr(data-of) ": ";color:var(--soft);font-weight:400}ol{padding-left:2.5rem}}
@media print{:root{color-scheme:light;--bg:#fff;--ink:#000;--soft:#444;--line:#bbb;--held:#8a3b00;
--mark:#f4f4f4}
body{max-width:none;padding:0;font-size:10pt}tr,li{break-inside:avoid}h2{break-after:avoid}}
"""

_ON = ' class="on"'
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


@dataclass(frozen=True, slots=True)
class ReportRow:
    """What happens to one thing in one state: `held` where it does not pass."""

    subject: str
    does: str
    rule: str
    held: bool
    where: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """What one state of consent makes of a page, and of what was asked and set."""

    title: str
    state: str
    rows: Sequence[ReportRow]
    notes: Sequence[str] = ()
    text: str = ""
    marked: frozenset[int] = frozenset()  # lines of the text


def write_reports(path: Path, reports: Iterable[Report]) -> list[Path]:
    """Write a page for each state beside that name: `site.html` becomes `site-refused.html`, ..."""
    suffix = path.suffix or ".html"
    written = []
    for report in reports:
        at = path.with_name(f"{path.stem}-{report.state}{suffix}")
        at.write_text(as_page(report), "utf-8")
        written.append(at)
    return written


def as_page(report: Report) -> str:
    """Return the page of one state."""
    title = escape(f"{report.title}: {report.state}")
    held = sum(row.held for row in report.rows)
    notes = "".join(f"<p>{escape(note)}</p>\n" for note in report.notes)
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<style>{_STYLE}</style>\n</head>\n<body>\n<h1>{escape(report.title)}</h1>\n"
        f"<p>What a visitor gets in the state <b>{escape(report.state)}</b>: {held} of {len(report.rows)}"
        f" do not pass as they are.</p>\n{_table(report.rows)}{_section('Notes', notes)}"
        f"{_source(report.text, report.marked)}</body>\n</html>\n"
    )


def _table(rows: Sequence[ReportRow]) -> str:
    if not rows:
        return "<p>No rule touches anything here.</p>\n"
    headings = ("what", "what happens", "rule", "where")
    head = "".join(f'<th scope="col">{name}</th>' for name in headings)
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(map(_row, rows))}</tbody>\n</table>\n"


def _row(row: ReportRow) -> str:
    held = ' class="held"' if row.held else ""
    return (
        f'<tr><td>{escape(row.subject)}</td><td data-of="what happens"{held}>{escape(row.does)}</td>'
        f'<td data-of="rule">{escape(row.rule)}</td><td data-of="where">{escape(row.where)}</td></tr>\n'
    )


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>\n{body}" if body else ""


def _source(text: str, marked: frozenset[int]) -> str:
    lines = text.splitlines()[:MOST_LINES]
    items = (
        f"<li{_ON if number in marked else ''}>{escape(_shortened(line)) or ' '}</li>\n"
        for number, line in enumerate(lines, 1)
    )
    return _section("The page", f"<ol>\n{''.join(items)}</ol>\n") if lines else ""


def _shortened(line: str) -> str:
    text = "".join(
        letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}" for letter in line
    )
    return text if len(text) <= LONGEST_LINE else text[:LONGEST_LINE] + " ..."
