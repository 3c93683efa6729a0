"""`consent-proxy table`: the public cookie table, as Markdown, HTML or JSON."""

from __future__ import annotations

import sys
from enum import Enum
from html import escape
from pathlib import Path
from typing import Annotated

import typer

from proxy.banner.cookie_table import Row
from proxy.commands.terminal import fail, print_json, read_policy
from proxy.package_files import bundled
from proxy.policy.model import OWN, Policy, Provider, Undeclared


class Form(Enum):
    """How the table is written."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def table(  # noqa: PLR0917 - its parameters are the command's options
    rules: Annotated[
        Path | None, typer.Option("--rules", "-r", help="rules.yaml (default: the shipped one).")
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="How the table is written.")] = Form.MARKDOWN,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    unpublished: Annotated[
        bool,
        typer.Option(
            "--unpublished",
            help="Only what the published policy still lacks: rows and why, hosts, neutral hosts, keys; with"
            " --config the presumed cookies, too.",
        ),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Add the cookies that `serve` with this config presumed necessary."
        ),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option("--site", help="With --config: by the rules of the site that has this host."),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", help="Language of headings and purposes.")
    ] = "en",
) -> None:
    """Print the cookie table for the published policy."""
    from proxy.banner.cookie_table import as_html, as_json, as_markdown, rows  # noqa: PLC0415
    from proxy.banner.word_files import load_languages  # noqa: PLC0415

    known = load_languages().all
    words = known.get(language.lower())
    if words is None:
        raise typer.BadParameter(f"there is no language '{language}' (there are {', '.join(sorted(known))})")
    policy, presumed = _policy(rules, config, site)
    chosen = rows(policy, unpublished_only=unpublished)
    if config is not None:
        chosen += presumed
    elif unpublished and policy.undeclared_cookies is Undeclared.PRESUME:
        note = "what `serve` presumed necessary is known to a proxy that ran: add --config FILE"
        typer.echo(f"consent-proxy: {note}", err=True)
    beside = beside_cookies(policy) if unpublished else {}
    if json or form is Form.JSON:
        print_json({**as_json(policy, chosen, words), **beside})
    elif form is Form.HTML:
        sys.stdout.write(as_html(policy, chosen, words) + "".join(map(_html_list, beside.items())))
    else:
        sys.stdout.write(as_markdown(policy, chosen, words) + "".join(map(_markdown_list, beside.items())))


def beside_cookies(policy: Policy) -> dict[str, list[dict[str, str]]]:
    """Return what a table of cookies does not show: hosts, neutral hosts, keys of storage, and whose."""
    enabled = [provider for provider in policy.providers if provider.enabled]
    return {
        "hosts": [
            {"name": host, "provider": provider.name, "purpose": ", ".join(purposes)}
            for provider in enabled
            for host, purposes in _hosts(provider).items()
        ],
        "neutral_hosts": [
            {"name": host, "provider": rule.why, "purpose": ""}
            for rule in policy.neutral
            for host in rule.hosts
        ],
        "storage_keys": [
            {"name": key, "provider": provider.name, "purpose": rule.purpose}
            for provider in enabled
            for rule in provider.storage
            for key in rule.keys
        ],
    }


def _hosts(provider: Provider) -> dict[str, tuple[str, ...]]:
    """Return the hosts that a provider's tags and code load from, with the purposes of the first rule."""
    found: dict[str, tuple[str, ...]] = {}
    for tag in provider.tags:
        for host in tag.hosts:
            if host != OWN:
                found.setdefault(host, tag.purposes)
    purposes = next(iter(found.values()), ())
    for host in provider.connect:
        found.setdefault(host, purposes)
    return found


def _markdown_list(section: tuple[str, list[dict[str, str]]]) -> str:
    title, rows = section
    lines = [
        f"| {row['name'].replace('|', chr(92) + '|')} | {row['provider']} | {row['purpose']} |"
        for row in rows
    ]
    heading = title.replace("_", " ").capitalize()
    return (
        "\n".join(["", f"{heading}:", "", "| name | whose | purpose |", "|---|---|---|", *lines, ""])
        if rows
        else ""
    )


def _html_list(section: tuple[str, list[dict[str, str]]]) -> str:
    title, rows = section
    cells = "".join(
        f"<tr>{''.join(f'<td>{escape(row[name])}</td>' for name in ('name', 'provider', 'purpose'))}</tr>\n"
        for row in rows
    )
    heading = title.replace("_", " ").capitalize()
    return f"<table>\n<caption>{heading}</caption>\n{cells}</table>\n" if rows else ""


def _policy(rules: Path | None, path: Path | None, host: str | None) -> tuple[Policy, tuple[Row, ...]]:
    """Return the policy, and the rows of what a config presumed on the sites that have it."""
    if path is None:
        if host is not None:
            fail("--site chooses among the sites of a config: add --config FILE", 2)
        return read_policy(rules or bundled("rules.yaml")), ()
    from proxy.banner.cookie_table import presumed_rows  # noqa: PLC0415 - as above
    from proxy.commands.site_policies import read_policies, read_settings, site_with  # noqa: PLC0415
    from proxy.filter.headers.cookies import CookieRules  # noqa: PLC0415
    from proxy.snapshot.presumed_cookies import PresumedCookies  # noqa: PLC0415

    config = read_settings(path)
    policies = read_policies(config, rules)
    if host is None and len(policies.all) > 1:
        fail("the sites of this config have different rules: choose one with --site HOST", 2)
    policy = policies.of(site_with(config, host) if host is not None else config.sites[0])
    hosts = [name for site in config.sites if policies.of(site) is policy for name in site.hosts]
    seen = PresumedCookies.of(config).rows(CookieRules(policy, config.consent.cookie), hosts)
    return policy, presumed_rows(policy, seen, "not yet described")
