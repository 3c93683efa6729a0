"""The encoding a page declares in its own first bytes (WHATWG HTML 13.2.3.2)."""

from __future__ import annotations

import re
from functools import lru_cache

_TABLE = """
utf-8: unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8
ibm866: 866 cp866 csibm866
iso-8859-2: csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2
iso-8859-3: csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3
iso-8859-4: csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4
iso-8859-5: csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988
iso-8859-6: arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e
  iso-8859-6-i iso-ir-127 iso8859-6 iso88596 iso_8859-6 iso_8859-6:1987
iso-8859-7: csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7
  iso_8859-7:1987 sun_eu_greek
iso-8859-8: csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598
  iso_8859-8 iso_8859-8:1988 visual
iso-8859-8-i: csiso88598i logical
iso-8859-10: csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6
iso-8859-13: iso8859-13 iso885913
iso-8859-14: iso8859-14 iso885914
iso-8859-15: csisolatin9 iso8859-15 iso885915 iso_8859-15 l9
iso-8859-16:
koi8-r: cskoi8r koi koi8 koi8_r
koi8-u: koi8-ru
macintosh: csmacintosh mac x-mac-roman
windows-874: dos-874 iso-8859-11 iso8859-11 iso885911 tis-620
windows-1250: cp1250 x-cp1250
windows-1251: cp1251 x-cp1251
windows-1252: ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1
  iso88591 iso_8859-1 iso_8859-1:1987 l1 latin1 us-ascii x-cp1252
windows-1253: cp1253 x-cp1253
windows-1254: cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989
  l5 latin5 x-cp1254
windows-1255: cp1255 x-cp1255
windows-1256: cp1256 x-cp1256
windows-1257: cp1257 x-cp1257
windows-1258: cp1258 x-cp1258
x-mac-cyrillic: x-mac-ukrainian
gbk: chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk
gb18030:
big5: big5-hkscs cn-big5 csbig5 x-x-big5
euc-jp: cseucpkdfmtjapanese x-euc-jp
iso-2022-jp: csiso2022jp
shift_jis: csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis
euc-kr: cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601
  windows-949
replacement: csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr
utf-16be: unicodefffe
utf-16le: csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16
x-user-defined:
"""


def _labels() -> dict[bytes, str]:
    found: dict[bytes, str] = {}
    for line in _TABLE.replace("\n  ", " ").strip().splitlines():
        name, _, others = line.partition(":")
        for label in (name, *others.split()):
            found[label.encode()] = name
    return found


LABELS = _labels()


def encoding_of(label: bytes) -> str | None:
    """Return the encoding that browsers take that label for, or None for none."""
    return LABELS.get(label.strip(b"\t\n\f\r ").lower())


PRESCAN = 1024
"""As many bytes as browsers look at before they begin to parse."""

_SPACE = b"\t\n\f\r "
_META = re.compile(rb"<meta[\t\n\f\r /]", re.IGNORECASE)
_TAG = re.compile(rb"</?[A-Za-z][^\t\n\f\r >]*")
_NAME = re.compile(rb"[^=\t\n\f\r />][^=\t\n\f\r />]*|=[^=\t\n\f\r />]*")
_UNQUOTED = re.compile(rb"[^\t\n\f\r >]*")
_SKIP = re.compile(rb"[\t\n\f\r /]*")
_BLANK = re.compile(rb"[\t\n\f\r ]*")
_CHARSET = re.compile(rb"charset[\t\n\f\r ]*=[\t\n\f\r ]*", re.IGNORECASE)
_TEXTS = re.compile(rb"<(script|style|title)(?:[\t\n\f\r /][^<>]*)?>[^<]*</\1[\t\n\f\r ]*>", re.IGNORECASE)
_DOUBTFUL = re.compile(
    rb"<(?:script|style|title|textarea|noscript|template|iframe|noembed|noframes|xmp|plaintext|body|frameset"
    rb"|svg|math|select|!\[|\?|/head)|--!>",
    re.IGNORECASE,
)
_COMMON_START = re.compile(  # how most pages begin; what is in quotes here ends where it seems to
    rb"[\t\n\f\r ]*+(?:<!doctype[^<>]*+>)?+[\t\n\f\r ]*+"
    rb"(?:<html(?:[\t\n\f\r ]++[a-z:-]++=\"[^\"<>]*+\")*+>)?+[\t\n\f\r ]*+(?:<head>)?+[\t\n\f\r ]*+"
    rb"(<meta charset=(?:\"([\w-]++)\"[ /]*+|([\w-]++)) *+>)",
    re.IGNORECASE,
)
_SAME = {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}
_CONTENT_VALUE = re.compile(rb"[^\t\n\f\r ;]*")
_XML_ENCODING = re.compile(rb"encoding[\x00-\x20]*=[\x00-\x20]*(?:\"([^\"]*)\"|'([^']*)')")


def declared_html(first: bytes) -> str | None:
    """Return the encoding that a page's first 1024 bytes declare, or None.

    UTF-16 in a <meta> means UTF-8, x-user-defined windows-1252: the tag was readable.
    """
    first = first[:PRESCAN]
    if first.startswith(b"<\0?\0x\0"):
        return "utf-16le"
    if first.startswith(b"\0<\0?\0x"):
        return "utf-16be"
    found = _in_metas(first)
    return declared_xml(first) if found is None else found[0]


def declared_plainly(first: bytes) -> str | None:
    """Return the encoding a <meta> among the first 1024 bytes declares, where no browser can doubt it.

    Some look for it with their parser and not byte by byte: what stands before it must be the same to both.
    """
    first = first[:PRESCAN]
    found = None if first.startswith(b"<?") else _in_metas(first)
    if found is None:
        return None
    encoding, at = found
    return None if _is_doubtful(first[:at]) else encoding


@lru_cache(maxsize=128)
def _is_doubtful(before: bytes) -> bool:
    """True where something stands there that browsers may read in other ways than we do."""
    return _DOUBTFUL.search(_TEXTS.sub(b"", before)) is not None


def declared_xml(first: bytes) -> str | None:
    """Return the encoding named by an XML declaration at the very start, or None."""
    if not first.startswith(b"<?xml"):
        return None
    end = first.find(b">")
    found = _XML_ENCODING.search(first, 0, end) if end >= 0 else None
    encoding = encoding_of(found[1] or found[2] or b"") if found else None
    return "utf-8" if encoding in ("utf-16le", "utf-16be") else encoding


def _in_metas(first: bytes) -> tuple[str, int] | None:
    """Return the first encoding that a <meta> names, and where that tag begins."""
    common = _COMMON_START.match(first)
    if common is not None and (encoding := encoding_of(common[2] or common[3])):
        return _SAME.get(encoding, encoding), common.start(1)
    return _first_meta(first)


@lru_cache(maxsize=128)
def _first_meta(first: bytes) -> tuple[str, int] | None:
    """Return the same for a page that begins in another way; asked twice for each."""
    at = first.find(b"<")
    while at >= 0:
        if _META.match(first, at):
            began = at
            encoding, at = _meta(first, began + 5)
            if encoding:
                return encoding, began
        else:
            at = _past(first, at)
        at = first.find(b"<", at) if at >= 0 else -1
    return None


def _past(first: bytes, at: int) -> int:
    """Return where the markup that begins here ends, -1 where it does not."""
    if first.startswith(b"<!--", at):
        end = first.find(b"-->", at + 2)  # as `<!-->` is one whole comment
        return end + 2 if end >= 0 else -1
    tag = _TAG.match(first, at)
    if tag:
        name, at = b"-", tag.end()
        while name:
            name, _, at = _attribute(first, at)
        return at
    if first[at + 1 : at + 2] in (b"!", b"/", b"?"):
        return first.find(b">", at)
    return at + 1


def _meta(first: bytes, at: int) -> tuple[str | None, int]:
    """Return what the <meta> whose attributes begin here declares, and where it ends."""
    seen: set[bytes] = set()
    pragma, needs_pragma, charset = False, None, None
    while True:
        name, value, at = _attribute(first, at)
        if not name:
            break
        if name in seen:
            continue
        seen.add(name)
        if name == b"http-equiv":
            pragma = value == b"content-type"
        elif name == b"content" and b"charset" not in seen:
            found = _from_content(value)
            if found:
                charset, needs_pragma = found, True
        elif name == b"charset":
            charset, needs_pragma = encoding_of(value), False
    if at >= len(first) or needs_pragma is None or (needs_pragma and not pragma):
        return None, at  # an unfinished tag declares nothing
    return (_SAME.get(charset, charset) if charset else None), at


def _attribute(first: bytes, at: int) -> tuple[bytes, bytes, int]:
    """Return the next attribute, lower-case, and where it ends; an empty name at the tag's end."""
    skip = _SKIP.match(first, at)
    at = skip.end() if skip else at
    name = _NAME.match(first, at)
    if name is None or first[at : at + 1] == b">":
        return b"", b"", at
    at = name.end()
    blank = _BLANK.match(first, at)
    after = blank.end() if blank else at
    if first[after : after + 1] != b"=":
        return name.group().lower(), b"", at
    blank = _BLANK.match(first, after + 1)
    at = blank.end() if blank else after + 1
    quote = first[at : at + 1]
    if quote in (b'"', b"'"):
        end = first.find(quote, at + 1)
        if end < 0:
            return b"", b"", len(first)
        return name.group().lower(), first[at + 1 : end].lower(), end + 1
    value = _UNQUOTED.match(first, at)
    end = value.end() if value else at
    return name.group().lower(), first[at:end].lower(), end


def _from_content(content: bytes) -> str | None:
    """Return the encoding named in a <meta http-equiv> content (WHATWG HTML 2.4.4)."""
    found = _CHARSET.search(content)
    if found is None:
        return None
    at = found.end()
    quote = content[at : at + 1]
    if quote in (b'"', b"'"):
        end = content.find(quote, at + 1)
        return encoding_of(content[at + 1 : end]) if end >= 0 else None
    value = _CONTENT_VALUE.match(content, at)
    return encoding_of(value.group()) if value else None
