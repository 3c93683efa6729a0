"""In which encoding a browser reads a document: mark, header, declaration, default."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Unreadable
from proxy.filter.body.charset import (
    MAX_RULES,
    PageText,
    RulesText,
    charset_of,
    charset_parameter,
    named,
    typed,
    undecided,
)
from proxy.filter.body.prescan import LABELS
from tests.filter.judging import judge

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


SWALLOWED = b"<p title='\x1b$B'><script src=//js.stats.example/1.js>\x1b(B'></script>"


def read(data: bytes, content_type: bytes | None, step: int, *, xml: bool = False) -> bytes:
    page = PageText(judge(), None, content_type, xml=xml)
    return b"".join(page.feed(data[at : at + step]) for at in range(0, len(data), step)) + page.close()


@pytest.mark.parametrize(
    ("content_type", "page"),
    [
        (b"text/html; charset=iso-2022-jp", b"<p>x"),
        (b"text/html", b"<meta charset=iso-2022-jp>" + SWALLOWED),
        (b"text/html", b"<meta charset=iso-2022-jp>" + b"x" * 2000),
        (b"text/html", SWALLOWED),
        (b"text/html", b"x" * 5000 + SWALLOWED),
        (b"text/html", b"x" * 1030 + b"<meta charset=iso-2022-jp>" + SWALLOWED),
        (b"text/html", b"<p>\x1b(I</p>"),
        (b"text/html", b"<p>\x1b$@</p>"),
        (
            b"text/html",
            b"<title><meta charset=utf-8></title>" + b" " * 2000 + b"<meta charset=iso-2022-jp>" + SWALLOWED,
        ),
        (b"text/html; charset=hz-gb-2312", b"<p>x"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_what_a_browser_may_read_as_iso_2022_jp_is_refused(
    content_type: bytes, page: bytes, step: int
) -> None:
    """In it a tag may be text, and text a tag: nothing the scanner says would hold."""
    with pytest.raises(Unreadable, match=r"(?i)iso-2022-jp|replacement"):
        read(page, content_type, step)


@pytest.mark.parametrize(
    ("content_type", "page"),
    [
        (b"text/html; charset=utf-8", b"<p>\x1b$B</p>"),
        (b"text/html", b"\xef\xbb\xbf<p>\x1b$B</p>"),
        (b"text/html", b"<meta charset=utf-8><p>\x1b(B and \x1b(J are ASCII, or as good as"),
        (b"text/html", b"<p>\x1b[31m red \x1b[0m \x1b"),
        (b"text/html", b"<p>\x1b$"),
        (b"text/html", b""),
        (b"text/html", b"<"),
    ],
)
@pytest.mark.parametrize("step", [1, 7, 1 << 20])
def test_escapes_that_cannot_mislead_pass(content_type: bytes, page: bytes, step: int) -> None:
    assert read(page, content_type, step) == page


def test_xml_is_utf_8_unless_it_says_otherwise() -> None:
    page = b"<?xml version='1.0'?><p>\x1b$B</p>"

    assert read(page, None, 3, xml=True) == page
    with pytest.raises(Unreadable):
        read(b"<?xml version='1.0' encoding='iso-2022-jp'?><p/>", None, 3, xml=True)


def test_nothing_is_judged_before_the_encoding_is_known() -> None:
    page = PageText(judge(), None, None, xml=False)
    page.feed(b"\xef\xbb")

    assert page.verdicts == []


RULES = [
    (b"{}", True),
    (b'{"prefetch": [{"urls": ["/next", "https://callkom.io/x"]}]}', True),
    (b'{"prerender": [{"where": {"href_matches": "/*"}}]}', True),
    (b"not json", True),
    (b'{"prefetch": [{"urls": ["https://stats.example/"]}]}', False),
    (b'{"prefetch": [{"urls": ["https://undeclared.example/"]}]}', False),
    (b'{"prefetch": [{"source": "document"}]}', False),
    (b'{"prefetch": [{"where": {"href_matches": "https://*/*"}}]}', False),
]


@pytest.mark.parametrize(("rules", "kept"), RULES)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_a_file_of_speculation_rules_that_loads_from_elsewhere_has_no_rules(
    rules: bytes, kept: bool, step: int
) -> None:
    reader = RulesText(judge())
    out = b"".join(reader.feed(rules[at : at + step]) for at in range(0, len(rules), step)) + reader.close()

    assert (out, len(reader.verdicts)) == ((rules, 0) if kept else (b"{}", 1))


def test_rules_are_kept_where_their_provider_is_granted() -> None:
    reader = RulesText(judge("performance"))
    rules = b'{"prefetch": [{"urls": ["https://stats.example/"]}]}'

    assert reader.feed(rules) + reader.close() == rules


def test_endless_rules_are_refused() -> None:
    reader = RulesText(judge())

    with pytest.raises(Unreadable, match="too long"):
        reader.feed(b" " * (MAX_RULES + 1))


@given(st.binary(max_size=200))
def test_any_rules_are_kept_or_emptied(rules: bytes) -> None:
    reader = RulesText(judge())

    assert reader.feed(rules) + reader.close() in (rules, b"{}")
