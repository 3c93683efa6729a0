"""`consent-proxy rewrite`: what a page becomes for somebody who granted certain purposes."""

from __future__ import annotations

import sys
from io import BufferedReader
from pathlib import Path
from typing import Annotated, cast

import typer
from yarl import URL

from proxy.commands.terminal import fail, read_policy
from proxy.errors import Unreadable
from proxy.filter.body.body_filter import document_filter
from proxy.filter.headers.content_kind import BodyKind
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.package_files import bundled
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of

CHUNK = 65_536


def own_hosts(policy: Policy, address: str) -> OwnHosts:
    """Return the hosts that count as the site's own on a page at this address."""
    host = (URL(address).host or "").lower()
    home = (URL(policy.page).host or host).lower()
    domain = home if host == home or host.endswith("." + home) else None
    return OwnHosts(frozenset({host}), domain)


def purposes_named(policy: Policy, granted: str) -> list[str]:
    """Return the purposes of a comma-separated list, or end with a sentence."""
    wanted = [word.strip() for word in granted.split(",") if word.strip()]
    known = [purpose.id for purpose in policy.purposes]
    for word in wanted:
        if word not in known:
            fail(f"there is no purpose {word!r}; the rules know {', '.join(known)}", 2)
    return wanted


def rewrite(
    url: Annotated[str, typer.Option(help="Address of the page: decides what is the site's own.")],
    rules: Annotated[
        Path | None, typer.Option("--rules", "-r", help="rules.yaml (default: the shipped one).")
    ] = None,
    granted: Annotated[str, typer.Option(help="Purposes granted, separated by commas.")] = "",
    content_type: Annotated[
        str, typer.Option(help="Content-Type header that came with the page.")
    ] = "text/html",
    xml: Annotated[bool, typer.Option("--xml", help="The page is XHTML, SVG or other XML.")] = False,
) -> None:
    """Read a page on standard input and write what the visitor would get, banner left out."""
    if URL(url).host is None:
        fail(f"{url!r} has no host; write an address such as https://callkom.io/", 2)
    policy = read_policy(rules or bundled("rules.yaml"))
    grants = scope_of(policy).granted(purposes_named(policy, granted))
    judge = judge_for(compile_rules(policy, own_hosts(policy, url)), grants)
    body = document_filter(
        sort=BodyKind.XML if xml else BodyKind.HTML,
        content_type=content_type.encode(),
        content_encoding=b"",
        response_coding=None,
        judge=judge,
        inject=None,
    )
    write = sys.stdout.buffer.write
    arriving = cast("BufferedReader", sys.stdin.buffer)  # read1: what is there, never waiting for more
    try:
        while chunk := arriving.read1(CHUNK):
            write(body.feed(chunk))
        write(body.close())
    except Unreadable as error:
        sys.stdout.buffer.flush()
        fail(f"the page cannot be read, so it would not be sent: {error}")
    sys.stdout.buffer.flush()
