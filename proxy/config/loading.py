"""Loads a config file into a `Config`, or reports every problem in it with line and column."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from proxy.config.consent_domain import consent_domain, is_public_suffix
from proxy.config.console_checks import console_problems
from proxy.config.types import Config, Mode
from proxy.consent.tools.known import TOOLS
from proxy.errors import ConfigError
from proxy.policy.validation_messages import problems_of
from proxy.policy.yaml_source import Node, Step, locate, read, spell
from proxy.problems import Place, Problem


@lru_cache(maxsize=1)
def _adapter() -> TypeAdapter[Config]:
    return TypeAdapter(Config)


def read_config(path: Path) -> Config:
    """Return the config in a file; relative paths in it are relative to its folder."""
    try:
        text = path.read_text("utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError(
            [Problem(Place(path.name, 1), f"is not UTF-8 (byte {error.start}); save it as UTF-8")]
        ) from None
    except OSError as error:
        problem = Problem(
            Place(str(path), 1), f"cannot be read ({error.strerror}); name another with --config"
        )
        raise ConfigError([problem]) from error
    return load_config(text, path.name, path.resolve().parent)


def load_config(text: str, file: str = "config.yaml", folder: Path = Path()) -> Config:
    """Return the config, or raise ConfigError with every problem at once."""
    node, problems = read(text, file)
    if node is None or problems:
        raise ConfigError(sorted(problems))
    if not isinstance(node.plain(), dict):
        raise ConfigError([Problem(node.place, "is no config: write keys such as 'listen:' and 'sites:'")])
    try:
        config = _adapter().validate_python(node.plain()).at(folder)
    except ValidationError as error:
        raise ConfigError(problems_of(error, node, Config)) from None
    if faults := list(_cross_checks(config, node)):
        raise ConfigError(sorted(faults))
    return config


def _cross_checks(config: Config, root: Node) -> Iterable[Problem]:
    """Yield problems between keys that are each valid on their own."""

    def at(*steps: Step, text: str) -> Problem:
        node, taken = locate(root, steps)
        return Problem(node.place, f"{spell(taken)} {text}")

    seen: dict[str, int] = {}
    for number, site in enumerate(config.sites):
        for index, host in enumerate(site.hosts):
            if host in seen:
                text = (
                    f"is '{host}', which sites[{seen[host]}] already answers for; a host belongs to one site"
                )
                yield at("sites", number, "hosts", index, text=text)
            seen.setdefault(host, number)
        if site.share < 100 and site.mode is not Mode.ENFORCE:
            text = f"is for sites that are enforced; this one says mode: {site.mode.value}"
            yield at("sites", number, "share", text=text)
    yield from _consent_problems(config, at)
    yield from console_problems(config, at)
    try:
        config.banner.look()
    except ValueError as error:
        yield at("banner", text=f"cannot be used: {error}")
    if config.redirect and config.tls is None and not config.trusted_proxies and not config.cloudflare:
        yield at(
            "redirect",
            text="sends visitors to https, but there is no 'tls' and no trusted proxy to answer there",
        )
    public = {str(address) for address in (*config.listen, *config.redirect)}
    if config.admin is not None and config.admin.port and str(config.admin) in public:
        yield at(
            "admin",
            text=f"is {config.admin}, which visitors use; health and metrics need an address of their own",
        )


def _consent_problems(config: Config, at: Any) -> Iterable[Problem]:
    domain = config.consent.domain
    if domain is not None and is_public_suffix(domain):
        yield at(
            "consent",
            "domain",
            text=f"is '{domain}', under which strangers have names too; no browser takes such a cookie",
        )
    elif domain is not None:
        for number, site in enumerate(config.sites):
            for host in site.hosts:
                if host != domain and not host.endswith(f".{domain}"):
                    yield at(
                        "consent",
                        "domain",
                        text=f"is '{domain}', but sites[{number}] has the host '{host}' outside it;"
                        " leave it out: hosts of one domain share an answer by themselves",
                    )
    yield from _source_problems(config, at)
    if config.consent.stands_for is not None and consent_domain(config) is None:
        text = "needs a domain that all hosts share (consent.domain), and these hosts share none"
        yield at("consent", "stands_for", text=text)


def _source_problems(config: Config, at: Any) -> Iterable[Problem]:
    source = config.consent.source
    if source is None:
        return
    tool = TOOLS[source.tool]
    if not source.purposes:
        text = f"is empty: say which purpose each name of {tool.name} is: {{ statistics: performance }}"
        yield at("consent", "source", "purposes", text=text)
    if source.cookie is None:
        return
    if not tool.renamed:
        text = f"is '{source.cookie}', but those of {tool.name} are everywhere {' and '.join(tool.cookies)}"
        yield at("consent", "source", "cookie", text=text)
    elif source.cookie == config.consent.cookie:
        yield at("consent", "source", "cookie", text="is the name of our own cookie (consent.cookie)")
