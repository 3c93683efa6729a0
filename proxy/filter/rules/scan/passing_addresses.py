"""Addresses that pass whatever asks for them, as patterns: what the scanner need not stop at.

They say less than `url_of` and the rules together, never more: an address on one of the
site's own or neutral hosts, written in the usual way, without a word of any path rule.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_HOSTS = 60
"""Hosts that stand in the pattern itself; the others are judged one by one."""

COMMON_HOST = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)++")

COMMON_WORD = re.compile(r"[A-Za-z0-9/._~?=%+,;@!$*#|()&-]+")
"""Words of rules that can be told from the bytes of a page: no quotes, no spaces, ASCII."""

_RUN = rb"{0,250}+"
_RUNS = rb"{0,200}+"  # so that no value here is as long as one that is too long to be held
_AMPERSAND = rb"&(?:amp|#0?38);"


@dataclass(frozen=True, slots=True)
class Passing:
    """Where such addresses lead, and the words of rules that none of them may contain."""

    hosts: tuple[str, ...]
    words: tuple[str, ...]

    def address(self, quote: bytes) -> bytes:
        """Return a pattern for the value, up to its quote, of an attribute with one address."""
        begins = rb"(?=/?[A-Za-z0-9._-]++[/?#" + quote + rb"])"
        if self.hosts:
            begins = rb"(?:" + begins + rb"|(?:https?:)?//" + self._host() + rb"(?=[/?#" + quote + rb"]))"
        return begins + self._text(rb"\x00-\x20:", quote, [])

    def candidates(self, quote: bytes) -> bytes:
        """Return the same for a list of candidates."""
        forms = [rb"(?<=:)/", rb"/(?!/)" + self._none_of("/")]
        if self.hosts:
            forms.append(rb":(?:(?<=https:)|(?<=http:))(?=//" + self._host() + rb"/)")
        return rb"(?=[^" + quote + rb"])" + self._text(rb"\x00-\x08\x0b\x0c\x0e-\x1f:/", quote, forms, "/")

    def _host(self) -> bytes:
        return rb"(?:" + b"|".join(re.escape(host.encode()) for host in self.hosts) + rb")"

    def _text(self, without: bytes, quote: bytes, forms: list[bytes], handled: str = "") -> bytes:
        """Return a pattern for any text but these bytes, in which none of the words begins."""
        firsts = sorted({word[0] for word in self.words} - {"&", *handled})
        stops = b"".join(re.escape(first.encode()) for first in firsts)
        forms = [*forms, *(re.escape(first.encode()) + self._none_of(first) for first in firsts)]
        if not any("&" in word for word in self.words):
            forms.append(_AMPERSAND)
        plain = rb"[^\\&" + without + quote + stops + rb"]" + _RUN
        return plain + rb"(?:(?:" + b"|".join(forms) + rb")" + plain + rb")" + _RUNS if forms else plain

    def _none_of(self, first: str) -> bytes:
        """Return a look ahead, behind its first letter, that none of the words stands here."""
        rests = [re.escape(word[1:].encode()) for word in self.words if word[0] == first]
        return rb"(?!" + b"|".join(rests) + rb")" if rests else b""
