"""`consent-proxy discover`: what was seen on a site and no rule speaks of, with rules to paste."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from proxy.banner.cookie_table import rows
from proxy.commands.site_policies import read_policies, read_settings
from proxy.commands.suggested_rules import Texts, say_suggestions
from proxy.commands.terminal import fail, out, print_json
from proxy.config.policies import Policies, rules_files
from proxy.config.types import Config
from proxy.package_files import bundled
from proxy.policy.lint import left_to_do
from proxy.policy.model import Policy
from proxy.process.read_files import on_configured_hosts
from proxy.records.database import Database
from proxy.records.store import RecordStore
from proxy.seen.discovery import Discovery, SeenName, stops
from proxy.seen.discovery import discover as discover_site
from proxy.seen.seen_store import SeenStore
from proxy.seen.sightings import Key, Seen
from proxy.snapshot.sites import Site, build_sites

HEADERS_ONLY = (
    "observe: headers does not see storage keys, nor who writes the cookies of scripts; "
    "observe: page adds them"
)
ALLOWED_UNSEEN = (
    "not seen is not always gone: what only scripts or style sheets load for visitors who may have it, "
    "observe: page alone sees"
)
_UNUSED_KEY = (b"x" * 32,)


def discover(  # noqa: PLR0917 - flags, given by name
    config: Annotated[
        Path, typer.Option("--config", "-c", help="The config file; it names the sites and the store.")
    ],
    rules: Annotated[
        Path | None, typer.Option("--rules", "-r", help="rules.yaml (default: the shipped one).")
    ] = None,
    site: Annotated[str | None, typer.Option("--site", help="Only the site that has this host.")] = None,
    undeclared: Annotated[bool, typer.Option("--undeclared", help="Only what no rule speaks of.")] = False,
    suggestions: Annotated[
        bool, typer.Option("--suggest", help="Print blocks of rules.yaml to paste and to go through.")
    ] = False,
    ready: Annotated[
        bool, typer.Option("--ready", help="Say whether the site can be enforced: exit 0 go, 1 no-go.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Tell what was seen on the sites and no rule speaks of; with --suggest, rules for it."""
    policies, settings = _files(rules, config)
    now = int(time.time())
    names = asyncio.run(_seen(settings))
    sites = [one for one in build_sites(settings, policies, _UNUSED_KEY, now).all if _is_meant(one, site)]
    if not sites:
        fail(f"no site of {config} has the host {site!r}", 2)
    found = [
        discover_site(one.name, names, one.rules, one.cookies, now=now, sees_allowed=_sees_allowed(one))
        for one in sites
    ]
    files = rules_files(settings, rules or bundled("rules.yaml"))
    texts: Texts = lambda at: files[at.config.rules].path.read_text("utf-8-sig")  # noqa: E731
    if ready:
        _say_ready(list(zip(sites, found, strict=True)), texts, as_json=as_json, now=now)
        return
    if suggestions:
        say_suggestions(list(zip(sites, found, strict=True)), texts, as_json=as_json)
        return
    if as_json:
        print_json(
            [
                as_document(one, policies.of(at.config), at, undeclared=undeclared)
                for at, one in zip(sites, found, strict=True)
            ]
        )
        return
    for at, one in zip(sites, found, strict=True):
        _print(at, one, policies.of(at.config), undeclared=undeclared)


def _files(rules: Path | None, config: Path) -> tuple[Policies, Config]:
    settings = read_settings(config)
    return on_configured_hosts(read_policies(settings, rules), settings), settings


async def _seen(config: Config) -> dict[Key, Seen]:
    RecordStore.must_exist(config.records.url, config.file(Path()))
    database = Database(config.records.url, config.file(Path()), create=False)
    try:
        return await SeenStore(database).all()
    finally:
        await database.close()


def _is_meant(site: Site, host: str | None) -> bool:
    return host is None or host in site.config.hosts


def as_document(found: Discovery, policy: Policy, site: Site, *, undeclared: bool = False) -> dict[str, Any]:
    """Return what was found on a site, for programs."""
    document: dict[str, Any] = {
        "site": found.site,
        "mode": site.config.mode.value,
        "since": _day(found.since),
        "undeclared": [_finding(one) for one in found.undeclared],
    }
    if undeclared:
        return document
    return {
        **document,
        "presumed": [_finding(one) for one in found.presumed],
        "own_hosts_elsewhere": [_finding(one) for one in found.unserved],
        "consent_tools": [
            {"tool": id_, "names": [one.name for one in seen], "used": policy.provider(id_) is not None}
            for id_, seen in sorted(found.consent_tools.items())
        ],
        "pages_unread": [_finding(one) for one in found.unread],
        "not_seen_for_30_days": [{"provider": id_, "last": _day(last)} for id_, last in found.silent],
        "neutral_not_seen_for_30_days": [
            {"host": host, "last": _day(last)} for host, last in found.silent_neutral
        ],
        "unpublished": [name for row in rows(policy, unpublished_only=True) for name in row.rule.names],
        "note": ". ".join(_notes(found, site)) or None,
    }


def _finding(one: SeenName) -> dict[str, Any]:
    seen, guess = one.seen, one.whose.guess
    return {
        "kind": one.kind.value,
        "name": one.name,
        "elements": sorted(seen.elements),
        "sides": sorted(seen.sides),
        "evidence": "seen" if seen.by_us else "reported",
        "paths": seen.paths,
        "first": _day(seen.first),
        "last": _day(seen.last),
        "count": seen.count,
        "written_by": sorted(seen.setters),
        "cookie": seen.cookie or None,
        "owner": one.whose.owner,
        "catalogue": one.whose.catalogue or (one.says.id or None),
        "guess": guess._asdict() if guess is not None else None,
    }


def _say_ready(found: list[tuple[Site, Discovery]], texts: Texts, *, as_json: bool, now: int) -> None:
    """Print go or no-go for each site; exit 1 where one is not ready."""
    answers = {one.site: [*stops(one, now=now), *_guesses(at.policy, texts(at))] for at, one in found}
    if as_json:
        print_json([{"site": site, "ready": not why, "why": why} for site, why in answers.items()])
    else:
        for site, why in answers.items():
            out.print(Text(f"{site}: {'no-go' if why else 'go'}", style="red" if why else "green"))
            for line in why:
                out.print(Text(f"  {line}"))
    raise typer.Exit(1 if any(answers.values()) else 0)


def _guesses(policy: Policy, text: str) -> list[str]:
    """Return that rules are still as `--suggest` wrote them: a sign-in may need what they refuse."""
    lines = len({problem.place for problem in left_to_do(text, policy.place.file)})
    return [f"{lines} lines of {policy.place.file} are guesses until somebody takes their TODO away"] * (
        lines > 0
    )


def _notes(found: Discovery, site: Site) -> list[str]:
    """Return what could not be seen the way that the site is looked at."""
    notes = [HEADERS_ONLY] if site.observes and not site.observes_pages else []
    return [*notes, ALLOWED_UNSEEN] if found.silent and not _sees_allowed(site) else notes


def _sees_allowed(site: Site) -> bool:
    """True where pages of some visitors have the script that observes: what is enforced has none."""
    return site.observes_pages and (site.observes or site.share < 1)


def _print(site: Site, found: Discovery, policy: Policy, *, undeclared: bool) -> None:
    """Print what was found on a site, for people."""
    since = f"seen since {_day(found.since)}" if found.since is not None else "nothing was seen yet"
    out.print(Text(f"{found.site}  ({site.config.mode.value}; {since})", style="bold"))
    groups = found.by_owner()
    if groups:
        out.print(_table(groups))
    elif found.since is not None:
        out.print(Text("Rules speak of everything that was seen.", style="green"))
    if undeclared:
        return
    _list("presumed necessary until a rule says so", [one.name for one in found.presumed])
    _list("of the site's own domain, but not through this proxy", [one.name for one in found.unserved])
    _list("other consent tools", [_tool(id_, found, policy) for id_ in sorted(found.consent_tools)])
    _list("pages that could not be read", [one.name for one in found.unread])
    _list(
        f"in {policy.place.file}, and not seen for 30 days",
        [f"{id_} (last {_day(last)})" if last else id_ for id_, last in found.silent + found.silent_neutral],
    )
    _list(
        "not in the published policy (consent-proxy table --unpublished)",
        [name for row in rows(policy, unpublished_only=True) for name in row.rule.names],
    )
    for note in _notes(found, site):
        out.print(Text(note + ".", style="dim"))


def _tool(id_: str, found: Discovery, policy: Policy) -> str:
    """Return a consent tool with what was seen of it, and the line that holds its banner."""
    seen = ", ".join(dict.fromkeys(one.name for one in found.consent_tools[id_]))
    used = policy.provider(id_) is not None
    return f"{id_} ({seen}{'' if used else f'; use: [{id_}] holds its banner and keeps its memory'})"


def _table(groups: Mapping[str, list[SeenName]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("whose, probably", "name", "kind", "as", "evidence", "on", "times", "last"):
        table.add_column(heading, overflow="fold")
    for owner, findings in groups.items():
        for index, one in enumerate(findings):
            seen = one.seen
            table.add_row(
                Text(owner if index == 0 else "", style="bold"),
                Text(one.name),
                one.kind.value,
                Text(", ".join(one.elements)),
                "seen" if seen.by_us else "reported",
                Text(next(iter(seen.paths), "")),
                str(seen.count),
                _day(seen.last),
            )
    return table


def _list(title: str, names: list[str]) -> None:
    if names:
        out.print(Text(f"{title}: ", style="bold"), Text(", ".join(names)), sep="")


def _day(moment: int | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")
