"""A document that does not say its encoding, and speculation rules in a file of their own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.errors import Unreadable
from proxy.filter.body.document_text import MAX_RULES, PageText, RulesText
from tests.filter.judging import judge

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
