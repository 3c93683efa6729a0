"""Patterns for addresses that pass on any element, so that the scanner need not stop there.

They match fewer addresses than the rules allow, never more: those on the site's own or
neutral hosts, in common spelling, without a word of any path rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

MAX_HOSTS_IN_PATTERN: Final = 60
"""Hosts that are part of the pattern; the others are judged one by one."""

COMMON_HOST: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)++")

COMMON_WORD: Final = re.compile(r"[A-Za-z0-9/._~?=%+,;@!$*#|()&-]+")
"""Words of rules that a pattern can exclude: ASCII, no quotes, no spaces."""

_RUN: Final = rb"{0,250}+"
_RUNS: Final = rb"{0,200}+"  # keeps values below the size cap of a tag
_AMPERSAND: Final = rb"&(?:amp|#0?38);"


@dataclass(frozen=True, slots=True)
class AllowedAddresses:
    """The hosts of such addresses, and the words of rules they may not contain."""

    hosts: tuple[str, ...]
    words: tuple[str, ...]

    def address(self, quote: bytes) -> bytes:
        """Return a pattern for the value, up to its quote, of an attribute with one address."""
        begins = rb"(?=/?[A-Za-z0-9._-]++[/?#" + quote + rb"])"
        if self.hosts:
            begins = rb"(?:" + begins + rb"|(?:https?:)?//" + self._host() + rb"(?=[/?#" + quote + rb"]))"
        return begins + self._text(rb"\x00-\x20:", quote, [])

    def candidates(self, quote: bytes) -> bytes:
        """Return the same for a `srcset`."""
        forms = [rb"(?<=:)/", rb"/(?!/)" + self._none_of("/")]
        if self.hosts:
            forms.append(rb":(?:(?<=https:)|(?<=http:))(?=//" + self._host() + rb"/)")
        return rb"(?=[^" + quote + rb"])" + self._text(rb"\x00-\x08\x0b\x0c\x0e-\x1f:/", quote, forms, "/")

    def _host(self) -> bytes:
        return rb"(?:" + b"|".join(re.escape(host.encode()) for host in self.hosts) + rb")"

    def _text(self, without: bytes, quote: bytes, forms: list[bytes], handled: str = "") -> bytes:
        """Return a pattern for text without these bytes and without the words."""
        firsts = sorted({word[0] for word in self.words} - {"&", *handled})
        stops = b"".join(re.escape(first.encode()) for first in firsts)
        forms = [*forms, *(re.escape(first.encode()) + self._none_of(first) for first in firsts)]
        if not any("&" in word for word in self.words):
            forms.append(_AMPERSAND)
        plain = rb"[^\\&" + without + quote + stops + rb"]" + _RUN
        return plain + rb"(?:(?:" + b"|".join(forms) + rb")" + plain + rb")" + _RUNS if forms else plain

    def _none_of(self, first: str) -> bytes:
        """Return a negative look-ahead for the words that begin with this letter."""
        rests = [re.escape(word[1:].encode()) for word in self.words if word[0] == first]
        return rb"(?!" + b"|".join(rests) + rb")" if rests else b""
