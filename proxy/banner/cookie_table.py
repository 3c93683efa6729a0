"""The cookie table: the same rows as HTML, Markdown and JSON, in the policy's own column order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from proxy.banner.markup import Markup, escape, fill, joined
from proxy.banner.words import Words
from proxy.policy.model import CookieRule, Policy, Provider, Purpose

COLUMNS = ("category", "name", "provider", "why", "basis", "lasts")
"""As published: category, name, domain / provider, purpose, legal basis, duration."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row: a cookie rule with the provider and the purpose it speaks of."""

    purpose: Purpose
    provider: Provider
    rule: CookieRule

    def cells(self, words: Words) -> tuple[str, ...]:
        """Return the cells in that language, in the order of COLUMNS."""
        rule = self.rule
        label = words.purpose(self.purpose.id, "label")
        return (
            f"{label} ({words.phrase(rule.note)})" if rule.note else label,
            ", ".join(rule.names),
            " / ".join(str(words.isolated(name)) for name in (*rule.domains, self.provider.name)),
            words.phrase(rule.why),
            words.basis(self.purpose.basis),
            words.duration(rule.lasts),
        )


def rows(policy: Policy, *, unpublished_only: bool = False) -> tuple[Row, ...]:
    """Return the rows by purpose, then in the order of the file; providers not enabled have none."""
    return tuple(
        Row(purpose, provider, rule)
        for purpose in policy.purposes
        for provider in policy.providers
        if provider.enabled
        for rule in provider.cookies
        if rule.purpose == purpose.id and (rule.unpublished is not None or not unpublished_only)
    )


def presumed_rows(policy: Policy, presumed: Iterable[CookieRule], name: str) -> tuple[Row, ...]:
    """Return rows for cookies that pass although no rule describes them; `name` stands for their provider."""
    return tuple(
        Row(purpose, Provider(rule.provider, name, rule.place), rule)
        for purpose in policy.purposes
        for rule in presumed
        if rule.purpose == purpose.id
    )


def as_json(policy: Policy, chosen: Sequence[Row], words: Words) -> dict[str, Any]:
    """Return the table for machines: names and domains as lists, lives in seconds."""
    reasons = _only_unpublished(chosen)
    return {
        "version": policy.version,
        "page": policy.page,
        "privacy": policy.privacy,
        "contact": policy.contact,
        "language": words.code,
        "cookies": [_row_json(row, words, reasons=reasons) for row in chosen],
    }


def _row_json(row: Row, words: Words, *, reasons: bool) -> dict[str, Any]:
    rule, provider = row.rule, row.provider
    return {
        "category": words.purpose(row.purpose.id, "label"),
        "purpose": row.purpose.id,
        "note": words.phrase(rule.note) if rule.note else None,
        "names": list(rule.names),
        "domains": list(rule.domains),
        "provider": provider.name,
        "why": words.phrase(rule.why),
        "basis": row.purpose.basis.value,
        "lasts": rule.lasts.text,
        "seconds": rule.lasts.seconds,
        "country": provider.country,
        "transfers": provider.transfers,
        "published": rule.unpublished is None,
        **({"unpublished": rule.unpublished} if reasons else {}),
    }


def as_html(policy: Policy, chosen: Sequence[Row], words: Words) -> str:
    """Return a <table> to paste into the published policy."""
    table = table_markup(chosen, words, reasons=_only_unpublished(chosen))
    return f"{table}\n<p>{words.say('table.version', version=policy.version)}</p>\n"


def table_markup(chosen: Sequence[Row], words: Words, *, reasons: bool = False) -> Markup:
    """Return the table as markup in one language."""
    columns = (*COLUMNS, "unpublished") if reasons else COLUMNS
    head = joined(Markup(f'<th scope="col">{escape(words.plain(f"table.{key}"))}</th>') for key in columns)
    body = joined(_row_markup(row, words, reasons=reasons) for row in chosen)
    return Markup(f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _row_markup(row: Row, words: Words, *, reasons: bool) -> Markup:
    cells = (*row.cells(words), row.rule.unpublished or "") if reasons else row.cells(words)
    inner = joined(
        Markup(f'<th scope="row">{escape(cell)}</th>' if i == 1 else f"<td>{escape(cell)}</td>")
        for i, cell in enumerate(cells)
    )
    return Markup(f"<tr>{inner}</tr>")


def stacked_table(
    keys: Sequence[str], lines: Iterable[Sequence[str]], words: Words, *, head: str = "name"
) -> Markup:
    """Return a table for our own pages, where narrow screens show each row as a block with labels.

    `head` is the column that names a row. The roles are said aloud, since browsers take them
    away from tables that are laid out as blocks.
    """
    labels = {key: escape(words.plain(f"table.{key}")) for key in keys}
    heads = joined(
        Markup(f'<th role="columnheader" scope="col" class="{key}">{label}</th>')
        for key, label in labels.items()
    )
    body = joined(_stacked_row(labels, line, head, words) for line in lines)
    return fill("table", heads=heads, rows=body)


def _stacked_row(labels: Mapping[str, Markup], line: Sequence[str], head: str, words: Words) -> Markup:
    cells = (
        Markup(f'<th role="rowheader" scope="row">{_names(cell, words)}</th>')
        if key == head
        else Markup(f'<td role="cell" data-label="{label}">{escape(cell)}</td>')
        for (key, label), cell in zip(labels.items(), line, strict=True)
    )
    return Markup(f'<tr role="row">{joined(cells)}</tr>')


def _names(cell: str, words: Words) -> Markup:
    """Return names of cookies, each in one piece: a line may end between them, not at their hyphens."""
    if words.direction == "rtl":  # there the comma is on the other side of the name
        names = cell.replace(", ", "\n").split("\n")
        alone = [Markup(f"<bdi>{escape(name)}</bdi>") for name in names]
        commas = [*(Markup(f'<bdi dir="rtl">{name}\u060c</bdi>') for name in alone[:-1]), alone[-1]]
        return joined(commas, " ")
    names = cell.replace(", ", ",\n").split("\n")
    return joined((Markup(f"<bdi>{escape(name)}</bdi>") for name in names), " ")


def as_markdown(policy: Policy, chosen: Sequence[Row], words: Words) -> str:
    """Return the table as Markdown, with the version it belongs to."""
    reasons = _only_unpublished(chosen)
    columns = [words.plain(f"table.{key}") for key in (*COLUMNS, *(("unpublished",) if reasons else ()))]
    lines = [_line(columns), _line(["---"] * len(columns))]
    for row in chosen:
        cells = [_cell(cell) for cell in row.cells(words)]
        cells[1] = ", ".join(f"`{name}`" for name in row.rule.names)
        lines.append(_line([*cells, _cell(row.rule.unpublished or "")] if reasons else cells))
    version = words.say("table.version", version=policy.version)
    return "\n".join(lines) + f"\n\n{version}\n"


def _only_unpublished(chosen: Sequence[Row]) -> bool:
    """True when every row lacks its place in the published policy: then the reason is shown."""
    return bool(chosen) and all(row.rule.unpublished is not None for row in chosen)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return text that stays in its cell and means only itself."""
    for mark in ("\\", "|", "*", "_", "`", "<", "["):
        text = text.replace(mark, "\\" + mark)
    return " ".join(text.split())
