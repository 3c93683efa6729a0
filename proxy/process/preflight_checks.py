"""Checks before a start that what a config names is usable: addresses, certificate, key, store, CAs.

`serve` refuses to start on a problem, `check --config` reports it beforehand. Nothing is
written, nothing is sent and nobody is taken in: another version may be serving there.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from proxy.config.signing_key import existing_keys, existing_upstream_key, key_file
from proxy.config.types import Config
from proxy.errors import StartError
from proxy.policy.yaml_source import Step
from proxy.problems import Problem
from proxy.process.address_checks import address_findings
from proxy.process.alerts import check_secret
from proxy.process.config_findings import ConfigFinding, located
from proxy.process.word_checks import word_findings
from proxy.records.database import check_file
from proxy.records.store_address import read_store_address

RENEW_BEFORE = 14
"""Days before the end of a certificate from which on `check` warns: what renews it has failed by then."""


def start_problems(config: Config, path: Path) -> list[Problem]:
    """Return what keeps `serve` from starting with the config read from that file, each with its line.

    Warnings among them do not, but are seen at no other time: a certificate that ends, a right to a port.
    """
    return located(_findings(config), path)


def _findings(config: Config) -> Iterator[ConfigFinding]:
    yield from _certificate(config)
    yield from _finding(("consent", "key"), lambda: existing_keys(config))
    if config.consent.upstream_header:
        yield from _finding(("consent", "upstream_key"), lambda: existing_upstream_key(config))
    yield from _finding(("alerts", "secret"), lambda: check_secret(config))
    yield from _finding(("records",), lambda: _check_store(config))
    for number, site in enumerate(config.sites):
        yield from _authority(("sites", number, "ca"), config, site.ca)
    yield from _authority(("relay", "ca"), config, config.relay.ca)
    yield from word_findings(config)
    yield from address_findings(config)


def _finding(steps: tuple[Step, ...], attempt: Callable[[], object]) -> Iterator[ConfigFinding]:
    try:
        attempt()
    except StartError as error:
        yield ConfigFinding(steps, str(error))


def _certificate(config: Config) -> Iterator[ConfigFinding]:
    if config.tls is None:
        return
    from proxy.http.listening import Certificate  # noqa: PLC0415 - brings the server with it

    try:
        facts = Certificate(config, config.tls).facts
    except StartError as error:
        yield ConfigFinding(("tls",), str(error))
        return
    left = facts.days_left(datetime.now(UTC))
    if left < RENEW_BEFORE:
        when = f"{'ended' if left < 0 else 'ends'} on {facts.ends:%Y-%m-%d}"
        yield ConfigFinding(("tls", "certificate"), f"the certificate {when}; renew it", warning=True)
    if bare := sorted(host for host in config.hosts if not facts.covers(host)):
        text = f"the certificate is not for {', '.join(bare)}: browsers refuse it there"
        yield ConfigFinding(("tls", "certificate"), text, warning=True)


def _check_store(config: Config) -> None:
    """Raise StartError if the SQLite file is of a newer program, or not there and cannot be created."""
    path = read_store_address(config.records.url, config.file(Path())).path
    if path is None:
        _check_postgresql(config.records.url)
        return
    if path.exists():
        check_file(path)
        return
    if path.parent.is_dir():
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise StartError(
                f"records: {path} cannot be written: Permission denied; mend the rights of its folder"
            )
    elif path.parent != key_file(config).parent:  # else the first start makes it, for the key
        raise StartError(f"records: the folder {path.parent} does not exist; make it, or name another")


def _check_postgresql(url: str) -> None:
    """Raise StartError if that address can never be used."""
    from proxy.records.postgresql import check_address  # noqa: PLC0415 - asyncpg: 3 MB for SQLite

    with ThreadPoolExecutor(1) as thread:  # whoever asks may have an event loop of its own
        thread.submit(asyncio.run, check_address(url)).result()


def _authority(steps: tuple[Step, ...], config: Config, ca: Path | None) -> Iterator[ConfigFinding]:
    if ca is None:
        return
    try:
        ssl.create_default_context(cafile=str(config.file(ca)))
    except OSError as error:
        yield ConfigFinding(steps, f"the authority {config.file(ca)} cannot be used: {error}")
