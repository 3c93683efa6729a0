"""Logs: JSON, one record a line, whatever a visitor sends.

Nothing here ever sees a query, a cookie's value or a whole address of a visitor: callers
pass a path and `network_of(address)`. Records of one turn of the loop leave in one write.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, BinaryIO


@contextlib.contextmanager
def _without(module: str) -> Iterator[None]:
    """Let a module seem not to be installed while another one is imported."""
    if module in sys.modules:
        yield
        return
    sys.modules[module] = None  # type: ignore[assignment] # how Python writes it
    try:
        yield
    finally:
        del sys.modules[module]


with _without("rich"):  # structlog would bring it in, 5 MB for colours that we never show
    import structlog

EVENTS = (
    "serving_started",
    "serving_stopped",
    "request_relayed",
    "tag_held",
    "cookie_dropped",
    "cookie_capped",
    "header_dropped",
    "request_answered",
    "consent_recorded",
    "consent_unproven",
    "consent_counted",
    "consent_limit_blind",
    "records_failed",
    "records_restored",
    "proofs_erased",
    "chain_heads_kept",
    "form_relay_failed",
    "policy_loaded",
    "policy_refused",
    "policy_doubted",
    "certificate_loaded",
    "certificate_refused",
    "upstream_failed",
    "document_unreadable",
    "document_passed_unread",
    "site_never_observed",
    "worker_started",
    "worker_ended",
    "request_broken",
)
"""Every event there is; a test compares them with the code."""

_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=str).encode
json_text = json.encoder.encode_basestring_ascii
"""Write a text as JSON, in ASCII, in one line."""

_LEVELS = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Lines:
    """Bytes lines to a stream, gathered until the loop turns, so that a burst is one write."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._waiting: list[bytes] = []

    def write(self, line: bytes) -> None:
        """Take one line; outside a running loop it is written at once."""
        self._waiting.append(line)
        if len(self._waiting) > 1:
            return
        try:
            asyncio.get_running_loop().call_soon(self.flush)
        except RuntimeError:
            self.flush()

    def flush(self) -> None:
        """Write what was taken."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        try:
            self._stream.write(b"\n".join(waiting) + b"\n")
            self._stream.flush()
        except (OSError, ValueError):
            pass  # a reader of our logs that went away must not end our work


class _LineLogger:
    """What structlog calls with a finished record."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines

    def msg(self, message: str) -> None:
        self._lines.write(message.encode("ascii", "backslashreplace"))

    debug = info = warning = error = critical = exception = log = msg


@lru_cache(maxsize=2)
def _second(now: int) -> str:
    return datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S")


@lru_cache(maxsize=2)
def _moment(now: int) -> str:
    return f"{_second(now // 1000)}.{now % 1000:03d}Z"


def stamp() -> str:
    """Return the time as records carry it."""
    return _moment(time.time_ns() // 1_000_000)


def _stamp(_: Any, level: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    record = {"at": stamp(), "level": level}
    record.update(event)
    return record


def _json(_: Any, __: str, event: MutableMapping[str, Any]) -> str:
    return _encode(event)


def start_logs(level: str = "info", style: str = "json", stream: BinaryIO | None = None) -> Lines:
    """Send all records to `stream` (standard output); returns the lines, to flush at the end."""
    lines = Lines(stream or sys.stdout.buffer)
    render: Callable[..., Any] = _json if style == "json" else structlog.dev.ConsoleRenderer(colors=False)
    processors: list[Any] = [_stamp, structlog.processors.format_exc_info, render]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_: _LineLogger(lines),
        cache_logger_on_first_use=False,
    )
    _current.logger = None
    _current.lines = lines if style == "json" and level in ("debug", "info") else None
    foreign = logging.getLogger()
    foreign.handlers[:] = [_Foreign()]
    foreign.setLevel(max(_LEVELS[level], logging.WARNING))
    return lines


class _Foreign(logging.Handler):
    """Records of libraries, as one line of ours each, without their arguments' secrets."""

    def emit(self, record: logging.LogRecord) -> None:
        log().warning("request_broken", library=record.name, message=str(record.msg)[:200])


@dataclass(slots=True)
class _Current:
    """The logger in force, bound once, and where JSON records may go without it."""

    logger: structlog.typing.FilteringBoundLogger | None = None
    lines: Lines | None = None


_current = _Current()


def log() -> structlog.typing.FilteringBoundLogger:
    """Return the logger."""
    if _current.logger is None:
        _current.logger = structlog.get_logger().bind()
    return _current.logger


def log_request(said: str) -> None:
    """Write request_relayed, the one record of every request, as `log` would and in a tenth of its time.

    `said` is the record's inside as JSON, in ASCII, without braces: whoever writes thousands a second
    has most of it at hand.
    """
    if _current.lines is not None:
        line = f'{{"at":"{stamp()}","level":"info",{said},"event":"request_relayed"}}'
        _current.lines.write(line.encode("ascii"))
    elif (logger := log()).is_enabled_for(logging.INFO):
        logger.info("request_relayed", **json.loads(f"{{{said}}}"))


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """Return the /24 or /48 an address is in: as much of a visitor as we ever write or count by."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    bits = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network((found, bits), strict=False))
