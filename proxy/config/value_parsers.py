"""Parsers for single values of the config file: addresses, networks, durations, sizes.

Each parser raises a fault whose text completes `config.yaml:3:9: listen ...`.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from proxy.consent.tools.known import TOOLS
from proxy.policy.checked_value import Checked, Parsed, fault
from proxy.policy.durations import EXAMPLES, parse_date, parse_duration
from proxy.policy.model import DAY

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_SECONDS = {"": 1.0, "ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_BYTES = {
    "": 1,
    "B": 1,
    "KiB": 1024,
    "kB": 1000,
    "MiB": 1024**2,
    "MB": 1000**2,
    "GiB": 1024**3,
    "GB": 1000**3,
}
_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([A-Za-z]*)", re.ASCII)
_HOST = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host and a port to listen on; an empty host is every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_listen_address(value: object) -> ListenAddress:
    """Return where to listen: `127.0.0.1:8080`, `[::1]:8080`, `:8080` or `8080`."""
    if isinstance(value, ListenAddress):
        return value
    text = str(value)
    host, _, port = text.rpartition(":")
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if not port.isascii() or not port.isdigit() or int(port) > 65_535 or (":" in bare and bare is host):
        raise fault(f"is '{text}'; write host:port, such as 127.0.0.1:8080")
    return ListenAddress(bare, int(port))


def read_host(value: object) -> str:
    """Return a host name in lower case, as sites are matched: no scheme, no port, no path."""
    text = str(value).lower().removesuffix(".")
    if not _HOST.fullmatch(text) and not is_address(text):
        ascii_name = _idna(text)
        hint = f"; write it as {ascii_name!r}" if ascii_name else "; write only the name, such as callkom.io"
        raise fault(f"is '{value!s}'{hint}")
    return text


def _idna(text: str) -> str | None:
    """Return the xn-- form of an international name, or the host inside an address, or None."""
    if "//" in text or ":" in text:
        return urlsplit(text if "//" in text else f"//{text}").hostname
    try:
        return text.encode("idna").decode() if not text.isascii() else None
    except UnicodeError:
        return None


def is_address(host: str) -> bool:
    """True when a host is an IP address, with or without brackets: it has no parent domain."""
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def read_upstream_origin(value: object) -> str:
    """Return `scheme://host[:port]` of an upstream server."""
    text = str(value)
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise fault(f"is '{text}'; write http:// or https://, a host and maybe a port")
    if not parts.hostname.isascii():
        known = _idna(parts.hostname)
        hint = f"as {known!r}" if known else "as xn--..."
        raise fault(f"is '{text}'; write its host in ASCII, {hint}")
    if parts.path not in {"", "/"} or parts.query or parts.fragment or parts.username is not None:
        raise fault(f"is '{text}'; only scheme, host and port belong here, paths come from the visitor")
    try:
        port = parts.port
    except ValueError:
        raise fault(f"is '{text}'; its port is not a number from 1 to 65535") from None
    if port == 0:
        raise fault(f"is '{text}'; its port is not a number from 1 to 65535")
    return f"{parts.scheme}://{parts.netloc}"


def read_network(value: object) -> Network:
    """Return a network of addresses: `10.0.0.0/8`, `2001:db8::/32` or one address."""
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        return ipaddress.ip_network(str(value))
    except ValueError as error:
        raise fault(f"is '{value!s}'; {error}") from None


ADDRESS_HEADERS = (
    "X-Forwarded-For",
    "Forwarded",
    "X-Real-IP",
    "CF-Connecting-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
    "X-Azure-ClientIP",
    "CloudFront-Viewer-Address",
)
"""The headers of which a trusted proxy may name one: it says who the visitor is."""


def read_address_header(value: object) -> str:
    """Return the header, spelt as in ADDRESS_HEADERS."""
    found = next((name for name in ADDRESS_HEADERS if name.lower() == str(value).lower()), None)
    if found is None:
        raise fault(f"is '{value!s}'; write one of {', '.join(ADDRESS_HEADERS)}")
    return found


def read_seconds(value: object) -> float:
    """Return seconds of `15 s`, `500 ms`, `2 min`, `1 h` or a bare number."""
    if isinstance(value, int | float):
        return float(value)
    return _quantity(value, _SECONDS, "write a time such as 15 s, 500 ms or 2 min")


def read_bytes(value: object) -> int:
    """Return bytes of `16 KiB`, `10 MB` or a bare number."""
    return int(_quantity(value, dict(_BYTES), "write a size such as 16 KiB or 10 MB"))


def _quantity(value: object, units: dict[str, float], help_: str) -> float:
    found = _QUANTITY.fullmatch(str(value).strip())
    if not found or found[2] not in units:
        raise fault(f"is '{value!s}'; {help_}")
    return float(found[1]) * units[found[2]]


def read_share(value: object) -> float:
    """Return the per cent of `10 %`, above 0 and at most 100."""
    if isinstance(value, float):
        return value
    found = re.fullmatch(r"([0-9]{1,3}(?:\.[0-9]{1,3})?) ?%", str(value).strip())
    if found is None or not 0 < float(found[1]) <= 100:
        raise fault(f"is '{value!s}'; write a part of all visitors such as 10 %")
    return float(found[1])


def read_switch(value: object) -> bool:
    """Return whether `yes`/`on`/`true` or `no`/`off`/`false` is written."""
    if isinstance(value, bool):
        return value
    match str(value).lower():
        case "yes" | "on" | "true":
            return True
        case "no" | "off" | "false":
            return False
        case _:
            raise fault(f"is '{value!s}'; write yes or no")


def read_count(value: object) -> int:
    """Return a whole number above 0."""
    if isinstance(value, int):
        return value
    text = str(value)
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 1_000_000:
        raise fault(f"is '{text}'; write a whole number above 0")
    return int(text)


def read_rate(value: object) -> int:
    """Return a whole number, 0 for `no limit`."""
    return 0 if value == "no limit" else read_count(value)


def read_path_prefix(value: object) -> str:
    """Return the path prefix of the proxy's own addresses, matched byte for byte."""
    text = str(value)
    if not re.fullmatch(r"/[A-Za-z0-9._-]+/", text):
        raise fault(f"is '{text}'; write one folder such as /.consent/, beginning and ending with '/'")
    return text


_TAKEN = [
    "accept",
    "accept-encoding",
    "accept-language",
    "authorization",
    "cdn-loop",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "forwarded",
    "host",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "keep-alive",
    "origin",
    "range",
    "referer",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "via",
    "x-real-ip",
    "x-request-id",
]
"""Names of request headers that mean something else."""


def read_cookie_name(value: object) -> str:
    """Return a cookie name of letters, digits, `_` and `-`."""
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise fault(f"is '{text}'; a name here is made of letters, digits, '_' and '-'")
    return text


def read_upstream_header(value: object) -> str:
    """Return the name of a request header that the proxy sends upstream and takes from nobody."""
    text = str(value)
    taken = text.lower() in _TAKEN or text.lower().startswith(("x-forwarded", "sec-", "proxy-"))
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{1,63}", text) or taken:
        raise fault(f"is '{text}'; write a name of its own, of letters, digits and '-', such as X-Consent")
    return text


def read_request_path(value: object) -> str:
    """Return a path to request from an upstream."""
    text = str(value)
    if not re.fullmatch(r"/[!-~]*", text):
        raise fault(f"is '{text}'; write a path such as /health")
    return text


def read_path_pattern(value: object) -> str:
    """Return a path of a site, decoded: with `*` for any text, or with all that is below it."""
    text = str(value)
    if not text.startswith("/"):
        raise fault(f"is '{text}'; a path begins with '/', such as /wp-admin")
    if "%" in text or "?" in text or "//" in text or "\\" in text or ";" in text or "/../" in text:
        raise fault(f"is '{text}'; write the path as it is routed: decoded, without a query")
    return text


def read_records_url(value: object) -> str:
    """Return the URL of a record store."""
    text = str(value)
    if not text.startswith(("sqlite:///", "postgresql://")) or text == "sqlite:///":
        raise fault(f"is '{text.rpartition('@')[2]}'; write sqlite:///FILE or postgresql://...")
    return text


def read_webhook_url(value: object) -> str:
    """Return the address that takes alerts: https, or http on this very machine."""
    text = str(value)
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise fault("is no address; write https://...") from None
    if parts.scheme == "http" and (host == "localhost" or host.startswith("127.") or host == "::1"):
        return text
    if parts.scheme != "https" or not host or parts.username is not None or not text.isascii():
        raise fault(f"is at '{host}'; write https://..., or http://127.0.0.1 on this machine")
    return text


def read_duration(value: object) -> int:
    """Return the seconds in `5 years`."""
    if isinstance(value, int):
        return value
    found = parse_duration(str(value))
    if found is None or found.seconds is None:
        raise fault(f"is '{value}', which is no duration; write {EXAMPLES}")
    return found.seconds


def read_consent_tool(value: object) -> str:
    """Return the id of a consent tool whose cookie can be read."""
    text = str(value)
    if text in TOOLS:
        return text
    from difflib import get_close_matches  # noqa: PLC0415 - who serves reads nothing

    names = {tool.name.lower(): tool.id for tool in TOOLS.values()} | {id_: id_ for id_ in TOOLS}
    near = get_close_matches(text.lower(), names, n=1, cutoff=0.6)
    known = f"; did you mean '{names[near[0]]}'?" if near else f"; it can be {', '.join(TOOLS)}"
    raise fault(f"is '{text}'{known}")


def read_day(value: object) -> int:
    """Return when the day begins (UTC, seconds since 1970) in `2026-11-30`."""
    if isinstance(value, int):
        return value
    ends = parse_date(str(value))
    if ends is None:
        raise fault(f"is '{value}', which is no day; write it as 2026-11-30")
    return ends - DAY


_TOKEN_HASH = re.compile(r"scrypt\$1[0-6]\$8\$1\$[A-Za-z0-9_-]{22}\$[A-Za-z0-9_-]{43}")


def read_token_name(value: object) -> str:
    """Return by which name the log speaks of a token of the console."""
    text = str(value)
    if not re.fullmatch(r"[A-Za-z0-9._-]{1,40}", text):
        raise fault(f"is '{text}'; a name here is made of letters, digits, '.', '_' and '-'")
    return text


def read_token_hash(value: object) -> str:
    """Return the hash of a token of the console; what stands there instead may be a token and is not told."""
    text = str(value)
    if not _TOKEN_HASH.fullmatch(text):
        raise fault("is no hash of a token; `consent-proxy console-token` makes a token and the line for it")
    return text


def _as_list(value: object) -> object:
    """Return a list of a value that may be written as a list or as a single item."""
    return value if isinstance(value, list | tuple) else [value]


def _not_empty(value: tuple[object, ...]) -> tuple[object, ...]:
    if not value:
        raise fault("is an empty list; at least one belongs here")
    return value


ListOrSingle = Parsed(_as_list)
NotEmpty = Checked(_not_empty)
Listen = Annotated[ListenAddress, Parsed(read_listen_address)]
Host = Annotated[str, Parsed(read_host)]
UpstreamOrigin = Annotated[str, Parsed(read_upstream_origin)]
TrustedNetwork = Annotated[Network, Parsed(read_network)]
AddressHeader = Annotated[str, Parsed(read_address_header)]
Seconds = Annotated[float, Parsed(read_seconds)]
Bytes = Annotated[int, Parsed(read_bytes)]
Share = Annotated[float, Parsed(read_share)]
Switch = Annotated[bool, Parsed(read_switch)]
Count = Annotated[int, Parsed(read_count)]
Rate = Annotated[int, Parsed(read_rate)]
OwnPath = Annotated[str, Parsed(read_path_prefix)]
CookieName = Annotated[str, Parsed(read_cookie_name)]
PathPattern = Annotated[str, Parsed(read_path_pattern)]
UpstreamHeaderName = Annotated[str, Parsed(read_upstream_header)]
RequestPath = Annotated[str, Parsed(read_request_path)]
WebhookUrl = Annotated[str, Parsed(read_webhook_url)]
RecordsUrl = Annotated[str, Parsed(read_records_url)]
Duration = Annotated[int, Parsed(read_duration)]
ConsentToolId = Annotated[str, Parsed(read_consent_tool)]
Day = Annotated[int, Parsed(read_day)]
TokenName = Annotated[str, Parsed(read_token_name)]
TokenHash = Annotated[str, Parsed(read_token_hash)]
