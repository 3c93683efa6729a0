"""The report as one HTML file for people: no script, nothing loaded, page content only ever as text."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from proxy.audit.observed import SiteVisit
from proxy.audit.rule_book import days
from proxy.audit.timeline import timeline
from proxy.banner.markup import Markup, escape, joined, when

_CSS = Path(__file__).resolve().parent / "report.css"

FACTS_BY_NAME = ("before", "refused", "withdrawn", "necessary")
"""The four facts that authorities fine; they stand first."""

_VERDICTS = {
    "clean": "Clean: nothing was found that the rules do not allow",
    "doubts": "No violation; {doubts} doubts, and {undecided} states that could not be judged",
    "violations": "{violations} violations, {doubts} doubts",
}

SHOWN = 2
"""Addresses that stand in one cell."""

Row = Mapping[str, Any]


def page(report: Mapping[str, Any], seen: SiteVisit) -> str:
    """Return the whole page."""
    content = [
        _head(report),
        _facts(report["summary"]["facts"]),
        _findings(report["findings"]),
        _compared(report.get("compared")),
        _beside(report),
        *(_state(one) for one in report["states"]),
        _banner(report["banner"], report["banners"]),
        _to_write(report.get("to_write", "")),
        _screenshots(seen),
        _made(report),
    ]
    style = _style()
    digest = b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="robots" content="noindex">'
        f"<title>{escape(_title(report))}</title><style>{style}</style></head>"
        f"<body><main>{joined(content)}</main></body></html>\n"
    )


@cache
def _style() -> str:
    return _CSS.read_text("utf-8")


def _say(form: str, *values: object) -> Markup:
    return Markup(form.format(*(escape(value) for value in values)))


def _title(report: Mapping[str, Any]) -> str:
    return f"Consent audit of {', '.join(report['own']['hosts'])}"


def _head(report: Mapping[str, Any]) -> Markup:
    said = report["summary"]
    verdict = _VERDICTS[said["verdict"]].format(**{**said, "undecided": len(said["undecided"])})
    undecided = said["undecided"]
    note = f"Not judged, since no choice could be made: {', '.join(undecided)}." if undecided else ""
    behind = "Visited behind the proxy." if report["behind_proxy"] else "Visited without the proxy."
    if (proxy := report["proxy"]) is not None:
        hides = "is shown no refused cookie" if proxy["hides_refused"] else "may be shown refused cookies"
        behind += f" The proxy says: mode {' and '.join(proxy['modes'])}; the upstream {hides}."
    return _say(
        '<h1>{}</h1><p>{} · {} · rules of {}</p><div class="verdict {}">{}<p>{} {}</p></div>',
        _title(report),
        report["date"],
        report["browser"],
        report["rules"]["version"],
        said["verdict"],
        verdict,
        behind,
        note,
    )


def _facts(facts: Sequence[Row]) -> Markup:
    first = [one for name in FACTS_BY_NAME for one in facts if one["fact"] == name]
    rest = [one for one in facts if one not in first]
    return _say(
        '<div class="tiles">{}</div><div class="tiles more">{}</div>',
        joined(map(_tile, first)),
        joined(map(_tile, rest)),
    )


def _tile(one: Row) -> Markup:
    if not one["judged"]:
        return _say("<div><b>\u2013</b>{}<span>not looked at</span></div>", one["title"].capitalize())
    kind = "bad" if one["violations"] else "unsure" if one["doubts"] else "good"
    doubts = _say("<span>and {} doubts</span>", one["doubts"]) if one["doubts"] else Markup()
    return _say(
        '<div class="{}"><b>{}</b>{}{}</div>', kind, one["violations"], one["title"].capitalize(), doubts
    )


def _findings(findings: Sequence[Row]) -> Markup:
    if not findings:
        return _section("What is wrong", Markup("<p>Nothing was found.</p>"))
    rows = [
        (
            _tag(one["severity"]),
            _say("{}<br>{}", one["name"], _say("<small>{}</small>", _where(one))),
            one["what"],
            _why(one),
            ", ".join(one["states"]),
            _say(
                "{}<br><small>{} s into “{}”</small>",
                one["first"]["page"],
                _seconds(one["first"]["after_ms"]),
                one["first"]["state"],
            ),
            _addresses(one["by"]),
        )
        for one in findings
    ]
    headings = ("", "name", "what", "why", "in the states", "first seen on", "by")
    return _section("What is wrong, and since when", _table(headings, rows, why=3, heads=1))


def _where(one: Row) -> str:
    return "" if one["where"] == one["name"] else str(one["where"])


def _why(one: Row) -> Markup:
    rule = _say(" <code>{}</code>", one["rule"]) if one["rule"] else Markup()
    advice = _say("<br><strong>To do:</strong> {}", one["advice"]) if one["advice"] else Markup()
    return _say("{}{}{}", one["why"], rule, advice)


def _compared(news: Row | None) -> Markup:
    if news is None:
        return Markup()
    parts = [
        _say("<h3>{} ({})</h3>{}", title, len(news[kind]), _named(news[kind]))
        for kind, title in (("new", "New"), ("gone", "Gone"))
    ]
    title = f"Since the report of {news['since']}"
    return _section(title, joined([*parts, _say("<p>{} findings are the same.</p>", news["same"])]))


def _named(rows: Sequence[Row]) -> Markup:
    if not rows:
        return Markup("<p>None.</p>")
    cells = [(_tag(one["severity"]), one["name"], one["where"], one["why"]) for one in rows]
    return _table(("", "name", "where", "why"), cells, why=3, heads=1)


def _beside(report: Mapping[str, Any]) -> Markup:
    before = report.get("before")
    if before is None:
        return Markup()
    pairs = zip(before["summary"]["facts"], report["summary"]["facts"], strict=True)
    rows = [(old["title"], _count(old), _count(new)) for old, new in pairs]
    first = _table(("fact", "without the proxy", "this site"), rows, heads=0)
    names = [
        (_tag(one["severity"]), one["name"], one["where"], one["why"], ", ".join(one["states"]))
        for one in before["findings"]
    ]
    return _section(
        f"Without the proxy: {', '.join(before['addresses'])}",
        joined(
            [
                first,
                Markup("<h3>What was found there</h3>"),
                _table(("", "name", "where", "why", "states"), names, why=3, heads=1),
            ]
        ),
    )


def _count(one: Row) -> str:
    return f"{one['violations']} violations, {one['doubts']} doubts"


def _state(state: Row) -> Markup:
    granted = ", ".join(state["granted"]) or "nothing"
    parts = [
        _say("<p>Granted: <b>{}</b>. How the choice was made: {}.</p>", granted, state["how"]),
        timeline(state),
        _kind(
            "Cookies",
            ("", "cookie", "domain", "set by", "life", "promised", "provider", "why"),
            map(_cookie, state["cookies"]),
        ),
        _kind("Storage", ("", "name", "host", "where", "by", "why"), map(_key, state["storage"])),
        _kind(
            "Third parties",
            ("", "host", "owner", "as", "by", "requests", "pages", "why"),
            map(_host, state["hosts"]),
        ),
        _reads(state["reads"]),
        _kind("Pages", ("status", "page", "title", "seconds"), map(_visited, state["pages"])),
    ]
    return _section(f"State: {state['state']}", joined(parts))


def _kind(title: str, headings: Sequence[str], rows: Iterable[Sequence[object]]) -> Markup:
    found = list(rows)
    why = headings.index("why") if "why" in headings else -1
    return when(
        found, _say("<h3>{} ({})</h3>{}", title, len(found), _table(headings, found, why=why, heads=1))
    )


def _cookie(one: Row) -> Sequence[object]:
    marks = [word for word in ("httponly", "host_only") if one[word]] + ["partitioned"] * bool(
        one["partition"]
    )
    said = [*one["why"]] or [f"necessary by {one['necessary_by']}" if one["necessary_by"] else ""]
    if one["published"] is False:
        said.append("not in the published table")
    flags = _say("<br><small>{}</small>", ", ".join(marks).replace("_", "-")) if marks else Markup()
    return (
        _tag(one["status"]),
        one["name"],
        _say("{}{}", one["domain"], flags),
        _say("{}<br>{}", ", ".join(one["sides"]), _addresses(one["by"])),
        "session" if one["lives"] is None else days(one["lives"]),
        one["promised"] or "",
        one["provider"] or one["owner"],
        _lines(said),
    )


def _key(one: Row) -> Sequence[object]:
    return (
        _tag(one["status"]),
        one["name"],
        one["host"],
        ", ".join(one["areas"]),
        _addresses(one["by"]),
        _lines(one["why"]),
    )


def _host(one: Row) -> Sequence[object]:
    return (
        _tag(one["status"]),
        one["host"],
        one["owner"],
        ", ".join(one["elements"]),
        _addresses(one["scripts"]),
        one["requests"],
        _addresses(one["pages"]),
        _lines(one["why"]),
    )


def _visited(one: Row) -> Sequence[object]:
    failed = one["failed"] or (f"led to {one['left_for']}" if one["left_for"] else one["title"])
    return one["status"] or "", one["address"], failed, _seconds(one["milliseconds"])


def _reads(reads: Sequence[Row]) -> Markup:
    rows = [("", ", ".join(one["names"]), one["how"], one["by"], one["page"]) for one in reads]
    return _kind("Read after withdrawal", ("", "names", "how", "by", "page"), rows)


def _banner(banner: Row, pages: Sequence[Row]) -> Markup:
    if not banner.get("found"):
        none = "No page that was visited showed a banner."
        words = none if banner else "Not looked at: that is done in the state none."
        return _section("What the visitor is offered", _say("<p>{}</p>", words))
    rows = [
        (
            side,
            one["words"],
            f"{one['width']} by {one['height']} px",
            f"{one['font']} px",
            f"{one['contrast']} : 1",
            "yes" if one["visible"] else "no",
        )
        for side in ("refuse", "accept")
        if (one := banner[side]) is not None
    ]
    table = _table(("", "words", "size", "letters", "contrast", "on the first screen"), rows, heads=0)
    clicks = banner.get("clicks", {}).get("refuse") or "more than can be seen"
    on = ", ".join(one["page"] for one in pages)
    counted = _say("<p>Clicks to refuse: <b>{}</b>, to accept: <b>1</b>. Shown on: {}.</p>", clicks, on)
    words = joined(
        _say("<p>Says {}: <b>{}</b></p>", what, "yes" if there else "no")
        for what, there in banner["words"].items()
    )
    return _section(f"What the visitor is offered: {banner['tool']}", joined([table, counted, words]))


def _to_write(text: str) -> Markup:
    if not text:
        return Markup()
    note = Markup("<p>Guesses, to go through line by line; purposes marked TODO are nobody's word.</p>")
    return _section(
        "What no rule speaks of, and what to write in rules.yaml", joined([note, _say("<pre>{}</pre>", text)])
    )


def _screenshots(seen: SiteVisit) -> Markup:
    figures = [
        _say(
            '<figure><img alt="{}" src="data:image/jpeg;base64,{}"><figcaption>{}</figcaption></figure>',
            f"The page {path} in the state {visit.state}",
            b64encode(shot).decode(),
            f"{visit.state}: {path}",
        )
        for visit in seen.states
        for path, shot in visit.screenshots
    ]
    if not figures:
        return Markup()
    note = Markup("<p>They show what was on the pages: keep this file as private as the site itself.</p>")
    return _section("Screenshots", joined([note, _say('<div class="shots">{}</div>', joined(figures))]))


def _made(report: Mapping[str, Any]) -> Markup:
    rules = report["rules"]
    other = f", written for {rules['written_for']} and read as of this site" if rules["written_for"] else ""
    return _section(
        "How this was made",
        _say(
            "<p>{} · {} · {}</p><p>Rules: {}, version {}, digest {}{}</p><pre>{}</pre>",
            report["program"],
            report["browser"],
            report["date"],
            rules["file"],
            rules["version"],
            rules["digest"],
            other,
            report["command"],
        ),
    )


def _section(title: str, inner: Markup) -> Markup:
    return _say("<section><h2>{}</h2>{}</section>", title, inner)


def _table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, why: int = -1, heads: int = 0
) -> Markup:
    """Return a table; on narrow screens each row is a block, its cells named by their heading."""
    top = joined(_say('<th scope="col">{}</th>', heading) for heading in headings)
    body = joined(
        _say("<tr>{}</tr>", joined(_cell(headings[i], i, one, why, heads) for i, one in enumerate(row)))
        for row in rows
    )
    return _say(
        '<div class="t"><table class="stack"><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>',
        top,
        body,
    )


def _cell(heading: str, index: int, value: object, why: int, heads: int) -> Markup:
    if index == heads:
        return _say('<th scope="row"{}>{}</th>', Markup(' class="name"') if heads else Markup(), value)
    named = _say(' data-of="{}"', heading) if heading else Markup()
    return _say("<td{}{}>{}</td>", named, Markup(' class="why"') if index == why else Markup(), value)


def _tag(status: str) -> Markup:
    return _say('<span class="tag {}">{}</span>', status.replace(" ", "-"), status)


def _addresses(all_of_them: Sequence[str]) -> Markup:
    """Return the first addresses, without their scheme, and how many more there are."""
    shown = [address.partition("://")[2] or address for address in all_of_them[:SHOWN]]
    more = len(all_of_them) - len(shown)
    return _lines([*shown, f"and {more} more" if more > 0 else ""])


def _lines(words: Iterable[str]) -> Markup:
    return joined((escape(word) for word in words if word), Markup("<br>"))


def _seconds(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.1f}"
