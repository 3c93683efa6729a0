"""Names as they may be kept: valid, short, and without what looks like an id or an address.

Names come from pages and from browsers, which strangers control. What is no host, no token and no
key of storage is refused; parts that look like ids, e-mail or IP addresses become a `*`, in paths too.
"""

from __future__ import annotations

import re
from enum import Enum

from proxy.policy.hosts import registrable

LONGEST_NAME = 128
"""Bytes of the longest name that is kept."""

LONGEST_PATH = 120
"""Characters of the longest example path."""

_ID = re.compile(
    r"[^\s/=]*(?:@|%40)[^\s/=]*"  # an e-mail address
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d.])"  # an IPv4 address
    r"|[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}"  # an IPv6 address
    r"|(?<![0-9A-Za-z])(?=[A-Za-z]*\d)(?=\d*[A-Za-z])[0-9A-Za-z]{12,}"  # a random token
    r"|(?<![0-9A-Za-z])(?=[a-fA-F-]*\d)[0-9a-fA-F-]{8,}(?![0-9A-Za-z])|\d{4,}"
)
_HOST = re.compile(
    r"(?=.{1,128}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9_-]{1,63}|\[[0-9a-f:]+\]"
)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z:\[\]()/-]+")
_CALL = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,63}")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
_LABEL_ID = re.compile(r"(?=.*\d)[0-9a-f-]{16,}|[0-9]{6,}")
_RUNS = re.compile(r"\*{2,}")


class Kind(Enum):
    """What a name names."""

    HOST = "host"
    COOKIE = "cookie"
    KEY = "key"  # of localStorage or sessionStorage, or the name of a database or a cache
    CALL = "call"  # of a provider's function: the name of a global queue
    PAGE = "page"  # that could not be read


class Side(Enum):
    """Where a name was met."""

    MARKUP = "markup"
    HTTP = "http"
    SCRIPT = "script"
    WORKER = "worker"
    STYLE = "style"


def kept_name(kind: Kind, name: str) -> str | None:
    """Return a name as it is kept, None for what is no such name."""
    if kind is Kind.HOST:
        return _kept_host(name.lower().rstrip("."))
    if kind is Kind.PAGE:
        return kept_path(name) if name.startswith("/") else None
    try:
        size = len(name.encode("utf-8"))
    except UnicodeEncodeError:
        return None
    if not 0 < size <= LONGEST_NAME or _UNPRINTABLE.search(name) or name != name.strip():
        return None
    if kind is Kind.COOKIE and not _TOKEN.fullmatch(name):
        return None
    if kind is Kind.CALL and not _CALL.fullmatch(name):
        return None
    return without_addresses(name)


def kept_path(path: str) -> str:
    """Return a path as an example: no query, ids masked, printable ASCII, short."""
    bare = path.partition("?")[0].partition("#")[0].partition(";")[0]
    masked = "/".join(without_addresses(segment) for segment in bare[: 4 * LONGEST_PATH].split("/"))
    text = "".join(letter if "!" <= letter <= "~" and letter not in "\"'`<>\\" else "?" for letter in masked)
    return text[:LONGEST_PATH]


def without_addresses(text: str) -> str:
    """Return text in which each part that looks like an id or an address is a `*`."""
    return _RUNS.sub("*", _ID.sub("*", text))


def _kept_host(host: str) -> str | None:
    if not _HOST.fullmatch(host) or ".." in host:
        return None
    labels = host.split(".")
    if labels[-1].isdigit() or host.startswith("["):
        return host
    owned = (registrable(host) or host).count(".") + 1
    masked = ["*" if _LABEL_ID.fullmatch(label) else label for label in labels[:-owned]]
    return ".".join([*masked, *labels[-owned:]])
