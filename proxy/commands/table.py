"""`consent-proxy table`: the public cookie table, as Markdown, HTML or JSON."""

from __future__ import annotations

import sys
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from proxy.commands.terminal import print_json, read_policy
from proxy.package_files import bundled


class Form(Enum):
    """How the table is written."""

    MARKDOWN = "markdown"
    HTML = "html"
    JSON = "json"


def table(
    rules: Annotated[
        Path | None, typer.Option("--rules", "-r", help="rules.yaml (default: the shipped one).")
    ] = None,
    form: Annotated[Form, typer.Option("--format", "-f", help="How the table is written.")] = Form.MARKDOWN,
    json: Annotated[bool, typer.Option("--json", help="Short for --format json.")] = False,
    unpublished: Annotated[
        bool,
        typer.Option("--unpublished", help="Only the rows that the published policy still lacks, and why."),
    ] = False,
    language: Annotated[
        str, typer.Option("--language", "-l", help="Language of headings and purposes.")
    ] = "en",
) -> None:
    """Print the cookie table for the published policy."""
    from proxy.banner.cookie_table import as_html, as_json, as_markdown, rows  # noqa: PLC0415

    policy = read_policy(rules or bundled("rules.yaml"))
    chosen = rows(policy, unpublished_only=unpublished)
    if json or form is Form.JSON:
        print_json(as_json(policy, chosen, language))
    else:
        write = as_html if form is Form.HTML else as_markdown
        sys.stdout.write(write(policy, chosen, language))
