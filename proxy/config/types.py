"""Where the program runs and how it speaks: the config file, frozen and checked.

Reported like rules.yaml: every problem at once, each with its line and column.
config_file.py reads it; nothing here opens a file or a socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from proxy.config.look import Look, look_of
from proxy.config.units import (
    Bytes,
    CookieName,
    Count,
    Host,
    Lasts,
    Listen,
    Many,
    Networks,
    Origin,
    OwnPath,
    Rate,
    RecordsUrl,
    Seconds,
    Some,
    Switch,
    Target,
)
from proxy.policy.checked_value import Parsed
from proxy.policy.model import DAY


class Part:
    """A mapping of the config file: unknown keys are faults, nothing changes later."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


class Mode(Enum):
    """Whether a site's answers are changed, or only judged and reported (first rollout)."""

    ENFORCE = "enforce"
    OBSERVE = "observe"


class OnError(Enum):
    """What becomes of a document that cannot be read: refused, or passed and counted."""

    BLOCK = "block"
    PASS = "pass"  # noqa: S105 (no password)


@dataclass(frozen=True, kw_only=True)
class Tls(Part):
    """The certificate shown to visitors; both files are read again when they change."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class SiteUndeclared(Part):
    """What this site does with what no rule speaks of, where it differs from rules.yaml."""

    cookies: Literal["drop", "keep"] | None = None
    tags: Literal["hold", "keep"] | None = None


@dataclass(frozen=True, kw_only=True)
class SiteConfig(Part):
    """One site: the hosts visitors ask for, and the servers that answer."""

    hosts: Annotated[tuple[Host, ...], Many, Some]
    upstream: Annotated[tuple[Origin, ...], Many, Some]
    mode: Mode = Mode.ENFORCE
    upstream_host: Host | None = None  # sent instead of the visitor's Host, and as SNI
    ca: Path | None = None  # authority that signs the upstream's certificate
    health: Target | None = None  # a path asked now and then
    on_error: OnError = OnError.BLOCK
    undeclared: SiteUndeclared = SiteUndeclared()


@dataclass(frozen=True, kw_only=True)
class ConsentConfig(Part):
    """The consent cookie, the addresses of our own, and the key that signs."""

    cookie: CookieName = "consent_callkom"
    domain: Host | None = None
    path: OwnPath = "/.consent/"
    key: Path | None = None  # one key a line; the first signs, all are believed
    stands_for: Host | None = None  # the published domain that these hosts stand for (demo, staging)
    acceptances_per_minute: Rate = 60  # of one /24 or /48; 0 where it says `no limit`
    refusals_per_minute: Rate = 60  # the same; beyond it a refusal holds, but is counted and not stored


@dataclass(frozen=True, kw_only=True)
class RecordsConfig(Part):
    """Where the proofs of consent are kept, and for how long."""

    url: RecordsUrl = "sqlite:///proofs.db"
    keep: Lasts = 5 * 365 * DAY


def _address_alone(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class TimeoutsConfig(Part):
    """How long we wait: of visitors head, body, write, keepalive; of upstreams the rest."""

    head: Seconds = 15.0  # the whole request head, however slowly it drips
    body: Seconds = 60.0  # between two pieces of a request's body
    write: Seconds = 60.0  # for a visitor who does not read
    keepalive: Seconds = 75.0  # an idle connection of a visitor
    connect: Seconds = 5.0
    first_byte: Seconds = 30.0  # the whole head of the upstream's answer
    idle: Seconds = 60.0  # between two pieces of the upstream's body; none for event streams
    drain: Seconds = 30.0  # after SIGTERM, for requests in flight


@dataclass(frozen=True, kw_only=True)
class LimitsConfig(Part):
    """How much we take."""

    line: Bytes = 16_384
    field: Bytes = 32_768
    fields: Count = 256
    head: Bytes = 65_536  # line and fields together
    body: Bytes | None = None  # of a request; none: any size, streamed
    form: Bytes = 8_192  # our own forms and reports
    connections: Count = 256  # to one upstream


@dataclass(frozen=True, kw_only=True)
class BannerConfig(Part):
    """How banner and pages of ours look: a theme, and four colours for light and for dark."""

    theme: Literal["auto", "light", "dark"] = "auto"
    light: Mapping[str, str] = field(default_factory=dict)
    dark: Mapping[str, str] = field(default_factory=dict)

    def look(self) -> Look:
        """Return the look; ValueError where colours are unknown or cannot be read by everybody."""
        known = {"act", "on", "bg", "ink"}
        if strange := sorted({*self.light, *self.dark} - known):
            raise ValueError(f"banner has no colour '{strange[0]}'; known are act, on, bg, ink")
        return look_of(self.theme, dict(self.light), dict(self.dark))


@dataclass(frozen=True, kw_only=True)
class RelayConfig(Part):
    """How the form relay reaches providers; without a word, as their names resolve publicly."""

    # a host of `relay:` and where it is instead: a gateway, a test
    resolve: Mapping[Host, Listen] = field(default_factory=dict)
    ca: Path | None = None  # authority that signs there


@dataclass(frozen=True, kw_only=True)
class LogConfig(Part):
    """What is written to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    requests: Switch = True  # a record for each request
    style: Literal["json", "console"] = "json"


@dataclass(frozen=True, kw_only=True)
class Config(Part):
    """All of the config file."""

    listen: Annotated[tuple[Listen, ...], Many, Some]
    sites: Annotated[tuple[SiteConfig, ...], Some]
    tls: Tls | None = None
    redirect: Annotated[tuple[Listen, ...], Many] = ()  # plain HTTP that sends visitors to https
    admin: Listen | None = None
    records: Annotated[RecordsConfig, Parsed(_address_alone)] = RecordsConfig()
    consent: ConsentConfig = ConsentConfig()
    own: Annotated[tuple[Host, ...], Many] = ()
    trusted_proxies: Annotated[tuple[Networks, ...], Many] = ()
    cloudflare: Switch = False  # believe CF-Connecting-IP from Cloudflare's networks
    workers: Count = 1
    languages: Path | None = None  # a folder of *.yaml whose words replace ours
    language: str | None = None  # spoken on pages that name none; else what the visitor's browser asks for
    banner: BannerConfig = BannerConfig()
    timeouts: TimeoutsConfig = TimeoutsConfig()
    limits: LimitsConfig = LimitsConfig()
    relay: RelayConfig = RelayConfig()
    log: LogConfig = LogConfig()
    _folder: ClassVar[Path] = Path()

    def at(self, folder: Path) -> Config:
        """Return this config, its relative paths counting from that folder."""
        object.__setattr__(self, "_folder", folder)
        return self

    def file(self, path: Path) -> Path:
        """Return a path of the config, which counts from the config's own folder."""
        return self._folder / path

    @property
    def hosts(self) -> frozenset[str]:
        """Every configured host."""
        return frozenset(host for site in self.sites for host in site.hosts)
