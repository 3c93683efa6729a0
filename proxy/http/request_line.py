"""Methods that llhttp does not know, which are tokens all the same (RFC 9110 section 9.1).

aiohttp's parser refuses a request whose method is not in llhttp's table. It gets another method in that
place, and the request is given its own back (connection.py). Only the first word of a request is changed:
framing does not depend on it, and every other byte is llhttp's to judge.
"""

from __future__ import annotations

import re

LONGEST_METHOD = 64
"""Bytes of the longest method that is passed on; the longest registered one has 17."""

STAND_IN = b"PATCH"
"""What llhttp reads instead: a method for which it has no rule of its own."""

_KNOWN = (b"GET ", b"POST ", b"HEAD ", b"PUT ", b"OPTIONS ", b"PATCH ", b"DELETE ", b"CONNECT ", b"TRACE ")
_METHOD = re.compile(rb"([!#$%%&'*+\-.^_`|~0-9A-Za-z]{1,%d})( |\Z)" % LONGEST_METHOD).match


def split_method(begun: bytes) -> tuple[bytes, bytes] | None:
    """Return the bytes for llhttp and the method that was replaced in them, or b"".

    `begun` is how a request begins, behind blank lines; None where its method may go on.
    """
    if begun.startswith(_KNOWN):
        return begun, b""
    found = _METHOD(begun)
    if found is None:
        return (begun, b"") if begun else None
    method = found[1]
    if not found[2]:
        return None if len(method) < LONGEST_METHOD or len(begun) == LONGEST_METHOD else (begun, b"")
    return STAND_IN + begun[len(method) :], method
