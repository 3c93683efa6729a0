"""`consent-proxy catalogue`: the providers that `use:` of rules.yaml takes by name."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.text import Text

from proxy.catalogue.shipped import providers, shipped_catalogue
from proxy.commands.terminal import fail, out, print_json
from proxy.policy.catalogue_schema import CatalogueShape
from proxy.policy.model import NECESSARY
from proxy.policy.rule_values import meant
from proxy.policy.rules_schema import CATALOGUE_PURPOSES
from proxy.policy.used_providers import needed

STALE = timedelta(days=365)
"""A provider changes its hosts and cookies more often than once a year."""

catalogue_app = typer.Typer(
    help="The providers that rules.yaml takes by name: use: [youtube, matomo].", no_args_is_help=True
)


@catalogue_app.command("list")
def list_(
    stale: Annotated[
        bool, typer.Option("--stale", help="Only those that nobody has looked at for a year.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """List the providers: what each is, its purposes, and when it was last looked at."""
    now = datetime.now(UTC)
    shown = {id_: one for id_, one in providers().items() if not stale or is_stale(one, now)}
    if as_json:
        print_json([_row(id_, one) for id_, one in shown.items()])
        return
    rows = [("name in use:", "provider", "kind", "purposes", "looked at")]
    rows += [
        (id_, one.name, one.kind, ", ".join(_purposes(one)), f"{one.checked.on} ({one.checked.how})")
        for id_, one in shown.items()
    ]
    widths = [max(len(row[at]) for row in rows) for at in range(len(rows[0]))]
    for row in rows:
        out.print(Text("  ".join(map(str.ljust, row, widths)).rstrip()))


@catalogue_app.command()
def show(name: Annotated[str, typer.Argument(help="A name of `catalogue list`.")]) -> None:
    """Print a provider's block, as rules.yaml would have it under `providers:`."""
    block = shipped_catalogue().block(name)
    if block is None:
        near = meant(name, providers()) or "; `consent-proxy catalogue list` names all"
        fail(f"'{name}' is no provider of the catalogue{near}", 2)
    sys.stdout.write(block.text)


def is_stale(one: CatalogueShape, now: datetime) -> bool:
    """True when nobody has looked at a block for a year."""
    return one.checked.on < (now - STALE).date().isoformat()


def _purposes(one: CatalogueShape) -> list[str]:
    """Return the purposes that a block is for, in the order visitors read them."""
    found = needed(one)
    return [p for p in CATALOGUE_PURPOSES if p in found and (p != NECESSARY or len(found) == 1)]


def _row(id_: str, one: CatalogueShape) -> dict[str, object]:
    hosts = dict.fromkeys(host for tag in one.tags for host in tag.from_ or ())
    return {
        "id": id_,
        "name": one.name,
        "kind": one.kind,
        "purposes": _purposes(one),
        "hosts": [host for host in hosts if host != "self"],
        "cookies": [name for row in one.cookies for name in row.name],
        "checked": {"on": one.checked.on, "how": one.checked.how, "at": one.checked.at},
        "note": one.note,
    }
