"""Fast patterns for tags in common spelling that pass unchanged.

Lower-case names, white space before each attribute, values in quotes. Any other spelling
is left to the general patterns (steps.py), or to the judge.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from proxy.filter.rules.interests import Interests, class_values, id_values
from proxy.filter.rules.scan.allowed_addresses import AllowedAddresses
from proxy.filter.syntax.fetching_attributes import (
    ANY_ELEMENT,
    LAZY_ATTRIBUTES,
    LOADING_ATTRIBUTES,
    SRCSETS,
    WIDGET_ATTRIBUTES,
)
from proxy.filter.syntax.tokens import exact_word, lower_case_but

ADDRESSES: Final = LAZY_ATTRIBUTES | SRCSETS | ANY_ELEMENT | WIDGET_ATTRIBUTES | {"src", "xlink:href"}
"""Attributes that hold addresses on any element."""

GAP: Final = rb"[ \t\n\f\r]++"
_END: Final = rb"(?=[ \t\n\f\r/>])"
_ENDED: Final = rb"(?=[ \t\n\f\r/>=])"
CLOSE: Final = rb"[ \t\n\f\r]*+/?+>"
_NAME = rb"[a-z][a-z0-9_-]*+"
_LONGEST: Final = rb"{0,15000}+"  # keeps attributes below the size cap of a tag
_HARMLESS_STYLE: Final = rb"[^%b(&\\]" + _LONGEST  # of a style
_NO_ADDRESSES: Final = frozenset({"ping", "http-equiv", "type"})
_LOADS: Final = frozenset({"img", "source", "video", "audio", "track"})
_NOT_FETCHING: Final = (
    "canonical",
    "alternate",
    "shortlink",
    "pingback",
    "profile",
    "next",
    "prev",
    "amphtml",
)
CODE_TYPES: Final = rb"(?:text/javascript|application/javascript|module|)"


class CommonTags:
    """The patterns for the rules of one policy."""

    def __init__(self, interests: Interests, allowed: AllowedAddresses | None) -> None:
        self._interests = interests
        self._allowed_addresses = allowed

    def start(self, visited: Collection[str]) -> bytes:
        """Return a pattern for any start tag but these."""
        name = lower_case_but(visited, end=_END, more=rb"[a-z0-9]")
        return name + rb"(?:>|" + self._attributes() + rb")"

    def loading(self, only: Collection[str] = _LOADS | {"link", "script", "meta"}) -> list[bytes]:
        """Return patterns for elements that load only allowed addresses."""
        found = []
        wanted = frozenset(only) - self._interests.elements
        without_addresses = CommonTags(self._interests, None)
        if self._allowed_addresses is not None:
            if media := wanted & _LOADS:
                also = {name for element in _LOADS for name in LOADING_ATTRIBUTES[element]}
                found.append(exact_word(media) + self._attributes(also))
            if "link" in wanted:
                found.append(rb"link" + self._attributes({"href"}))
            if "script" in wanted:
                found.append(self._script())
        if "link" in wanted and "rel" not in self._interests.attributes:
            words = b"|".join(word.encode() for word in _NOT_FETCHING)
            rel = valued(["rel"], rb"(?:" + words + rb")")
            found.append(rb"link " + rel + without_addresses._attributes())
        if "meta" in wanted:
            found.append(rb"meta" + without_addresses._attributes({"http-equiv"}))
        return found

    def _script(self) -> bytes:
        """Return a pattern for an external script without `<` in its tag."""
        attributes = self._attributes({"href", "xlink:href"}, code=True).replace(rb"[^", rb"[^<")
        return rb"script(?=[ \t\n\f\r][^<]{1,2000}+</script>)" + attributes + rb"</script>"

    def _attributes(self, also: Collection[str] = (), *, code: bool = False) -> bytes:
        """Return a pattern for the attributes of a tag.

        `also` names attributes that hold an address here, or have another meaning.
        """
        extra = [valued(["type"], CODE_TYPES)] if code and "type" not in self._interests.attributes else []
        return self.loop({*also, "type"} if code else also, extra) + CLOSE

    def loop(self, also: Collection[str], extra: Collection[bytes] = ()) -> bytes:
        """Return the same without the end of the tag; `extra` are further patterns."""
        interests, allowed = self._interests, self._allowed_addresses
        addresses = ADDRESSES | frozenset(also)
        taken = addresses | interests.attributes | {"class", "id", "style"}
        forms = {"id": id_values(interests.ids), "style": (_HARMLESS_STYLE % rb"\"", _HARMLESS_STYLE % rb"'")}
        parts = [_valued([n], *form) for n, form in forms.items() if form and n not in interests.attributes]
        if allowed is not None:
            lists = SRCSETS - interests.attributes
            single = addresses - SRCSETS - _NO_ADDRESSES - interests.attributes
            parts.append(_valued(single, allowed.address(rb"\""), allowed.address(rb"'")))
            parts.append(_valued(lists, allowed.candidates(rb"\""), allowed.candidates(rb"'")))
        parts += extra
        if (classes := class_values(interests.classes)) and "class" not in interests.attributes:
            parts.insert(0, _valued(["class"], *classes))  # the most frequent first
        ignored = lower_case_but(taken, end=_ENDED, more=rb"[a-z0-9_-]")
        ignored += rb"(?:=\"[^\"]" + _LONGEST + rb"\"|='[^']" + _LONGEST + rb"'|" + _END + rb")"
        parts.insert(1, ignored)
        return rb"(?:" + GAP + rb"(?:" + rb"|".join(parts) + rb"))*+"


def valued(names: Iterable[str], value: bytes) -> bytes:
    """Return a pattern for an attribute of one of these names with this value, in quotes."""
    return _valued(names, value, value)


def _valued(names: Iterable[str], double: bytes, single: bytes) -> bytes:
    return exact_word(names) + rb"=(?:\"" + double + rb"\"|'" + single + rb"')"
