"""`consent-proxy init`: a config, rules and a signing key to begin with, and what to run next."""

from __future__ import annotations

import os
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from proxy.commands.file_owner import give_to_folder_owner
from proxy.commands.terminal import fail, out, start_failed
from proxy.config.signing_key import create_key
from proxy.config.types import ConsentConfig
from proxy.config.value_parsers import is_address, read_host, read_upstream_origin
from proxy.errors import StartError
from proxy.policy.hosts import registrable

CONFIG, RULES, KEY = "config.yaml", "rules.yaml", "consent.key"
_NOBODYS_SITE = "http://127.0.0.1:9001"
_EXAMPLE = "https://www.example.com"
"""Stands in the rules for a site whose name nobody said."""

_CONFIG = """\
# Where consent-proxy runs. Every key, its default and its meaning: docs/config.md.
# A changed file is read again by itself; a faulty one changes nothing.

listen: 127.0.0.1:8080           # for visitors: 0.0.0.0:443 with tls, or behind nginx as it is
admin: 127.0.0.1:9100            # health and figures: never where visitors are

sites:
  - hosts: [{hosts}]
    upstream: "{upstream}"{where}
    mode: observe                # everything is judged and named, nothing changed; later: enforce
    observe: page

consent:
  key: consent.key               # signs the consent cookie: keep it, replicas share it

records: sqlite:///proofs.db     # proof of consent; several machines: postgresql://...
"""
_UPSTREAM_HOST = """  # where visitors are led here by DNS: its server's own address
    upstream_host: {host}"""
_RULES = """\
# What may run and be stored: docs/rules.md. It names nobody else yet: `consent-proxy discover` lists what
# the site loads and stores, and `discover --suggest` prints rules to add at the end.

policy:
  version: {today}
  page: {site}/cookie-policy
  privacy: {site}/privacy
  contact: privacy@{domain}
  ask_again_after: 6 months
purposes:
  necessary: {{ basis: legitimate interest }}
  functional: {{ basis: consent }}
  performance: {{ basis: consent }}
undeclared: {{ cookies: presume, tags: hold }}
providers:
  site:
    name: "{domain}"
    cookies:
      - name: {cookie}
        domain: {at}
        purpose: necessary
        lasts: 6 months
        why: Remembers this choice
        unpublished: The answer itself has to be remembered
"""


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write; made if it is not there.")] = Path(),
    site: Annotated[
        str,
        typer.Option("--site", help="The site as it is reached today, such as https://www.example.com."),
    ] = _NOBODYS_SITE,
) -> None:
    """Write config.yaml, rules.yaml and consent.key (mode 0600), and say what to run next."""
    try:
        parts = urlsplit(site if "://" in site else f"https://{site}")
        origin = read_upstream_origin(f"{parts.scheme}://{parts.netloc}")
        host = read_host(parts.hostname or "")
    except ValueError as error:
        fail(f"--site {error}", 2)
    paths = {name: folder / name for name in (CONFIG, RULES, KEY)}
    if there := [str(path) for path in paths.values() if path.exists()]:
        fail(f"{', '.join(there)} {'is' if len(there) == 1 else 'are'} there already; nothing is changed")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write(paths[CONFIG], _config(origin, host))
        _write(paths[RULES], _rules(origin, host))
        create_key(paths[KEY])
        give_to_folder_owner(paths[KEY])
    except StartError as error:
        start_failed(error)
    except OSError as error:
        fail(f"cannot write to {folder} ({error.strerror}); name another folder")
    _say_next(paths)


def _write(path: Path, text: str) -> None:
    """Write a new file that its owner alone may read: a config may hold a password."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    give_to_folder_owner(path)


def _config(origin: str, host: str) -> str:
    local = is_address(host) or host == "localhost" or host.endswith(".localhost")
    hosts = "localhost" if local else f"{host}, localhost"
    where = "" if local else _UPSTREAM_HOST.format(host=host)
    return _CONFIG.format(hosts=hosts, upstream=origin, where=where)


def _rules(origin: str, host: str) -> str:
    site = _EXAMPLE if is_address(host) or host == "localhost" else origin
    domain = urlsplit(site).hostname or host
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    names = {"domain": registrable(domain) or domain, "at": domain, "cookie": ConsentConfig().cookie}
    return _RULES.format(today=today, site=site, **names)


def _say_next(paths: dict[str, Path]) -> None:
    config, rules = (shlex.quote(str(paths[name])) for name in (CONFIG, RULES))
    out.print(f"{', '.join(map(str, paths.values()))} are written. Next:\n")
    out.print(f"  consent-proxy check {rules} --config {config} --connect")
    out.print(f"  consent-proxy serve --config {config} --rules {rules}")
    out.print(f"  consent-proxy discover --config {config} --rules {rules}")
    out.print(
        "\nThe second serves on http://localhost:8080/ until it is stopped; the third lists what it saw."
    )
