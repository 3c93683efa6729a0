r"""Which host and path a browser requests for an address in a page.

Follows the URL standard where it decides the host: control characters
and spaces around are stripped, tabs and newlines inside removed, `\` is `/`.
"""

from __future__ import annotations

import base64
import binascii
import re
import string
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple
from urllib.parse import unquote, unquote_to_bytes

_AROUND: Final = "".join(map(chr, range(33)))
_INSIDE: Final = str.maketrans("", "", "\t\n\r")
# Special schemes of the URL standard. `https:host` without slashes is another host whenever the page's
# own scheme differs, which a filter cannot know: it counts as one.
_ABSOLUTE: Final = re.compile(r"(?:(?:https?|wss?|ftp):[/\\]*|[/\\]{2,})([^/\\?#]*)([^#]*)", re.IGNORECASE)
COMMON: Final = re.compile(
    r"(?:https?:)?//([a-z0-9-]+(?:\.[a-z0-9-]+)++)((?:[/?][^#\\\x00-\x20]*+)?+)(?:#|$)"
)
"""An absolute address without anything to normalise: the host, and the path with its query."""

_SCHEME: Final = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_DATA: Final = re.compile(r"data:([^,]*),(.*)", re.IGNORECASE | re.DOTALL)


class Url(NamedTuple):
    """Where a request would go; `host` is "" for the page's own origin (a relative address)."""

    host: str
    path: str  # path and query


_CANDIDATE_HOST: Final = re.compile(r"https?://([a-z0-9-]+(?:\.[a-z0-9-]+)++)/")


def srcset_hosts(text: str) -> set[str] | None:
    """Return the hosts of a `srcset`, or None where an address has to be normalised."""
    hosts = _CANDIDATE_HOST.findall(text)
    if len(hosts) != text.count("//") or len(hosts) != text.count(":") or "\\" in text:
        return None
    return set(hosts)


def cleaned(address: str) -> str:
    """Return the address without what browsers strip from it."""
    address = address.strip(_AROUND)
    if "\n" in address or "\t" in address or "\r" in address:
        return address.translate(_INSIDE)
    return address


def url_of(address: str, base: str = "") -> Url | None:
    """Return host and path of an address, or None for data:, javascript: and fragments.

    `base` is the host of a `<base href>` on another host.
    """
    if (match := COMMON.match(address)) is not None:
        return Url(match[1], _rooted(match[2]))
    address = cleaned(address)
    if (match := _ABSOLUTE.match(address)) is not None:
        # a host of nothing but dots belongs to nobody, and is not the page's own
        return Url(host_of(match[1]) or match[1], _rooted(match[2].replace("\\", "/")))
    if _SCHEME.match(address) or not address or address[0] == "#":
        return None
    return Url(base, address.partition("#")[0].replace("\\", "/"))


_PIECE: Final = re.compile(r"(?:(?:src|href|data)=[\"']?+)?+[^\s\"'`<>()]++", re.IGNORECASE)
_ATTRIBUTE: Final = re.compile(r"(?:src|href|data)=[\"']?+", re.IGNORECASE)
_ADDRESS: Final = re.compile(r"\.{0,2}/|https?:", re.IGNORECASE)
_BARE_HOST: Final = re.compile(r"(?:[\w-]++\.)++[a-z]{2,}+(?::\d++)?+/", re.IGNORECASE)


def addresses_in(string: str) -> Iterator[str]:
    """Yield what a script may load of one of its strings.

    That is the whole of it, or in a text or markup what stands in an attribute or begins as an address does.
    A host without a scheme (`example.net/a.js`) is a name in a list of hosts, and no folder of the site's.
    """
    pieces = _PIECE.findall(string.replace("\\/", "/"))
    for piece in pieces:
        attribute = _ATTRIBUTE.match(piece)
        address = piece[attribute.end() :] if attribute else piece
        if attribute or len(pieces) == 1 or _ADDRESS.match(address):
            yield f"//{address}" if _BARE_HOST.match(address) else address


def _rooted(path: str) -> str:
    return path if path.startswith("/") else "/" + path


def host_of(authority: str) -> str:
    """Return the host in an authority, as browsers spell it: lower case, no port, ASCII."""
    host = unquote(authority.rpartition("@")[2])
    if not host.isascii():
        host = _ascii(host)
    if not host.startswith("["):
        host = host.partition(":")[0]
    return host.lower().rstrip(".")


def _ascii(host: str) -> str:
    """Return an internationalised host in its ASCII form, or its normal form if it has none."""
    normal = unicodedata.normalize("NFKC", host).replace("\u3002", ".").replace("\u00ad", "").lower()
    try:
        return normal.encode("idna").decode("ascii")
    except UnicodeError:
        return normal


# what separates; or an address, then the commas it ends with, or descriptors up to a comma outside brackets
_CANDIDATE: Final = re.compile(r"[\s,]++|(\S*[^\s,])(?:,++|[^,(]*+(?:\([^)]*+\)?[^,(]*+)*+,?)")


def srcset_addresses(srcset: str) -> list[str]:
    """Return the addresses of a `srcset`, parsed as the HTML standard says."""
    return [address for address in _CANDIDATE.findall(srcset) if address]


@dataclass(frozen=True, slots=True)
class DataUrl:
    """The media type and body of a `data:` address."""

    type: str
    body: bytes


def data_url(address: str) -> DataUrl | None:
    """Return the content of a `data:` address, or None for any other address."""
    match = _DATA.match(cleaned(address))
    if match is None:
        return None
    kind, _, parameters = match[1].partition(";")
    body = unquote_to_bytes(match[2].partition("#")[0].encode("utf-8", "surrogateescape"))
    if parameters.lower().replace(" ", "").endswith("base64"):
        body = _unbase64(body)
    return DataUrl(kind.strip().lower() or "text/plain", body)


_NOT_BASE64: Final = bytes(
    set(range(256)) - set(string.ascii_letters.encode() + string.digits.encode() + b"+/")
)


def _unbase64(text: bytes) -> bytes:
    """Return the decoded bytes, of a truncated or sloppy text as many as can be read."""
    kept = text.translate(None, _NOT_BASE64)
    try:
        return base64.b64decode(kept + b"=" * (-len(kept) % 4))
    except binascii.Error:
        return base64.b64decode(kept[: len(kept) // 4 * 4])
