"""What `explain --live URL` and `explain FILE.har` read: a page and what it sets, what a browser asked."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, replace
from email.message import Message
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from proxy.commands.terminal import fail

LONGEST = 5_000_000
"""Bytes of a page that are read."""

PATIENCE = 10.0
MOST = 500
"""Addresses of a HAR file that are judged."""

Kind = Literal["url", "cookie", "header"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something that was asked or set."""

    kind: Kind
    text: str
    host: str  # whose response it was


@dataclass(frozen=True, slots=True)
class Traffic:
    """What was read: the page, if there is one, and everything around it."""

    title: str
    host: str
    page: str
    subjects: tuple[Subject, ...]

    def seen_at(self, host: str | None) -> list[Subject]:
        """Return the subjects, those of the page's own host as if they were at this one."""
        return [replace(one, host=host) if host and one.host == self.host else one for one in self.subjects]


class _LoopbackConnection(http.client.HTTPConnection):
    """Looks for *.localhost on this machine, as browsers do; not every resolver does."""

    def connect(self) -> None:
        if not self.host.endswith(".localhost"):
            return super().connect()
        self.sock = socket.create_connection(("localhost", self.port), self.timeout)
        return None


class _Loopback(urllib.request.HTTPHandler):
    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self.do_open(_LoopbackConnection, req)


def fetched(address: str) -> Traffic:
    """Return a page as its server sends it now, with what its headers set and load."""
    if urlsplit(address).scheme not in ("http", "https"):
        fail(f"{address!r} is no address of a page; write https://...", 2)
    asked = urllib.request.Request(  # noqa: S310 - http and https only, from the command line
        address, headers={"Accept": "text/html,*/*;q=0.8", "User-Agent": "consent-proxy explain"}
    )
    try:
        with urllib.request.build_opener(_Loopback).open(asked, timeout=PATIENCE) as response:
            body, headers, at, status = (
                response.read(LONGEST),
                response.headers,
                response.url,
                response.status,
            )
    except urllib.error.HTTPError as error:
        body, headers, at, status = error.read(LONGEST), error.headers, error.url, error.code
    except (OSError, ValueError) as error:
        why = getattr(error, "reason", error)
        fail(f"{address} cannot be fetched: {getattr(why, 'strerror', None) or why}")
    host = urlsplit(at).hostname or ""
    charset = headers.get_content_charset() or "utf-8"
    is_page = "html" in headers.get_content_type()
    try:
        text = body.decode(charset, "replace") if is_page else ""
    except LookupError:
        text = body.decode("utf-8", "replace")
    kind = "" if is_page else f", {headers.get_content_type()}"
    return Traffic(f"{at}  ({status}{kind})", host, text, tuple(_of_headers(headers, host)))


def _of_headers(headers: Message, host: str) -> Iterator[Subject]:
    for name, value in headers.items():
        if name.lower() == "set-cookie":
            yield Subject("cookie", without_value(value), host)
        elif name.lower() in ("link", "nel", "report-to", "reporting-endpoints", "accept-ch", "set-login"):
            yield Subject("header", f"{name}: {value}", host)


def read_har(path: Path) -> Traffic | None:
    """Return what a HAR file holds; None for one that is not there or holds a page."""
    try:
        text = path.read_text("utf-8-sig", "replace")
    except OSError:
        return None
    try:
        entries = json.loads(text)["log"]["entries"]
    except (ValueError, KeyError, TypeError, RecursionError):
        entries = None
        if text.lstrip().startswith("<"):
            return None
    if not isinstance(entries, list):
        fail(f"{path} is no HAR file: it is no JSON with `log` and its `entries`")
    page, host = "", ""
    subjects: dict[Subject, None] = {}
    for entry in entries[: 20 * MOST]:
        request, response = _part(entry, "request"), _part(entry, "response")
        address = str(request.get("url", ""))
        at = _host(address)
        content = _part(response, "content")
        if not host and "html" in str(content.get("mimeType", "")):
            page, host = str(content.get("text", "")), at
        if at and len(subjects) < MOST:
            subjects[Subject("url", address.partition("?")[0].partition("#")[0], at)] = None
        for header in response.get("headers") or ():
            if isinstance(header, dict) and str(header.get("name", "")).lower() == "set-cookie":
                for line in str(header.get("value", "")).splitlines():
                    subjects[Subject("cookie", without_value(line), at)] = None
    return Traffic(f"{path}  ({len(entries)} requests)", host, page, tuple(subjects))


def without_value(line: str) -> str:
    """Return a Set-Cookie line with a `*` for its value: a report is passed on, and no value decides."""
    pair, semicolon, attributes = line.partition(";")
    name, equals, _ = pair.partition("=")
    return f"{name}=*{semicolon}{attributes}" if equals and name.strip() else line


def _part(of: Any, name: str) -> dict[str, Any]:
    found = of.get(name) if isinstance(of, dict) else None
    return found if isinstance(found, dict) else {}


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""
