"""`consent-proxy table`: the public cookie table, as Markdown, HTML or JSON."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from proxy.banner.cookie_table import Row
from proxy.commands.terminal import print_json, print_problems, read_policy
from proxy.config.loading import read_config
from proxy.errors import FaultsError
from proxy.package_files import bundled
from proxy.policy.model import Policy


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
        typer.Option("--unpublished", help="Only the rows that the published policy still lacks, and why."),
    ] = False,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", "-c", help="Add the cookies that `serve` with this config presumed necessary."
        ),
    ] = None,
    language: Annotated[
        str, typer.Option("--language", "-l", help="Language of headings and purposes.")
    ] = "en",
) -> None:
    """Print the cookie table for the published policy."""
    from proxy.banner.cookie_table import as_html, as_json, as_markdown, rows  # noqa: PLC0415

    policy = read_policy(rules or bundled("rules.yaml"))
    chosen = rows(policy, unpublished_only=unpublished)
    if config is not None:
        chosen += _presumed(policy, config)
    if json or form is Form.JSON:
        print_json(as_json(policy, chosen, language))
    else:
        write = as_html if form is Form.HTML else as_markdown
        sys.stdout.write(write(policy, chosen, language))


def _presumed(policy: Policy, path: Path) -> tuple[Row, ...]:
    """Return the rows of what was presumed under a config, as kept beside its proofs."""
    from proxy.banner.cookie_table import presumed_rows  # noqa: PLC0415 - as above
    from proxy.filter.headers.cookies import CookieRules  # noqa: PLC0415
    from proxy.snapshot.presumed_cookies import PresumedCookies  # noqa: PLC0415

    try:
        config = read_config(path)
    except FaultsError as error:
        print_problems(error.problems)
        raise typer.Exit(1) from None
    seen = PresumedCookies.of(config).rows(CookieRules(policy, config.consent.cookie))
    return presumed_rows(policy, seen, "not yet described")
