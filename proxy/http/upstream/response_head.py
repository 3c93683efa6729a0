"""Reads the head of a response: as strict as it can be without losing what every browser reads.

A line that is no field costs that line. Where two parsers could frame the body differently, and in
a field between us and the upstream, the whole response is refused. docs/responses.md has each case.
"""

from __future__ import annotations

import re
from itertools import repeat
from typing import NamedTuple

from proxy.errors import UpstreamError
from proxy.filter.headers.fields import Headers, is_token
from proxy.filter.headers.judged_headers import HOP_BY_HOP
from proxy.http.header_names import ANSWERED, Fields
from proxy.http.upstream.fast_parser import HEAD_BYTES, HEAD_FIELDS, PARSED_LINES

_STATUS_LINE = re.compile(rb"HTTP/([0-9]\.[0-9]) ([1-9][0-9]{2})(?: (.*))?", re.DOTALL).fullmatch
_CONTROLS = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
_CONTROL = _CONTROLS.search
_ENDS_OR_NUL = re.compile(rb"[\0\r\n]")
_EARLY_END = re.compile(rb"(?<!\r)\n\r\n|\n\n").search
_NOT_IN_NAMES = re.compile(rb"[^A-Za-z-]+")
_BLANKS = frozenset({b" ", b"\t"})
_CLEAN_FRAMING = HOP_BY_HOP | {b"content-length"}
"""Fields between two neighbours: one in doubt could mean another end of the body, or of the head."""

_FOR_THE_BROWSER = frozenset(
    b"content-type content-encoding content-security-policy x-content-type-options x-frame-options".split()
)
"""Fields that decide what a browser makes of the body: without one it would be something else."""


class ResponseHead(NamedTuple):
    """A head as it was read, and where the bytes behind it begin."""

    status: int
    reason: bytes
    version: str
    headers: Headers
    fields: Fields
    end: int


def read_response_head(data: bytes, *, observed: bool = False) -> ResponseHead | None:
    """Return the head at the start of `data`, None while it is not all here.

    `observed`: a doubtful field between neighbours is dropped instead of refused.
    """
    start = 0
    if data[:1] in (b"\r", b"\n"):  # blank lines before it mean nothing (RFC 9112 2.2)
        start = len(data) - len(data.lstrip(b"\r\n"))
    if not b"HTTP/".startswith(data[start : start + 5]):
        raise UpstreamError("its response is not HTTP/1.1")
    line_end = data.find(b"\n", start)
    if line_end < 0:
        return None
    lines: list[bytes]
    if data[line_end - 1 : line_end] == b"\r":
        end = data.find(b"\r\n\r\n", line_end - 1)
        lines = data[start:end].split(b"\r\n") if end >= 0 else []
        if data.count(b"\n", start, end) != len(lines) - 1:  # else no line feed stands alone
            if _EARLY_END(data, line_end - 1, len(data) if end < 0 else end + 2):
                raise UpstreamError("its head has an empty line for some parsers only")
            if end < 0:
                return None
        behind = end + 4
    else:  # line feeds alone: every parser that reads this head at all reads it so
        ends = [
            found for found in (data.find(b"\n\n", line_end), data.find(b"\n\r\n", line_end)) if found > 0
        ]
        if not ends:
            return None
        end = min(ends)
        behind = end + (2 if data[end + 1 : end + 2] == b"\n" else 3)
        lines = [line.removesuffix(b"\r") for line in data[start:end].split(b"\n")]
    if behind > HEAD_BYTES:
        raise UpstreamError(f"its head has more than {HEAD_BYTES} bytes")
    status, reason, version = _status(lines[0])
    headers, fields = _fields(lines[1:], observed=observed)
    return ResponseHead(status, reason, version, headers, fields, behind)


def _status(line: bytes) -> tuple[int, bytes, str]:
    """Return status, reason and version; a reason with a control character is none."""
    found = _STATUS_LINE(line)
    if found is None:
        raise UpstreamError("its response is not HTTP/1.1: no status line")
    reason = found[3] or b""
    if b"\r" in reason:
        raise UpstreamError("its status line ends in two places")
    return int(found[2]), b"" if _CONTROL(reason) else reason, found[1].decode()


def _fields(lines: list[bytes], *, observed: bool) -> tuple[Headers, Fields]:
    headers: Headers = []
    fields: Fields = {}
    plain = _BLANKS.isdisjoint([line[:1] for line in lines])
    for line, folded in zip(lines, repeat(False)) if plain else _unfolded(lines):
        known = None if folded else PARSED_LINES[line]
        if known is not None:
            pair, lower = known
        else:
            odd = _field(line, folded=folded, observed=observed)
            if odd is None:
                continue
            pair, lower = odd, ANSWERED[odd[0]][0]
        headers.append(pair)
        if lower in fields:
            fields[lower].append(pair[1])
        else:
            fields[lower] = [pair[1]]
    if len(headers) > HEAD_FIELDS:
        raise UpstreamError(f"its head has more than {HEAD_FIELDS} fields")
    return headers, fields


def _unfolded(lines: list[bytes]) -> list[tuple[bytes, bool]]:
    """Return each line joined with those that continue it (RFC 9112 5.2), and whether there were any."""
    whole: list[tuple[list[bytes], bool]] = []
    for line in lines:
        if line[:1] not in _BLANKS:
            whole.append(([line], False))
        elif not whole:
            raise UpstreamError("its head begins with a continued line")
        else:
            parts = whole[-1][0]
            parts.append(line.strip(b" \t"))
            whole[-1] = (parts, True)
    return [(b" ".join(parts), folded) for parts, folded in whole]


def _field(line: bytes, *, folded: bool, observed: bool) -> tuple[bytes, bytes] | None:
    """Return the field of a line that is not beyond doubt, None where it is to be left out."""
    name, colon, value = line.partition(b":")
    value = value.strip(b" \t")
    token = name.rstrip(b" \t")  # a proxy removes blanks before the colon (RFC 9112 5.1)
    clean = bool(colon) and is_token(token) and _CONTROL(value) is None
    if clean and token == name and not folded:
        return name, value
    for part in re.split(rb"[\r\n]", line):
        meant = _NOT_IN_NAMES.sub(b"", part.partition(b":")[0]).lower()
        if meant in _CLEAN_FRAMING and not (observed and _may_go(meant)):
            raise UpstreamError(f"its field {meant.decode()} is in doubt")
    lower = token.lower()
    if lower in _FOR_THE_BROWSER and (folded or token != name or _ENDS_OR_NUL.search(value)) and not observed:
        raise UpstreamError(f"its field {lower.decode()} is in doubt")
    if _ENDS_OR_NUL.search(value):
        return None
    if lower in _CLEAN_FRAMING:
        return None
    if lower == b"location" and colon:
        return token, _CONTROLS.sub(lambda found: b"%%%02X" % found[0][0], value)  # as browsers follow it
    return (token, value) if clean or (colon and lower in _FOR_THE_BROWSER) else None


def _may_go(name: bytes) -> bool:
    return name not in (b"content-length", b"transfer-encoding")
