"""When a TLS certificate ends and which hosts it is for, read from its PEM file (RFC 5280).

Python's ssl module tells neither of a certificate of one's own. Only these two fields are read: OpenSSL
has judged the file before.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import NamedTuple

from proxy.errors import StartError

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----")
_UTC_TIME = 0x17
_EXTENSIONS = 0xA3
_VERSION = 0xA0
_DNS_NAME, _IP_ADDRESS = 0x82, 0x87
_OCTET_STRING = 0x04
_SUBJECT_ALT_NAME = b"\x55\x1d\x11"  # 2.5.29.17


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """The end of a certificate, and the hosts it is for; `*.` stands for one label."""

    ends: datetime
    hosts: tuple[str, ...]

    def days_left(self, now: datetime) -> float:
        """Return the days until it ends, below 0 once it has."""
        return (self.ends - now).total_seconds() / 86_400

    def covers(self, host: str) -> bool:
        """True when a browser takes it for that host (RFC 6125)."""
        bare = host.removeprefix("[").removesuffix("]")
        return bare in self.hosts or f"*.{host.partition('.')[2]}" in self.hosts


class _Element(NamedTuple):
    """One element of DER: its tag, its whole bytes' content."""

    tag: int
    content: bytes


def certificate_facts(pem: bytes) -> CertificateFacts:
    """Return the facts of the first certificate in a PEM file; StartError if there is none."""
    found = _PEM.search(pem)
    if found is None:
        raise StartError("the certificate cannot be read: its file has none in PEM")
    try:
        [certificate] = _elements(binascii.a2b_base64(found[1]))
        fields = list(_elements(_first(certificate.content).content))
        validity = list(_elements(fields[4 if fields[0].tag == _VERSION else 3].content))
        return CertificateFacts(_time(validity[1]), tuple(_alternative_names(fields)))
    except (ValueError, IndexError) as error:
        raise StartError(f"the certificate cannot be read: {error}") from None


def _elements(data: bytes) -> Iterator[_Element]:
    at = 0
    while at < len(data):
        tag, length, at = data[at], data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length, at = int.from_bytes(data[at : at + size], "big"), at + size
        yield _Element(tag, data[at : at + length])
        at += length


def _first(data: bytes) -> _Element:
    first, *_ = _elements(data)
    return first


def _time(element: _Element) -> datetime:
    text = element.content.decode("ascii")
    if element.tag == _UTC_TIME:  # RFC 5280 §4.1.2.5.1: two digits, below 50 is this century
        text = ("20" if int(text[:2]) < 50 else "19") + text
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _alternative_names(fields: list[_Element]) -> Iterator[str]:
    for extensions in (field for field in fields if field.tag == _EXTENSIONS):
        for extension in _elements(_first(extensions.content).content):
            name, *_, value = _elements(extension.content)
            if name.content == _SUBJECT_ALT_NAME and value.tag == _OCTET_STRING:
                for alternative in _elements(_first(value.content).content):
                    if alternative.tag == _DNS_NAME:
                        yield alternative.content.decode("ascii", "replace").lower()
                    elif alternative.tag == _IP_ADDRESS:
                        yield str(ip_address(alternative.content))
