"""`consent-proxy diff`: what new rules change, who is asked again and why, what needs no consent any more."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.text import Text

from proxy.commands.terminal import err, fail, out, print_json, read_policy
from proxy.filter.changed_outcomes import ChangedOutcome, changed_outcomes, changed_page
from proxy.policy.changes import NOBODY, Change, asked_again, changes, runs_without_consent
from proxy.policy.model import Policy

MORE, ASKED = 1, 3
SHOWN_LINES = 40
"""Lines of a page's difference that are printed; --json has all."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All that two rules files differ in."""

    changes: tuple[Change, ...]
    asked_again: tuple[str, ...]
    without_consent: tuple[str, ...]
    outcomes: tuple[ChangedOutcome, ...]
    pages: tuple[tuple[str, str, list[str]], ...] = ()  # page, visitor, lines

    @property
    def status(self) -> int:
        """The exit status: 1 more runs without consent, 3 somebody is asked again, 0 neither."""
        return MORE if self.without_consent else ASKED if self.asked_again else 0


def compare(old: Policy, new: Policy, pages: Path | None = None) -> Comparison:
    """Return what the new rules change; `pages` is a folder of saved HTML files."""
    outcomes = changed_outcomes(old, new)
    freed = [str(one) for one in outcomes if one.freed]
    return Comparison(
        changes(old, new),
        asked_again(old, new),
        (*runs_without_consent(old, new), *freed),
        outcomes,
        tuple(_pages(old, new, pages)) if pages else (),
    )


def _pages(old: Policy, new: Policy, folder: Path) -> list[tuple[str, str, list[str]]]:
    if not folder.is_dir():
        fail(f"there is no folder at {folder}; save pages there as .html files", 2)
    files = sorted([*folder.rglob("*.html"), *folder.rglob("*.htm")])
    if not files:
        fail(f"{folder} holds no .html file", 2)
    return [
        (str(path.relative_to(folder)), visitor, lines)
        for path in files
        for visitor, lines in changed_page(old, new, path.read_bytes(), str(path.relative_to(folder)))
    ]


def diff(
    old: Annotated[Path, typer.Argument(help="rules.yaml as it is in force.")],
    new: Annotated[Path, typer.Argument(help="rules.yaml as it shall be.")],
    pages: Annotated[
        Path | None, typer.Option("--pages", help="A folder of saved pages: what becomes of each.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="For a merge request.")] = False,
) -> None:
    """Compare two rules files: exit 0 fine, 1 more runs without consent, 3 somebody is asked again."""
    found = compare(read_policy(old), read_policy(new), pages)
    if as_json:
        print_json(_as_json(found))
    elif markdown:
        sys.stdout.write(_as_markdown(found))
    else:
        _say(found)
    raise typer.Exit(found.status)


def _as_json(found: Comparison) -> dict[str, Any]:
    return {
        "changes": [asdict(one) | {"what": one.what.value} for one in found.changes],
        "asked_again": list(found.asked_again),
        "without_consent": list(found.without_consent),
        "outcomes": [asdict(one) for one in found.outcomes],
        "pages": [{"page": page, "visitor": visitor, "lines": lines} for page, visitor, lines in found.pages],
    }


def _sections(found: Comparison) -> list[tuple[str, list[str]]]:
    return [
        ("Who is asked again", list(found.asked_again) or [NOBODY]),
        ("What more runs without consent", list(found.without_consent) or ["Nothing."]),
        ("What changed", list(map(str, found.changes)) or ["Nothing that visitors or pages meet."]),
        (
            "What a visitor who refused gets differently, of what the tests try",
            list(map(str, found.outcomes)),
        ),
        ("Pages that change", [f"{page}, {visitor}" for page, visitor, _ in found.pages]),
    ]


def _as_markdown(found: Comparison) -> str:
    parts = [
        f"### {title}\n\n" + "".join(f"- {_plain(line)}\n" for line in lines)
        for title, lines in _sections(found)
        if lines
    ]
    parts += [
        "```diff\n" + "\n".join(lines[:SHOWN_LINES]).replace("```", "`` `") + "\n```\n"
        for _, _, lines in found.pages
    ]
    return "\n".join(parts)


def _plain(line: str) -> str:
    """Return a line whose markup nobody reads as such."""
    return line.replace("\n", " ").replace("<", "&lt;").replace("*", "\\*").replace("_", "\\_")


def _say(found: Comparison) -> None:
    for title, lines in _sections(found):
        if lines:
            out.print(Text(title, style="bold"))
            for line in lines:
                out.print(Text(f"  {line}"))
    for _, _, lines in found.pages:
        for line in lines[:SHOWN_LINES]:
            out.print(Text(line, style="green" if line.startswith("+") else "red" if line[:1] == "-" else ""))
    if found.without_consent:
        err.print(Text("more runs without consent than before", style="red"))
