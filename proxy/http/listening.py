"""Where visitors come in: sockets, TLS with certificates that change, the way from http to https."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from proxy.config.types import Config, Tls
from proxy.config.value_parsers import ListenAddress
from proxy.errors import StartError
from proxy.http.bound_sockets import bound_sockets
from proxy.http.certificate_facts import CertificateFacts, certificate_facts
from proxy.http.server import HttpServer
from proxy.telemetry.logs import log

BACKLOG = 4096
GRACE = 2.0
"""Seconds in which idle visitors may still send a request and hear that the connection closes."""


def bind(address: ListenAddress) -> list[socket.socket]:
    """Return listening sockets for an address; several processes may share its port."""
    sockets = bound_sockets(address)
    for sock in sockets:
        try:
            sock.listen(BACKLOG)
        except OSError as error:
            for one in sockets:
                one.close()
            raise StartError(f"cannot listen on {address}: {error.strerror}") from error
    return sockets


class Certificate:
    """The TLS context visitors are greeted with; `renew` takes new files for new connections."""

    def __init__(self, config: Config, tls: Tls) -> None:
        self._certificate = config.file(tls.certificate)
        self._key = config.file(tls.key)
        self._bytes = b""
        self.context = self._fresh()
        self.context.load_cert_chain(self._certificate, self._key)
        self.facts: CertificateFacts = self._facts()
        self._bytes = self._read()

    def renew(self) -> None:
        """Show the files as they are now; files that do not fit together leave the old ones shown."""
        try:
            now = self._read()
            if now == self._bytes:
                return
            self._fresh()  # both must fit before the one in use is touched
            self.context.load_cert_chain(self._certificate, self._key)
            self._bytes, self.facts = now, self._facts()
            log().info("certificate_loaded", file=self._certificate.name)
        except (OSError, StartError) as error:
            log().error("certificate_refused", file=self._certificate.name, why=str(error))

    def _facts(self) -> CertificateFacts:
        return certificate_facts(self._certificate.read_bytes())

    def _read(self) -> bytes:
        return self._certificate.read_bytes() + self._key.read_bytes()

    def _fresh(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        context.options |= ssl.OP_NO_RENEGOTIATION
        try:
            context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:
            why = next(
                (f"{file} {one}" for file in (self._certificate, self._key) if (one := _unread(file))), error
            )
            raise StartError(
                f"the certificate {self._certificate} and its key {self._key} cannot be used: {why}"
            ) from error
        return context


def _unread(file: Path) -> str | None:
    """Return why a file cannot be read, or None: OpenSSL does not say which of two it is."""
    try:
        file.read_bytes()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return None


@dataclass(slots=True)
class Listener:
    """One listening socket, and the server behind it."""

    http_server: HttpServer
    sock: socket.socket
    context: ssl.SSLContext | None = None
    _server: asyncio.Server | None = field(default=None)
    _spare: socket.socket | None = field(default=None)

    async def open(self) -> None:
        """Begin to take visitors in."""
        self._spare = self.sock.dup()
        self._server = await asyncio.get_running_loop().create_server(
            self.http_server,
            sock=self.sock,
            backlog=BACKLOG,  # it listens anew: without this with room for 100 only
            ssl=self.context,
            ssl_handshake_timeout=15 if self.context else None,
        )

    @property
    def port(self) -> int:
        """The port, also where the config left it to the machine (0)."""
        assert self._spare is not None
        return int(self._spare.getsockname()[1])

    async def shut(self) -> None:
        """Take nobody in any more; who already waits in the queue of the socket is still served."""
        if self._server is None or self._spare is None:
            return
        self._server.close()
        spare, self._spare = self._spare, None
        loop = asyncio.get_running_loop()
        waiting: list[socket.socket] = []
        with contextlib.suppress(BlockingIOError, OSError):
            while True:
                waiting.append(spare.accept()[0])
        spare.close()
        for sock in waiting:
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                await loop.connect_accepted_socket(self.http_server, sock, ssl=self.context)


async def drain(listeners: Sequence[Listener], seconds: float) -> int:
    """Stop taking visitors in and let those inside finish; returns how many were cut."""
    for listener in listeners:
        listener.http_server.draining = True
        await listener.shut()
    loop = asyncio.get_running_loop()
    until = loop.time() + min(GRACE, seconds)
    http_servers = {id(listener.http_server): listener.http_server for listener in listeners}.values()
    while loop.time() < until and any(http_server.connections for http_server in http_servers):  # noqa: ASYNC110
        await asyncio.sleep(0.02)
    left = max(0.0, seconds - GRACE)
    return sum(await asyncio.gather(*(http_server.drain(left) for http_server in http_servers)))
