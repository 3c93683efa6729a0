"""Every key of the config file, as frozen dataclasses: a new key is declared here.

`loading` reads the file into these; nothing here opens a file or a socket.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from proxy.config.banner_colours import Look, build_look
from proxy.config.value_parsers import (
    AddressHeader,
    Bytes,
    ConsentToolId,
    CookieName,
    Count,
    Day,
    Duration,
    Host,
    Listen,
    ListOrSingle,
    NotEmpty,
    OwnPath,
    PathPattern,
    Rate,
    RecordsUrl,
    RequestPath,
    Seconds,
    Share,
    Switch,
    TokenHash,
    TokenName,
    TrustedNetwork,
    UpstreamHeaderName,
    UpstreamOrigin,
    WebhookUrl,
)
from proxy.policy.checked_value import Parsed, fault
from proxy.policy.model import DAY


class Section:
    """A mapping in the config file: unknown keys are problems, values are immutable."""

    __pydantic_config__: ClassVar[Any] = {"extra": "forbid"}


class Mode(Enum):
    """Whether a site's responses are changed, only judged and reported, or left alone; mildest last."""

    ENFORCE = "enforce"
    OBSERVE = "observe"
    OFF = "off"  # an emergency switch: nothing but refused Set-Cookie lines, and our own addresses

    def milder(self, other: Mode) -> Mode:
        """Return the milder of the two."""
        order = (Mode.ENFORCE, Mode.OBSERVE, Mode.OFF)
        return order[max(order.index(self), order.index(other))]


class ObserveDepth(Enum):
    """What observing looks at: responses as they are, or also what pages store and load by script."""

    HEADERS = "headers"
    PAGE = "page"


class OnError(Enum):
    """What happens to a document that cannot be parsed: refused, or passed and counted."""

    BLOCK = "block"
    PASS = "pass"  # noqa: S105 (no password)


@dataclass(frozen=True, kw_only=True)
class Tls(Section):
    """The TLS certificate shown to visitors; both files are reloaded when they change."""

    certificate: Path
    key: Path


@dataclass(frozen=True, kw_only=True)
class SiteUndeclared(Section):
    """What this site does with undeclared cookies and tags, where it differs from rules.yaml."""

    cookies: Literal["presume", "drop", "keep"] | None = None
    tags: Literal["hold", "keep"] | None = None


@dataclass(frozen=True, kw_only=True)
class SitePath(Section):
    """A part of a site that is treated more mildly: without the banner, or only observed."""

    path: Annotated[tuple[PathPattern, ...], ListOrSingle, NotEmpty]
    banner: Switch = True
    mode: Mode = Mode.ENFORCE


@dataclass(frozen=True, kw_only=True)
class SiteConfig(Section):
    """One site: the hosts that visitors request, and its upstream servers."""

    hosts: Annotated[tuple[Host, ...], ListOrSingle, NotEmpty]
    upstream: Annotated[tuple[UpstreamOrigin, ...], ListOrSingle, NotEmpty]
    rules: Path | None = None  # what may run and be stored here, instead of the rules given to the program
    mode: Mode = Mode.ENFORCE
    share: Share = 100.0  # per cent of visitors for whom it is enforced; the others are observed
    observe: ObserveDepth = ObserveDepth.HEADERS  # page: one script of ours in each page that only reports
    upstream_host: Host | None = None  # sent instead of the visitor's Host, and as SNI
    ca: Path | None = None  # CA that signs the upstream's certificate
    health: RequestPath | None = None  # path requested by the active health check
    on_error: OnError = OnError.BLOCK
    via: Switch = False  # say Via to the upstream; nginx and IIS then do not compress
    undeclared: SiteUndeclared = SiteUndeclared()
    amp: Switch = False  # AMP pages (<html amp>) get neither guard nor banner: AMP's validator refuses both
    paths: tuple[SitePath, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CoversConfig(Section):
    """What the banner of another consent tool names today, and since when it does."""

    since: Day
    providers: Annotated[tuple[str, ...], ListOrSingle, NotEmpty]


@dataclass(frozen=True, kw_only=True)
class SourceConfig(Section):
    """Another consent tool whose cookie is read as the visitor's answer (docs/consent-tools.md)."""

    tool: ConsentToolId
    purposes: Mapping[str, Annotated[tuple[str, ...], ListOrSingle, NotEmpty]]  # its names, and ours
    cookie: CookieName | None = None  # where the site calls the tool's cookie otherwise
    covers: CoversConfig | None = None  # without it no grant counts, refusals alone do
    take_over: Switch = False  # an answer is read once, then it is ours; else the tool goes on asking


def _tool_alone(value: object) -> object:
    if isinstance(value, str):
        text = f"is '{value}' alone; write {{ tool: {value}, purposes: {{ its name: our purpose }} }}"
        raise fault(text)
    return value


@dataclass(frozen=True, kw_only=True)
class ConsentConfig(Section):
    """The consent cookie, the path of the proxy's own pages, and the signing key."""

    cookie: CookieName = "consent_callkom"
    domain: Host | None = None
    path: OwnPath = "/.consent/"
    key: Path | None = None  # one key a line; the first signs, all verify
    upstream_header: UpstreamHeaderName | None = None  # tells the site's server the purposes granted, signed
    upstream_key: Path | None = None  # the key that signs it, and no cookie: the site's server may hold it
    source: Annotated[SourceConfig | None, Parsed(_tool_alone)] = (
        None  # another consent tool that asks, or asked, the visitors
    )
    stands_for: Host | None = None  # the published domain that these hosts stand for (demo, staging)
    acceptances_per_minute: Rate = 60  # of one /24 or /48; 0 where it says `no limit`
    refusals_per_minute: Rate = 60  # the same; beyond it a refusal holds, but is counted and not stored


@dataclass(frozen=True, kw_only=True)
class RecordsConfig(Section):
    """Where the records of consent are stored, and for how long."""

    url: RecordsUrl = "sqlite:///proofs.db"
    keep: Duration = 5 * 365 * DAY


def _url_alone(value: object) -> object:
    return {"url": value} if isinstance(value, str) else value


@dataclass(frozen=True, kw_only=True)
class TimeoutsConfig(Section):
    """Timeouts: head, body, write and keepalive for visitors; the others for upstreams."""

    head: Seconds = 15.0  # until the whole request head has arrived
    body: Seconds = 60.0  # between two pieces of a request's body
    write: Seconds = 60.0  # until a visitor reads what was written
    keepalive: Seconds = 75.0  # an idle connection of a visitor
    connect: Seconds = 5.0
    first_byte: Seconds = 90.0  # until the upstream's whole response head has arrived; long polls need it
    queue: Seconds = 5.0  # for a connection to the upstream, where all are busy
    idle: Seconds = 60.0  # between two pieces of the upstream's body; none for event streams
    drain: Seconds = 30.0  # after SIGTERM, for requests in flight


@dataclass(frozen=True, kw_only=True)
class LimitsConfig(Section):
    """Size limits of requests, and the number of connections to an upstream."""

    line: Bytes = 16_384
    field: Bytes = 32_768
    fields: Count = 256
    head: Bytes = 65_536  # line and fields together
    body: Bytes | None = None  # of a request; none: any size, streamed
    form: Bytes = 8_192  # bodies sent to the proxy's own addresses: forms, reports
    connections: Count = 1024  # to one upstream
    slowest: Bytes = 240  # a second that a visitor has to read at least, over `timeouts.write`


@dataclass(frozen=True, kw_only=True)
class BannerConfig(Section):
    """How the banner and the proxy's own pages look: a theme, four colours for light and for dark."""

    theme: Literal["auto", "light", "dark"] = "auto"
    light: Mapping[str, str] = field(default_factory=dict)
    dark: Mapping[str, str] = field(default_factory=dict)

    def look(self) -> Look:
        """Return the look; ValueError for unknown colours or too little contrast."""
        known = {"act", "on", "bg", "ink"}
        if strange := sorted({*self.light, *self.dark} - known):
            raise ValueError(f"banner has no colour '{strange[0]}'; known are act, on, bg, ink")
        return build_look(self.theme, dict(self.light), dict(self.dark))


@dataclass(frozen=True, kw_only=True)
class RelayConfig(Section):
    """How the form relay connects to providers; by default as their names resolve publicly."""

    # addresses that replace DNS for hosts of `relay:` rules: a gateway, a test
    resolve: Mapping[Host, Listen] = field(default_factory=dict)
    ca: Path | None = None  # CA that signs their certificates


@dataclass(frozen=True, kw_only=True)
class AlertsConfig(Section):
    """Where it is told that a site loads or stores something new (docs/operations.md)."""

    url: WebhookUrl
    secret: Path | None = None  # a file; its key signs id, time and body
    format: Literal["json", "slack", "teams"] = "json"
    allow_private: Switch = False  # the address may lead into a private network


@dataclass(frozen=True, kw_only=True)
class ConsoleToken(Section):
    """Who may sign in to the console: their name in the log, what they may do, the hash of their token."""

    name: TokenName
    roles: Annotated[tuple[Literal["view", "records", "reload"], ...], ListOrSingle, NotEmpty]
    hash: TokenHash


@dataclass(frozen=True, kw_only=True)
class ConsoleConfig(Section):
    """The console on the admin address; without a token there is none."""

    tokens: Annotated[tuple[ConsoleToken, ...], ListOrSingle] = ()


@dataclass(frozen=True, kw_only=True)
class LogConfig(Section):
    """What is written to standard output."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    requests: Switch = True  # log `request_relayed` for each request
    style: Literal["json", "console"] = "json"


@dataclass(frozen=True, kw_only=True)
class TrustedProxy(Section):
    """Networks of proxies in front of this one, and the one header that is believed from them."""

    networks: Annotated[tuple[TrustedNetwork, ...], ListOrSingle, NotEmpty]
    header: AddressHeader = "X-Forwarded-For"


def _network_alone(value: object) -> object:
    return value if isinstance(value, dict | TrustedProxy) else {"networks": [value]}


@dataclass(frozen=True, kw_only=True)
class Config(Section):
    """The whole config file."""

    listen: Annotated[tuple[Listen, ...], ListOrSingle, NotEmpty]
    sites: Annotated[tuple[SiteConfig, ...], NotEmpty]
    tls: Tls | None = None
    redirect: Annotated[tuple[Listen, ...], ListOrSingle] = ()  # plain HTTP listeners that redirect to https
    admin: Listen | None = None
    admin_hosts: Annotated[
        tuple[Host, ...], ListOrSingle
    ] = ()  # names by which the admin address may be asked
    console: ConsoleConfig = ConsoleConfig()
    records: Annotated[RecordsConfig, Parsed(_url_alone)] = RecordsConfig()
    consent: ConsentConfig = ConsentConfig()
    own: Annotated[tuple[Host, ...], ListOrSingle] = ()
    trusted_proxies: Annotated[tuple[Annotated[TrustedProxy, Parsed(_network_alone)], ...], ListOrSingle] = ()
    purge: Annotated[tuple[TrustedNetwork, ...], ListOrSingle] = ()  # visitors whose PURGE is passed on
    cloudflare: Switch = False  # trust CF-Connecting-IP from Cloudflare's networks
    workers: Count = 1
    languages: Path | None = None  # a folder of *.yaml whose texts replace the shipped ones
    language: str | None = None  # for pages without a lang; default: the browser's Accept-Language
    banner: BannerConfig = BannerConfig()
    timeouts: TimeoutsConfig = TimeoutsConfig()
    limits: LimitsConfig = LimitsConfig()
    relay: RelayConfig = RelayConfig()
    alerts: AlertsConfig | None = None
    log: LogConfig = LogConfig()
    _folder: ClassVar[Path] = Path()

    def at(self, folder: Path) -> Config:
        """Return this config with its relative paths relative to that folder."""
        object.__setattr__(self, "_folder", folder)
        return self

    def file(self, path: Path) -> Path:
        """Return a path of the config, relative to the config's folder."""
        return self._folder / path

    @property
    def hosts(self) -> frozenset[str]:
        """Every configured host."""
        return frozenset(host for site in self.sites for host in site.hosts)
