"""The attributes of one start tag, as a browser reads them and where each stands; the type of a script."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from html.entities import html5
from typing import Final, NamedTuple

# Begins with the name: what lies between two attributes is skipped by the search.
_NAME_AND_VALUE = (
    r"(?P<name>[^ \t\n\f\r/>][^ \t\n\f\r/>=]*+)"
    r"(?:[ \t\n\f\r]*+=[ \t\n\f\r]*+(?:\"(?P<double>[^\"]*+)\"|'(?P<single>[^']*+)'"
    r"|(?P<bare>[^ \t\n\f\r>\"'][^ \t\n\f\r>]*+)|(?=>)))?+"
)
_ATTRIBUTE: Final = re.compile(_NAME_AND_VALUE.encode())
_NAME_VALUE: Final = re.compile(_NAME_AND_VALUE)
_NAME_ONLY: Final = re.compile(
    _NAME_AND_VALUE.replace("?P<double>", "?:").replace("?P<single>", "?:").replace("?P<bare>", "?:").encode()
)
_TAG_NAME: Final = re.compile(rb"<[^ \t\n\f\r/>]*+")
_REFERENCE: Final = re.compile(r"&(?:#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?|([a-zA-Z][a-zA-Z0-9]*);?)(=?)")
_WINDOWS: Final = bytes(range(0x80, 0xA0)).decode("cp1252", "replace")


class Attribute(NamedTuple):
    """One attribute: where its name and value stand in the tag, and the raw value."""

    name: str  # lower case
    start: int
    name_end: int
    value_start: int  # -1 where there is no value
    value_end: int
    quoted: bool
    raw: bytes

    @property
    def value(self) -> str:
        """The value with its character references resolved."""
        return attribute_value(self.raw)


def tag_name(raw: bytes) -> bytes:
    """Return the name in a start tag, lower-case."""
    match = _TAG_NAME.match(raw)
    return raw[1 : match.end()].lower() if match else b""


def name_end(raw: bytes) -> int:
    """Return where the name in a start tag ends."""
    match = _TAG_NAME.match(raw)
    return match.end() if match else 1


def attributes_of(raw: bytes) -> list[Attribute]:
    """Return every attribute of a complete start tag, duplicates included, in order."""
    found = []
    for match in _ATTRIBUTE.finditer(raw, 1 + len(tag_name(raw))):
        kind = match.lastgroup or "name"
        start, end = match.span(kind) if kind != "name" else (-1, -1)
        name = match["name"].decode("utf-8", "surrogateescape").lower()
        value = match[kind] if kind != "name" else b""
        found.append(
            Attribute(
                name, match.start("name"), match.end("name"), start, end, kind in ("double", "single"), value
            )
        )
    return found


def name_spans(raw: bytes, names: Collection[str], at: int) -> list[tuple[int, int]]:
    """Return the spans of these attributes' names in a tag, duplicates included."""
    wanted = {name.encode("utf-8", "surrogateescape") for name in names}
    return [match.span(1) for match in _NAME_ONLY.finditer(raw, at) if match[1].lower() in wanted]


def values_of(text: str, at: int, entities: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return name -> value of a tag from `at` on; of duplicates the first counts."""
    listed = _NAME_VALUE.findall(text, at)
    found = {name.lower(): double or single or bare for name, double, single, bare in listed}
    if len(found) < len(listed):  # a duplicate name
        found = {}
        for name, double, single, bare in listed:
            found.setdefault(name.lower(), double or single or bare)
    if "&" in text:
        for name, value in found.items():
            if "&" in value:
                found[name] = resolved(value, entities)
    return found


def values(raw: bytes) -> dict[str, str]:
    """Return name -> value of a complete start tag."""
    return values_of(raw.decode("utf-8", "surrogateescape"), 1 + len(tag_name(raw)))


def attribute_value(raw: bytes) -> str:
    """Return an attribute's value as text, its character references resolved."""
    return resolved(raw.decode("utf-8", "surrogateescape"))


def resolved(text: str, entities: Mapping[str, str] | None = None) -> str:
    """Return the text with its character references resolved."""
    return _REFERENCE.sub(lambda match: _referenced(match, entities), text) if "&" in text else text


def _referenced(match: re.Match[str], entities: Mapping[str, str] | None) -> str:
    """Return the text of one character reference (HTML 13.2.5.72 to 80)."""
    whole, equals = match[0], match[4]
    if match[3] is None:
        try:
            code = int(match[1], 16) if match[1] else int(match[2])
        except ValueError:  # more digits than Python reads at once
            return "\ufffd" + equals
        return _character(code) + equals
    name = whole[1 : len(whole) - len(equals)]
    if name.endswith(";"):
        if entities and name[:-1] in entities:
            return entities[name[:-1]] + equals
        if name in html5:
            return html5[name] + equals
        bare = name[:-1]
        return html5[bare] + ";" + equals if bare in html5 else whole
    if name in html5 and not equals:
        return html5[name]
    return whole


def _character(code: int) -> str:
    """Return the character of a numeric reference, with the standard's corrections."""
    if 0x80 <= code <= 0x9F:
        return _WINDOWS[code - 0x80]
    if code == 0 or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return chr(code)


def escaped(value: str) -> bytes:
    """Return text as it can stand between double quotes in HTML and in XML."""
    text = value.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
    return text.encode("utf-8", "surrogateescape")


_INERT: Final = re.compile(
    r"[a-z]++/(?:[a-z0-9.-]++\+)?+json|text/(?:html|template|x-template|x-jquery-tmpl|ng-template|markdown"
    r"|x-handlebars(?:-template)?+|x-mustache|x-underscore|x-magento-template|x-magento-init|x-component"
    r"|x-tmpl|x-tmpl-mustache|x-kendo-template|vnd\.[a-z.-]++|xml|css|csv)"
    r"|math/[a-z =]++|x-shader/.++",
    re.DOTALL,
)
_RUNS: Final = frozenset({"", "module", "text/javascript", "application/javascript"})


def is_inert(type_: str) -> bool:
    """True when no browser and no known lazy loader runs a script of this type."""
    return type_ not in _RUNS and _INERT.fullmatch(type_.partition(";")[0].rstrip()) is not None


def script_type(values: Mapping[str, str]) -> str:
    """Return the `type` of a script as a browser compares it, lower-case."""
    return values.get("type", "").strip().lower()
