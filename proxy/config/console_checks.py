"""Checks of `console:` beside the other keys: it needs an admin address that only this machine reaches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from ipaddress import ip_address

from proxy.config.types import Config
from proxy.problems import Problem

MOST_TOKENS = 20
"""Each sign-in is held against all of them, some hundredths of a second each."""


def console_problems(config: Config, at: Callable[..., Problem]) -> Iterator[Problem]:
    """Yield why the console cannot be served, each at its place."""
    tokens = config.console.tokens
    if not tokens:
        return
    if config.admin is None:
        text = "is served on the admin address, and there is none; add a line such as admin: 127.0.0.1:9100"
        yield at("console", text=text)
    elif not is_loopback(config.admin.host):
        text = (
            f"is served without TLS, so on loopback alone, and admin is {config.admin}; write admin: "
            f"127.0.0.1:{config.admin.port}, and have a proxy with TLS beside it for other machines"
        )
        yield at("console", text=text)
    if len(tokens) > MOST_TOKENS:
        yield at("console", "tokens", text=f"has {len(tokens)} tokens; {MOST_TOKENS} are the most")
    seen: set[str] = set()
    for number, token in enumerate(tokens):
        if token.name in seen:
            text = f"is '{token.name}', as another token has it; the log tells them apart by it"
            yield at("console", "tokens", number, "name", text=text)
        seen.add(token.name)


def is_loopback(host: str) -> bool:
    """True for an address that only this machine reaches."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
