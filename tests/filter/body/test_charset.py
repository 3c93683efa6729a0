"""In which encoding a browser reads a document: mark, header, declaration, default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Unreadable
from proxy.filter.body.charset import charset_of, charset_parameter, named, typed, undecided
from proxy.filter.body.charset_labels import LABELS

GBK = b"<meta charset=gbk>"


@pytest.mark.parametrize(
    ("first", "content_type", "encoding"),
    [
        (b"\xef\xbb\xbf" + GBK, b"text/html; charset=big5", "utf-8"),
        (b"\xff\xfe<\0", b"text/html; charset=utf-8", "utf-16le"),
        (b"\xfe\xff\0<", b"text/html; charset=utf-16le", "utf-16be"),
        (GBK, b"text/html; charset=big5", "big5"),
        (GBK, b'text/html;x=";charset=y"; CHARSET="big5"', "big5"),
        (GBK, b"text/html; charset=nonsense", "gbk"),
        (GBK, b"text/html; charset=utf-7", "gbk"),
        (GBK, b"text/html", "gbk"),
        (GBK, None, "gbk"),
        (b"<p>", None, "windows-1252"),
        (b"", b"", "windows-1252"),
        (b"<p>", b"text/html; charset=utf-16", "utf-16le"),
        (b"<p>", b"text/html; charset=x-user-defined", "x-user-defined"),
        (b"<\0?\0x\0m\0", None, "utf-16le"),
        (b"\0<\0?\0x\0m", None, "utf-16be"),
    ],
)
def test_mark_before_header_before_declaration_before_default(
    first: bytes, content_type: bytes | None, encoding: str
) -> None:
    assert charset_of(first, content_type) == encoding


def test_utf_7_is_not_honoured() -> None:
    """+ADw-script+AD4- stays text, in every browser and here."""
    assert charset_of(b"<meta charset=utf-7>+ADw-script+AD4-", b"text/html; charset=utf-7") == "windows-1252"


@pytest.mark.parametrize(
    "label", [b"iso-2022-jp", b"csiso2022jp", b"hz-gb-2312", b"iso-2022-kr", b"replacement"]
)
@pytest.mark.parametrize("where", ["header", "meta", "xml"])
def test_an_encoding_in_which_ascii_is_not_ascii_is_refused(label: bytes, where: str) -> None:
    first = {
        "header": b"<p>",
        "meta": b"<meta charset=" + label + b">",
        "xml": b"<?xml encoding='" + label + b"'?>",
    }[where]
    header = b"text/html; charset=" + label if where == "header" else None

    with pytest.raises(Unreadable, match="cannot be read"):
        charset_of(first, header, xml=where == "xml")


def test_xml_reads_its_declaration_and_defaults_to_utf_8() -> None:
    assert charset_of(b"<?xml version='1.0' encoding='euc-jp'?>", None, xml=True) == "euc-jp"
    assert charset_of(GBK, b"image/svg+xml", xml=True) == "utf-8"


@pytest.mark.parametrize(
    ("content_type", "charset"),
    [
        (b"text/html", None),
        (b"text/html;charset=a;charset=b", b"a"),
        (b"text/html; charset=", b""),
        (b'text/html; charset="a\\"b"', b'a"b'),
        (b"text/html; charset=a, text/html", b"a"),
        (b"text/html; charset=a, text/plain", None),
        (b"text/plain; charset=a, text/html; charset=b", b"b"),
        (b"text/html; charset=a, */*; charset=b", b"a"),
        (b"text/html; charset=a, nonsense", b"a"),
        (b"text/html; charset = a", None),
        (b"text/html;charset=a b", b"a b"),
    ],
)
def test_the_charset_is_that_of_the_type_that_counts(content_type: bytes, charset: bytes | None) -> None:
    assert charset_parameter(content_type) == charset


@pytest.mark.parametrize(
    ("first", "waits"),
    [
        (b"", True),
        (b"\xef", True),
        (b"\xef\xbb", True),
        (b"\xff", True),
        (b"<", True),
        (b"<\0?\0x", True),
        (b"<h", False),
        (b"\xef\xbb\xbf", False),
        (b"<p", False),
        (b"\xff\xfe", False),
    ],
)
def test_only_bytes_that_may_be_utf_16_are_waited_for(first: bytes, waits: bool) -> None:
    assert undecided(first) is waits


def test_a_mark_or_header_is_said_and_a_guess_is_not() -> None:
    assert named(b"<p>", b"text/html; charset=utf-8") == "utf-8"
    assert named(b"<p>", b"text/html") is None


@given(st.binary(max_size=200), st.none() | st.binary(max_size=60), st.booleans())
def test_any_beginning_has_a_charset_or_is_refused(
    first: bytes, content_type: bytes | None, xml: bool
) -> None:
    try:
        assert charset_of(first, content_type, xml=xml) in LABELS.values()
    except Unreadable:
        return


STRUCTURE = b"<>\"'&=/-! \t\n\f\r"
MULTIBYTE = ["gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr", "cp949", "cp932"]


@pytest.mark.parametrize("codec", MULTIBYTE)
def test_no_character_hides_what_tags_are_made_of(codec: str) -> None:
    """Why these encodings are scanned as bytes: no character holds a quote, bracket or space."""
    for code in (*range(0x80, 0xD800), *range(0xE000, 0x10000), *range(0x20000, 0x20400)):
        try:
            coded = chr(code).encode(codec)
        except UnicodeEncodeError:
            continue
        assert not set(coded) & set(STRUCTURE), (codec, hex(code))


@pytest.mark.parametrize("codec", MULTIBYTE)
@pytest.mark.parametrize("mark", [bytes([mark]) for mark in STRUCTURE])
def test_a_first_byte_swallows_nothing_that_tags_are_made_of(codec: str, mark: bytes) -> None:
    """A dangling half of a character leaves the bracket behind it a bracket."""
    for lead in range(0x80, 0x100):
        text = (bytes([lead]) + mark + b"p>").decode(codec, "replace")
        assert text.endswith(mark.decode() + "p>"), (codec, hex(lead))


HTML = [(b"Content-Type", b"text/html")]


@pytest.mark.parametrize(
    ("content_type", "first", "said"),
    [
        (
            b"text/html",
            b"<!doctype html><head><meta charset=windows-1252>",
            b"text/html; charset=windows-1252",
        ),
        (b"Text/HTML ;", b"<meta charset=sjis>", b"text/html; charset=shift_jis"),
        (b"text/html", b"<meta charset=utf-16>", b"text/html; charset=utf-8"),
        (b"text/html", b"<title>a</title><script>x()</script><meta charset=gbk>", b"text/html; charset=gbk"),
        (b"text/html; charset=utf-8", b"<meta charset=gbk>", b"text/html; charset=utf-8"),
        (b"text/html; charset=nonsense", b"<meta charset=gbk>", b"text/html; charset=nonsense"),
        (b"text/html; x=y", b"<meta charset=gbk>", b"text/html; x=y"),
        (b"text/html, text/html", b"<meta charset=gbk>", b"text/html, text/html"),
        (b"application/xhtml+xml", b"<meta charset=gbk>", b"application/xhtml+xml"),
        (b"text/html", b"\xef\xbb\xbf<meta charset=gbk>", b"text/html"),
        (b"text/html", "\ufeff<meta charset=gbk>".encode("utf-16-le"), b"text/html"),
        (b"text/html", b"<p>nothing said", b"text/html"),
        (b"text/html", b"<meta charset=iso-2022-jp>", b"text/html"),
        (b"text/html", b" " * 1024 + b"<meta charset=gbk>", b"text/html"),
        (b"text/html", b"<meta charset=gb", b"text/html"),
    ],
)
def test_what_a_page_declares_goes_before_what_we_put_into_it(content_type, first, said) -> None:
    assert typed(content_type, first) == said


@pytest.mark.parametrize(
    "before",
    [
        b"<script>'<meta charset=big5>'</script>",
        b"<script>a<b</script>",
        b"<style><meta charset=big5></style>",
        b"<noscript></noscript>",
        b"<!-- --!><p>",
        b"<?xml version='1.0'?>",
        b"<svg><![CDATA[ ]]></svg>",
        b"<template>",
        b"<body>",
        b"</head>",
        b"<textarea></textarea>",
    ],
)
def test_where_parser_and_prescan_could_disagree_nothing_is_said(before) -> None:
    assert typed(b"text/html", before + b"<meta charset=gbk>") == b"text/html"
