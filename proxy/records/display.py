"""The text output of the `records` commands: a record as the visitor saw it, tables, counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from proxy.consent.answer import Gesture
from proxy.consent.decision import Ask
from proxy.consent.record import ConsentRecord, Content, Shown, utc
from proxy.records.queries import Stats
from proxy.records.verify import Verification


def record_page(record: ConsentRecord, shown: Shown | None) -> str:
    """Return a record with the question as it was put: answer, scope, words, policy version."""
    kept = record.content
    if kept is None or shown is None:
        return (
            f"Record {record.id} of {utc(record.time)} was erased on {utc(record.erased or 0)}.\n"
            "Its content is gone; its digest still stands in the chain.\n"
        )
    lines = [
        f"Record      {record.id}",
        f"Time        {utc(record.time)}",
        f"Site        {kept.site}",
        f"Language    {kept.language}",
        f"Visitor     {kept.visitor}",
        f"Answer      {kept.how.value}" + (f" ({kept.provider})" if kept.provider else ""),
        f"Gesture     {_gesture(kept)}" if kept.declared_by is None else f"Declared    {declared(kept)}",
        f"Granted     {', '.join(kept.granted) or 'nothing'}",
        f"Refused     {', '.join(kept.refused) or 'nothing'}",
        f"Withdrawn   {', '.join(kept.withdrawn) or 'nothing'}",
        f"Policy      version {kept.policy_version}",
        f"Rules       {kept.rules_digest}",
        f"Before it   {kept.previous or 'no earlier answer'}",
        "",
        "Asked for",
        *(f"  {purpose}: {', '.join(providers)}" for purpose, providers in kept.scope.items()),
        "",
        *(["In words of ours: none", ""] if not shown.wording else ["In these words"]),
        *(f"  {line}" for line in (words_of(shown.wording) if shown.wording else ())),
    ]
    if shown.policy:
        lines += ["", f"Under this policy (version {kept.policy_version})"]
        lines += [f"  {line}" for line in words_of(shown.policy)]
    return "\n".join(lines) + "\n"


_ASKED = {
    Ask.NO: "of the visitor's own accord",
    Ask.OFF: "of the visitor's own accord",
    Ask.FIRST: "asked for the first time",
    Ask.EXPIRED: "asked again because the earlier answer ran out",
    Ask.NEW: "asked again because of what is new",
    Ask.SIGNAL: "not asked, the browser sent Global Privacy Control",
}


_PRESSED = {
    None: "not recorded who pressed it",
    Gesture.PERSON: "pressed by a person",
    Gesture.UNKNOWN: "the browser does not tell who pressed it",
}


def _gesture(kept: Content) -> str:
    """Return what is known of the gesture: the button, where it stood, who pressed it, why it was there."""
    button = f"the button {kept.control.value}" if kept.control is not None else "the button is not known"
    where = f" of the {kept.surface.value}" if kept.surface is not None else ""
    why = [_ASKED[kept.asked]] if kept.asked is not None else []
    return ", ".join([button + where, _PRESSED[kept.gesture], *why])


def declared(kept: Content) -> str:
    """Return by which tool an answer was declared that was not shown by us, and when it says it was given."""
    when = f"given there on {kept.declared_at}" if kept.declared_at else "it states no time"
    return f"by {kept.declared_by}, not shown by us; {when}"


def record_json(record: ConsentRecord, shown: Shown | None) -> dict[str, Any]:
    """Return a record with every text it names."""
    found = record.to_json()
    if shown is not None:
        found["shown"] = {
            "wording": _parsed(shown.wording),
            "policy": _parsed(shown.policy) if shown.policy else None,
            "rules": shown.rules,
        }
    return found


def words_of(text: str) -> Iterator[str]:
    """Give the words in a JSON text one a line with the name of each; other texts as they are."""
    value = _parsed(text)
    if isinstance(value, str):
        yield from text.splitlines() or ["(the text is not kept)"]
        return
    yield from _leaves(value, "")


HEADINGS = ("id", "time", "site", "granted", "refused", "how", "policy version")


def table(records: Iterable[ConsentRecord]) -> Iterator[str]:
    """Give the lines of `records list`: never cut off, ids are there to be copied."""
    rows = [HEADINGS, *_rows(records)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(map(str.ljust, row, widths)).rstrip()


def _rows(records: Iterable[ConsentRecord]) -> Iterator[tuple[str, ...]]:
    for record in records:
        kept = record.content
        if kept is None:
            yield record.id, utc(record.time), "", "", "", "erased", ""
            continue
        yield (
            record.id,
            utc(record.time),
            kept.site,
            " ".join(kept.granted),
            " ".join(kept.refused),
            kept.how.value + (f" (declared by {kept.declared_by})" if kept.declared_by else ""),
            kept.policy_version,
        )


def stats_json(stats: Stats) -> dict[str, Any]:
    """Return the counts, and the share of answers that granted each purpose."""
    shares = {
        purpose: round(stats.granted.get(purpose, 0) / asked, 4)
        for purpose in sorted(stats.granted.keys() | stats.refused.keys())
        if (asked := stats.granted.get(purpose, 0) + stats.refused.get(purpose, 0))
    }
    return {
        "records": stats.records,
        "erased": stats.erased,
        "visitors": stats.visitors,
        "writers": stats.writers,
        "first": utc(stats.first) if stats.first is not None else None,
        "last": utc(stats.last) if stats.last is not None else None,
        "by_how": stats.by_how,
        "by_site": stats.by_site,
        "by_policy_version": stats.by_version,
        "granted": stats.granted,
        "refused": stats.refused,
        "granted_share": shares,
    }


def verification_json(found: Verification) -> dict[str, Any]:
    """Return what was read and what is wrong with it."""
    return {
        "sound": found.sound,
        "records": found.records,
        "erased": found.erased,
        "writers": found.writers,
        "faults": [
            {
                "kind": fault.kind,
                "says": fault.says,
                "writer": fault.writer,
                "position": fault.position,
                "id": fault.id,
            }
            for fault in found.faults
        ],
    }


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _leaves(value: Any, name: str) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, dict | list) for inner in value):
        for number, inner in enumerate(value, 1):
            yield from _leaves(inner, f"{name}[{number}]")
    else:
        said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        yield f"{name}: {said}" if name else said
