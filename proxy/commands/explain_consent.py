"""Why a visitor with a given consent cookie would be asked again, or not (`explain --config`)."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from proxy.commands.site_policies import read_policies, read_settings, site_with
from proxy.commands.terminal import fail
from proxy.config.signing_key import key_file, load_keys
from proxy.consent.cookie import read_answers
from proxy.consent.decision import Ask, decide
from proxy.errors import StartError
from proxy.policy.model import DAY
from proxy.policy.scope import scope_of

WHY = {
    Ask.NO: "not asked: the answer is fresh, and covers every purpose and provider of these rules",
    Ask.FIRST: "asked: no key of this config signed such an answer, or it cannot be read",
    Ask.EXPIRED: "asked again: the answer is older than policy.ask_again_after",
    Ask.NEW: "asked again: these rules have purposes or providers that the answer never covered",
    Ask.OFF: "not asked on this part of the site",
    Ask.SIGNAL: "not asked: the browser says Sec-GPC: 1",
}


def explain_answer(rules: Path | None, config_path: Path, host: str | None, subject: str) -> dict[str, Any]:
    """Return what a consent cookie says and whether its visitor would be asked again at that host."""
    config = read_settings(config_path)
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
