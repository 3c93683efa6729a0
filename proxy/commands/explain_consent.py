"""Why a visitor with a given consent cookie would be asked again, or not (`explain --config`)."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from rich.table import Table

from proxy.commands.site_policies import read_policies, site_with
from proxy.commands.terminal import fail
from proxy.config.signing_key import key_file, load_keys
from proxy.config.types import Config
from proxy.consent.cookie import read_answers
from proxy.consent.decision import Ask, decide
from proxy.errors import StartError
from proxy.policy.model import DAY, Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from proxy.process.read_files import on_configured_hosts
from proxy.snapshot.sites import build_sites

_UNUSED_KEY = (b"x" * 32,)
_VALUE = re.compile(r"[A-Za-z0-9_-]+")

WHY = {
    Ask.NO: "not asked: the answer is fresh, and covers every purpose and provider of these rules",
    Ask.FIRST: "asked: no key of this config signed such an answer, or it cannot be read",
    Ask.EXPIRED: "asked again: the answer is older than policy.ask_again_after",
    Ask.NEW: "asked again: these rules have purposes or providers that the answer never covered",
    Ask.OFF: "not asked on this part of the site",
    Ask.SIGNAL: "not asked: the browser says Sec-GPC: 1",
}


def is_answer(config: Config, subject: str) -> bool:
    """True for what may be the consent cookie of this config, its value alone or as `NAME=VALUE`."""
    return _VALUE.fullmatch(subject.removeprefix(f"{config.consent.cookie}=")) is not None


def host_of(subject: str) -> str:
    """Return the host of an address; empty for all else."""
    try:
        return (urlsplit(subject).hostname or "") if "://" in subject else ""
    except ValueError:
        return ""


def rules_at(
    rules: Path | None, config: Config, host: str | None, asked: str
) -> tuple[Policy, OwnHosts, str]:
    """Return the rules that hold at a host, the site's own hosts, and the host.

    That is the given one, else the one that is asked for where a site has it, else the first site's.
    """
    at = host or (asked if asked in config.hosts else config.sites[0].hosts[0])
    named = site_with(config, at)
    policies = on_configured_hosts(read_policies(config, rules), config)
    sites = build_sites(config, policies, _UNUSED_KEY, int(time.time())).all
    site = next(one for one in sites if one.config is named)
    return site.policy, site.own, at


def explain_answer(rules: Path | None, config: Config, host: str | None, subject: str) -> dict[str, Any]:
    """Return what a consent cookie says and whether its visitor would be asked again at that host."""
    site = site_with(config, host) if host is not None else config.sites[0]
    policy = read_policies(config, rules).of(site)
    try:
        if not key_file(config).exists():
            fail(f"there is no signing key at {key_file(config)}; start the proxy once, or name consent.key")
        keys = load_keys(config)
    except StartError as error:
        fail(str(error))
    name, equals, value = subject.partition("=")
    cookie = value if equals and name == config.consent.cookie else subject
    now, scope = int(time.time()), scope_of(policy)
    lasts = policy.ask_again_after.seconds or 180 * DAY
    reading = read_answers([cookie], keys, scope, now=now)
    decision = decide(scope, reading.answer, now=now, ask_again_after=lasts)
    facts: dict[str, Any] = {"ask": decision.ask.value, "why": WHY[decision.ask]}
    if reading.answer is not None:
        answer = reading.answer
        facts |= {
            "answered": _day(answer.at),
            "asked_again_from": _day(answer.at + lasts),
            "policy_version": answer.policy_version,
            "granted": sorted(answer.granted),
            "new": sorted(f"{pair.provider} ({pair.purpose})" for pair in decision.new.pairs),
        }
    return facts


def _day(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def as_table(facts: dict[str, Any]) -> Table:
    """Return what a consent cookie says, for people."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(style="bold")
    table.add_column()
    for name, value in facts.items():
        table.add_row(name.replace("_", " "), ", ".join(value) if isinstance(value, list) else str(value))
    return table
