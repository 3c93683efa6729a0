"""The stream: what is complete leaves at once, what is not waits within bounds, and the foot goes last."""

from html import escape

import pytest

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.html.stream import Output, TagBuffer
from proxy.filter.size_limits import MAX_TAIL
from proxy.filter.tags.injection import Injection, PageMetadata
from tests.filter.pages import Marks, filtered, judge, passed


def fed(*pieces: bytes, inject=None) -> list[bytes]:
    """Return what leaves at each piece, and at the end."""
    run = HtmlFilter(judge(), inject=inject)
    return [*(run.feed(piece) for piece in pieces), run.close()]


@pytest.mark.parametrize(
    ("pieces", "out"),
    [
        ((b"<p>a", b"b"), [b"<p>a", b"b", b""]),
        ((b"<p>a<", b"b>"), [b"<p>a", b"<b>", b""]),
        ((b'<p>a<img src="', b'/x"', b">b"), [b"<p>a", b"", b'<img src="/x">b', b""]),
        ((b"<p><!-- a", b" -", b"-> b"), [b"<p><!--", b" ", b"a --> b", b""]),
        ((b"<p>a</tit", b"le>"), [b"<p>a", b"</title>", b""]),
        ((b"<p><title>a</ti", b"tle>"), [b"<p><title>", b"a</title>", b""]),
        ((b"<p>a<", b""), [b"<p>a", b"", b"<"]),
        ((b"<p>a<!doc", b"type x>"), [b"<p>a", b"<!doctype x>", b""]),
    ],
)
def test_complete_markup_leaves_at_once_and_the_rest_with_its_end(pieces, out):
    assert fed(*pieces) == out


def test_a_script_leaves_with_its_end_since_its_text_decides():
    assert fed(b"<p><script>go(", b");</script>x") == [b"<p>", b"<script>go();</script>x", b""]


def test_a_whole_document_comes_out_as_one_that_was_fed():
    page = b"<html><head></head><body><img src=//stats.example/><script>StatsQueue</script></body></html>"

    assert HtmlFilter(judge(), inject=Marks()).whole(page) == filtered(page, inject=Marks())


def test_the_foot_waits_behind_an_end_of_the_body_until_it_was_the_last():
    out = fed(b"<html><head><body>a</body>", b"<p>b", b"</body>c", inject=Marks())

    assert out == [b"<html><head>[head]<body>[body]a", b"", b"</body><p>b", b"[foot]</body>c"]


def test_the_foot_goes_to_the_end_of_a_page_without_an_end_of_the_body():
    assert filtered("<html><head><body>a", inject=Marks()).endswith(b"a[foot]")


def test_there_is_one_foot_also_where_much_follows_the_body():
    page = b"<html><head><body>a</body>" + b"x" * (MAX_TAIL + 1) + b"</body></html>"
    for size in (0, 1_000):
        assert filtered(page, size=size, inject=Marks()).count(b"[foot]</body>x") == 1
        assert filtered(page, size=size, inject=Marks()).count(b"[foot]") == 1


def test_a_tail_in_many_pieces_is_joined_and_keeps_its_order():
    out, injection = Output(), Injection(Marks(always=True), PageMetadata())
    injection.text()
    out.emit(b"a")
    out.body_ends(injection)
    assert out.flush(injection) == b"a"
    for number in range(100):
        out.emit(b"%d," % number)
    assert out.flush(injection) == b""
    assert len(out.pieces) == 1
    out.end(injection, at_end=True)

    assert out.flush(injection) == b"[foot]" + b"".join(b"%d," % number for number in range(100))


def test_a_tag_in_tiny_pieces_is_joined_less_and_less_often():
    buffer, joins = TagBuffer(), 0
    buffer.begin(b"<p ", 64_000)
    for _ in range(4_000):
        if buffer.ready(b"a>"):
            joins += 1
            buffer.begin(buffer.take(), 64_000)

    assert 4 < joins < 60


def test_a_tag_that_cannot_be_complete_is_not_joined_and_one_over_its_cap_is():
    buffer = TagBuffer()
    buffer.begin(b"<p ", 20)

    assert buffer
    assert [buffer.ready(piece) for piece in (b"a=b", b" c", b">")] == [False, False, True]
    assert buffer.take() == b"<p a=b c>"
    assert not buffer
    buffer.begin(b"<p ", 20)
    assert [buffer.ready(b"x" * n) for n in (17, 1)] == [False, True]


def test_relative_addresses_behind_a_base_elsewhere_are_that_hosts():
    page = '<head><base href="//stats.example/"><img src="a"><base href="//own.example/"><img src="b">'

    assert filtered(page).count(b"data-consent-src") == 2


def test_a_base_of_the_sites_own_hides_none_that_follows():
    page = '<head><base href="/dir/"><img src="a"><base href="//stats.example/"><img src="b">'

    assert filtered(page) == (
        b'<head><base href="/dir/"><img src="a"><base href="//stats.example/">'
        b'<img data-consent="performance" data-consent-src="b">'
    )


def test_a_style_that_passes_on_one_page_is_read_anew_behind_a_base_of_another():
    style = "<style>a{background:url(/p.png)}</style>"
    for _ in range(3):
        assert filtered("<p>" + style) == b"<p>" + style.encode()

    assert filtered('<head><base href="//stats.example/"></head><p>' + style).endswith(
        b"<p><style>a{background:url(about:invalid)}</style>"
    )
    assert filtered("<p>" + style) == b"<p>" + style.encode()


def nested(depth: int) -> bytes:
    """Return a frame with a document in its srcdoc, and so on down to a refused image."""
    inside = "<img src=//stats.example/i>"
    for _ in range(depth):
        inside = f'<iframe srcdoc="{escape(inside)}"></iframe>'
    return b"<p>" + inside.encode()


@pytest.mark.parametrize("first", [0, 1])
def test_what_a_frame_with_a_document_is_depends_on_how_deep_it_stands(first):
    """The same tag, remembered from a page where it stood higher or deeper."""
    deepest = next(depth for depth in range(1, 30) if note(nested(depth + 1)) == "srcdoc nested too deep")
    notes = {deepest: "img stats.example", deepest + 1: "srcdoc nested too deep"}

    for depth in sorted(notes, reverse=bool(first)):
        for _ in range(3):
            assert note(nested(depth)) == notes[depth]


def note(page: bytes) -> str:
    _, run = passed(page)
    [verdict] = run.verdicts
    return verdict.note


def test_a_tag_that_names_an_entity_is_that_of_its_own_document():
    def drawn(address: str) -> bytes:
        doctype = f'<!DOCTYPE svg [<!ENTITY where "{address}">]>'
        root = '<svg xmlns="http://www.w3.org/2000/svg">'
        return filtered(f'{doctype}{root}<image href="&where;"/></svg>', xml=True)

    for _ in range(3):
        assert b"data-consent" not in drawn("/own.png")
    for _ in range(3):
        assert b"data-consent" in drawn("//stats.example/p")
    assert b"data-consent" not in drawn("/own.png")


def test_text_before_a_tag_that_is_replaced_leaves_before_its_placeholder():
    out = filtered('<p>text<iframe src="https://booking.example/me">x</iframe>', inject=Marks(always=True))

    assert b"<p>text[iframe https://booking.example/me]<" in out


def test_a_document_of_xml_has_no_foot():
    assert b"[foot]" not in filtered("<feed><entry/></feed>", xml=True, inject=Marks(always=True))


def test_a_removed_element_leaves_with_its_text_and_its_end():
    assert filtered('<p><script src="//gone.example/s">x</script><p>') == b"<p><p>"
    assert filtered('<p><script src="//gone.example/s">x') == b"<p>"
    assert filtered('<p><script src="//gone.example/s">x</scr', size=3) == b"<p>"


def test_plain_text_is_read_as_markup_no_more():
    page = b"<p><plaintext><img src=//stats.example/></plaintext>"

    assert filtered(page) == page


def test_a_tag_that_never_ends_leaves_as_it_is():
    assert filtered('<p><img src="//stats.example/') == b'<p><img src="//stats.example/'


def test_each_refused_tag_is_one_verdict_in_the_order_of_the_page():
    _, run = passed(
        '<p><img src="//stats.example/"><script>StatsQueue</script><img src="//booking.example/">'
    )

    assert [verdict.provider for verdict in run.verdicts] == ["stats", "stats", "booking"]
