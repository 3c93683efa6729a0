"""What markup is by its first bytes, and how it ends, however little of it is there."""

import pytest

from proxy.filter.html.incomplete_markup import COMMENT, Construct, construct_at, unfinished_noscript
from proxy.filter.tags.refusal import DocumentContext
from tests.filter.pages import judge


def kind(head: bytes, *, xml: bool = False, foreign: bool = False) -> str:
    return construct_at(head, xml=xml, foreign=foreign)[0].name


@pytest.mark.parametrize(
    ("head", "construct"),
    [
        (b"<", "UNKNOWN"), (b"<1", "UNKNOWN"), (b"</", "UNKNOWN"), (b"<a", "TAG"), (b"</a", "TAG"), (b"</1", "PASSES"), (b"<?", "PASSES"),
        (b"<!", "UNKNOWN"), (b"<!-", "UNKNOWN"), (b"<!--", "UNKNOWN"), (b"<!---", "UNKNOWN"), (b"<!--a", "PASSES"), (b"<!--ab", "PASSES"), (b"<!---->", "PASSES"),
        (b"<!d", "UNKNOWN"), (b"<!DOCTYP", "UNKNOWN"), (b"<!docTYPE", "DOCTYPE"), (b"<!docs", "PASSES"), (b"<![CDATA[", "PASSES"), (b"<![", "PASSES"),
    ],
)  # fmt: skip
def test_in_html_the_first_bytes_tell_or_wait_for_more(head, construct):
    assert kind(head) == construct


def test_in_xml_any_name_is_a_tag_and_a_comment_is_certain_at_once():
    assert [kind(head, xml=True) for head in (b"<_a", b"</_a", b"<!--")] == ["TAG", "TAG", "PASSES"]


def test_in_xml_what_begins_no_name_is_no_tag():
    """A browser stops reading there; whoever took it for a tag would wait for its end, and again at the next."""
    heads = (b"<", b"</", b"<>", b"< a", b"<&", b"</>", b"</ a")

    assert [kind(head, xml=True) for head in heads] == ["UNKNOWN"] * 2 + ["PASSES"] * 5
    assert construct_at(b"<>", xml=True, foreign=False)[1].begins == 1, "what is behind it is read"


@pytest.mark.parametrize("how", [{"foreign": True}, {"xml": True}])
def test_a_cdata_section_ends_at_its_own_end_where_it_is_one(how):
    assert [kind(b"<![CDATA["[:n], **how) for n in (3, 8, 9)] == ["UNKNOWN", "UNKNOWN", "PASSES"]

    section, plain = (
        construct_at(b"<![CDATA[", **{"xml": False, "foreign": False} | one)[1] for one in (how, {})
    )
    assert section.end.search(b"a > ]] ]]>").end() == 10
    assert plain.end.search(b"a > ]] ]]>").end() == 3


def test_a_comment_ends_as_its_language_says():
    xml = construct_at(b"<!--a", xml=True, foreign=False)[1]

    assert COMMENT.end.search(b"a --!> -->").end() == 6
    assert xml.end.search(b"a --!> -->").end() == 10
    assert (COMMENT.tail, xml.tail) == (3, 2)


@pytest.mark.parametrize("markup", [b"<!---->", b"<![CDATA[]]>", b"<?>", b"<!x>"])
def test_markup_of_xml_with_nothing_inside_ends_at_its_first_end(markup):
    end = construct_at(markup[:9], xml=True, foreign=False)[1]

    assert end.end.search(markup + b" -->]]>", end.begins).end() == len(markup)


@pytest.mark.parametrize(
    ("rest", "out"),
    [
        (b'<img src="//stats.example/p', b'&lt;img src="//stats.example/p'),
        (b"<img src='//stats.example/p", b"&lt;img src='//stats.example/p"),
        (b"<img src=//stats.example/p", b"&lt;img src=//stats.example/p"),
        (b'<img src="//pay.example/p', b'<img src="//pay.example/p'),
        (b"<iframe a<b <img src=//stats.example/p", b"&lt;iframe a&lt;b &lt;img src=//stats.example/p"),
        (b"<p", b"<p"),
        (b"</img src=//stats.example/p", b"</img src=//stats.example/p"),
        (b"text <img src=//stats.example/p", b"text <img src=//stats.example/p"),
    ],
)  # fmt: skip
def test_a_tag_that_a_noscript_leaves_open_is_escaped_where_it_could_be_refused(rest, out):
    assert unfinished_noscript(DocumentContext(judge()), rest) == out


def test_every_construct_but_a_tag_says_how_it_ends_once_it_is_known():
    for head in (b"<!--ab", b"<?", b"</1", b"<!doctype", b"<!x"):
        found, end = construct_at(head, xml=False, foreign=False)

        assert found in (Construct.PASSES, Construct.DOCTYPE)
        assert end is not None
        assert end.begins <= len(head)
