"""A document from the server's bytes to the visitor's: every coding, encoding and cut."""

import gzip
import json
import re
import tracemalloc
import xml.etree.ElementTree as ET
import zlib
from pathlib import Path
from types import SimpleNamespace

import brotli
import html5lib
import pytest
from backports import zstd
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.errors import Unreadable
from proxy.filter.body.body_filter import (
    BodyFilter,
    ObservedBody,
    PageCacheKey,
    Verbatim,
    cached_filter,
    document_filter,
    first_bytes,
    smaller,
)
from proxy.filter.body.decoding import Cap
from proxy.filter.cache import POPULAR, PageCache
from proxy.filter.headers.content_kind import SNIFF, BodyKind
from proxy.filter.headers.judged_headers import judged_headers, refused_headers
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.filter.tags.injection import Injector
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.filter.judging import STATES, judge
from tests.shared import shared

DOCUMENTS = Path(__file__).parents[2] / "data" / "documents"
HELD = '<script type="text/plain" data-consent="performance" src="//js.stats.example/1.js"></script>'
PAGE = (
    '<!DOCTYPE html><html lang="fr"><head><title>Café, été</title>'
    '<script src="//js.stats.example/1.js"></script></head>'
    "<body><p>Ça coûte 3 €</p></body></html>"
)


class Words:
    """An injector that speaks French."""

    always = False

    def head(self, *_: object) -> bytes:
        return b"<script>/* guard */</script>"

    def body(self, *_: object) -> bytes:
        return "<p>Accepté – à vous</p>".encode()

    def foot(self, *_: object) -> bytes:
        return "<a href='/.consent/'>Gérer mes cookies</a>".encode()

    def placeholder(self, *_: object) -> bytes:
        return "<p>À la place</p>".encode()


def body_filter(
    *,
    who: Judge | None = None,
    content_type: bytes | None = b"text/html",
    coding: bytes = b"",
    answer: bytes | None = None,
    inject: Injector | None = None,
    sort: BodyKind = BodyKind.HTML,
    cap: Cap | None = None,
) -> BodyFilter:
    return document_filter(
        sort=sort, content_type=content_type, content_encoding=coding, response_coding=answer,
        judge=who or judge(), inject=inject, cap=cap,
    )  # fmt: skip


def run(stream: BodyFilter, data: bytes, sizes: list[int] | None = None) -> bytes:
    out, at = b"", 0
    for size in (*(sizes or []), len(data)):
        out += stream.feed(data[at : at + size])
        at += size
    return out + stream.close()


SIZES = st.lists(st.integers(0, 40), max_size=40)
WRITE = {
    b"": bytes,
    b"gzip": gzip.compress,
    b"br": brotli.compress,
    b"zstd": zstd.compress,
    b"deflate": zlib.compress,
}
READ = {None: bytes, b"gzip": gzip.decompress, b"br": brotli.decompress, b"zstd": zstd.decompress}

# Encodings

ENCODED = {
    "utf-8": (b"text/html; charset=utf-8", "utf-8"),
    "utf-8 with a mark": (b"text/html", "utf-8-sig"),
    "windows-1252": (b"text/html", "cp1252"),
    "iso-8859-15": (b"text/html; charset=iso-8859-15", "iso-8859-15"),
    "utf-16": (b"text/html", "utf-16"),
    "utf-16le by header": (b"text/html; charset=utf-16", "utf-16-le"),
    "utf-16be by header": (b"text/html; charset=utf-16be", "utf-16-be"),
}


@pytest.mark.parametrize("case", ENCODED)
@pytest.mark.parametrize("step", [1, 2, 3, 5, 1 << 20])
def test_a_tag_is_held_and_words_are_right_in_every_encoding(case: str, step: int) -> None:
    content_type, codec = ENCODED[case]
    raw = PAGE.encode(codec)
    stream = body_filter(content_type=content_type, inject=Words())
    out = run(stream, raw, [step] * (len(raw) // step + 1)).decode(codec)

    unicode = "utf" in case
    body = "<p>Accepté – à vous</p>" if unicode else "<p>Accept&#233; &#8211; &#224; vous</p>"
    foot = (
        "<a href='/.consent/'>Gérer mes cookies</a>"
        if unicode
        else "<a href='/.consent/'>G&#233;rer mes cookies</a>"
    )
    expected = PAGE.replace('<script src="//js.stats.example/1.js"></script>', HELD)
    expected = expected.replace("<head>", "<head><script>/* guard */</script>").replace(
        "<body>", "<body>" + body
    )
    assert out == expected.replace("</body>", foot + "</body>")
    assert [verdict.provider for verdict in stream.verdicts] == ["stats"]


def test_words_are_character_references_until_utf_8_is_certain() -> None:
    """A page that only declares UTF-8 in a tag: the words may leave before the tag comes."""
    out = run(body_filter(inject=Words()), b"<!doctype html><meta charset=utf-8><p>x")

    assert b"Accept&#233;" in out


def test_a_placeholder_is_ascii_too() -> None:
    out = run(body_filter(inject=Words()), b"<html><body><iframe src=https://booking.example/></iframe>")

    assert b"<p>&#192; la place</p>" in out


UNITS = st.lists(
    st.sampled_from(
        [
            0,
            0x0A,
            0x3C,
            0x3E,
            0x22,
            0x26,
            0x2D,
            0x21,
            0x61,
            0xD83D,
            0xDE00,
            0xD800,
            0xDFFF,
            0xFEFF,
            0xFFFE,
            0xE9,
        ]
    )
    | st.integers(0, 0xFFFF),
    max_size=60,
)


@given(UNITS, st.binary(max_size=1), st.sampled_from(["utf-16le", "utf-16be"]), SIZES)
@settings(deadline=None)
def test_utf_16_that_is_kept_stays_unit_for_unit(
    units: list[int], odd: bytes, label: str, sizes: list[int]
) -> None:
    order = "little" if label == "utf-16le" else "big"
    data = b"".join(unit.to_bytes(2, order) for unit in units) + odd
    marks = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
    data = (0x20).to_bytes(2, order) + data if data.startswith(marks) else data

    assert run(body_filter(content_type=b"text/html; charset=" + label.encode()), data, sizes) == data


@given(st.binary(max_size=300), SIZES)
@settings(deadline=None)
def test_bytes_that_no_encoding_has_are_kept(data: bytes, sizes: list[int]) -> None:
    data = data.replace(b"\x1b", b"").replace(b"<", b"")

    assert run(body_filter(content_type=b"text/html; charset=utf-8"), data, sizes) == data


@pytest.mark.parametrize("codec", ["gbk", "gb18030", "big5", "shift_jis", "euc_jp", "euc_kr"])
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_encodings_of_several_bytes_are_scanned_as_bytes(codec: str, step: int) -> None:
    """Characters whose second byte is a letter or a backslash stand around the tag."""
    text = "".join(chr(c) for c in range(0x4E00, 0x4F00) if _encodes(chr(c), codec))
    page = f"<html><head><title>{text}</title></head><body title='{text}'><!--{text}--><script src='//js.stats.example/1.js'>{text}</script>{text}".encode(
        codec
    )
    stream = body_filter(content_type=b"text/html; charset=" + codec.replace("_", "-").encode())
    out = run(stream, page, [step] * (len(page) // step))

    assert out == page.replace(b"<script src", b'<script type="text/plain" data-consent="performance" src')


def _encodes(char: str, codec: str) -> bool:
    try:
        return len(char.encode(codec)) > 1
    except UnicodeEncodeError:
        return False


# Codings and cuts


@given(
    st.sampled_from(sorted(WRITE)),
    st.sampled_from(sorted(READ, key=str)),
    st.sampled_from(sorted(ENCODED)),
    SIZES,
)
@settings(deadline=None)
def test_no_cut_shows_in_any_coding(coding: bytes, answer: bytes | None, case: str, sizes: list[int]) -> None:
    content_type, codec = ENCODED[case]
    coded = WRITE[coding](PAGE.encode(codec))
    whole = run(body_filter(content_type=content_type, inject=Words()), PAGE.encode(codec))
    out = run(
        body_filter(content_type=content_type, coding=coding, answer=answer, inject=Words()), coded, sizes
    )

    assert READ[answer](out) == whole


@given(st.binary(max_size=400), SIZES, st.sampled_from([b"text/html", b"text/html; charset=utf-16", None]))
@settings(deadline=None)
def test_any_bytes_are_filtered_the_same_at_every_cut_or_refused(
    data: bytes, sizes: list[int], content_type: bytes | None
) -> None:
    results = []
    for cuts in ([], sizes, [1] * len(data)):
        try:
            results.append(run(body_filter(content_type=content_type), data, cuts))
        except Unreadable:
            results.append(b"unreadable")

    assert len(set(results)) == 1


@pytest.mark.parametrize("coding", [b"gzip", b"br"])
def test_a_cut_body_leaves_as_far_as_it_goes_and_is_cut_in_the_coding_it_leaves_in(coding: bytes) -> None:
    from proxy.filter.body.body_filter import smaller
    from proxy.filter.body.decoding import decoder

    stream, reader = body_filter(coding=coding, answer=coding), decoder(coding)
    sent = stream.whole(WRITE[coding](PAGE.encode() + bytes(9000))[:-1])
    seen = b"".join(reader.feed(sent))

    assert b"data-consent" in seen
    assert not reader.close()
    assert smaller(coding, sent) == sent


@pytest.mark.parametrize("coding", [b"gzip", b"br", b"zstd", b"deflate"])
def test_a_cut_body_that_leaves_plain_ends_in_an_error_never_in_half_a_page(coding: bytes) -> None:
    coded = WRITE[coding](PAGE.encode())
    stream = body_filter(coding=coding)
    stream.feed(coded[:-5])

    with pytest.raises(Unreadable, match="ended early"):
        stream.close()


def test_an_unknown_coding_is_refused_before_a_byte() -> None:
    with pytest.raises(Unreadable, match="'dcb' cannot be read"):
        body_filter(coding=b"dcb")


@pytest.mark.parametrize("answer", [None, b"gzip", b"br", b"zstd"])
@pytest.mark.parametrize("content_type", [b"text/html", b"text/html; charset=utf-8"])
def test_what_the_server_wrote_is_seen_before_it_writes_on(answer: bytes | None, content_type: bytes) -> None:
    """Each part of a page that pauses reaches the visitor decodable, however short it is."""
    from proxy.filter.body.decoding import decoder

    stream, reader, seen = body_filter(answer=answer, content_type=content_type), decoder(answer or b""), b""
    for part in (b"<!doctype html><p>one</p>", b"<p>two</p>", b"<p>three</p>"):
        before = len(seen)
        seen += b"".join(reader.feed(stream.feed(part)))
        assert seen[before:] == part


def test_pieces_are_the_whole_and_each_is_small() -> None:
    page = b"<!doctype html><p>" + b"<br>\n" * 400_000
    stream = body_filter(coding=b"gzip")
    pieces = [*stream.pieces(gzip.compress(page)), stream.close()]

    assert b"".join(pieces) == page
    assert max(map(len, pieces)) <= 1 << 18


def test_a_bomb_costs_little_memory_and_is_refused() -> None:
    bomb = gzip.compress(b"<p>" + bytes(100 << 20))
    stream = body_filter(coding=b"gzip", content_type=b"text/html; charset=utf-8")
    came = []

    def feed_all() -> None:
        for at in range(0, len(bomb), 16_384):
            came.extend(map(len, stream.pieces(bomb[at : at + 16_384])))

    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="unfolds too far"):
            feed_all()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert sum(came) <= 17 << 20
    assert peak < 8 << 20


def test_a_cap_can_be_set() -> None:
    with pytest.raises(Unreadable, match="unfolds too far"):
        run(body_filter(coding=b"gzip", cap=Cap(free=10, ratio=1, size=10)), gzip.compress(PAGE.encode()))


# Pages here as a whole, and seen before


@pytest.mark.parametrize("answer", READ)
@pytest.mark.parametrize("coding", WRITE)
def test_a_page_that_is_here_as_a_whole_is_the_same_page(coding: bytes, answer: bytes | None) -> None:
    body = WRITE[coding](PAGE.encode())
    whole = body_filter(coding=coding, answer=answer, inject=Words())
    streamed = body_filter(coding=coding, answer=answer, inject=Words())

    assert READ[answer](whole.whole(body)) == READ[answer](run(streamed, body))
    assert whole.verdicts == streamed.verdicts


def test_what_passes_passes_whole_too() -> None:
    observed = ObservedBody(body_filter())

    assert Verbatim().whole(b"x\xff") == b"x\xff"
    assert observed.whole(PAGE.encode()) == PAGE.encode()
    assert len(observed.verdicts) == 1


def remembered(
    cache: PageCache, body: bytes, name: bytes = b"t1", **other: object
) -> tuple[bytes, list[str | None]]:
    given = {
        "sort": BodyKind.HTML, "content_type": b"text/html", "content_encoding": b"gzip",
        "response_coding": None, "judge": judge(), "inject": lambda: None, "asking": SimpleNamespace(language=""),
    } | other  # fmt: skip
    stream = cached_filter(PageCacheKey(cache, name), **given)
    return stream.whole(body), [verdict.provider for verdict in stream.verdicts]


def test_a_page_seen_before_is_the_same_page() -> None:
    cache, body = PageCache(limit=1 << 20), gzip.compress(PAGE.encode())
    first = remembered(cache, body)

    assert [remembered(cache, body) for _ in range(3)] == [first] * 3
    assert first == (run(body_filter(coding=b"gzip"), body), ["stats"])


def test_a_page_that_streams_goes_past_the_memory() -> None:
    cache, body = PageCache(limit=1 << 20), PAGE.encode()
    stream = cached_filter(
        PageCacheKey(cache, b"t1"), sort=BodyKind.HTML, content_type=None, content_encoding=b"", response_coding=None,
        judge=judge(), inject=lambda: None, asking=SimpleNamespace(language=""),
    )  # fmt: skip

    assert run(stream, body, [10, 20]) == run(body_filter(), body)
    assert [verdict.provider for verdict in stream.verdicts] == ["stats"]


@pytest.mark.parametrize(
    "other",
    [
        {"name": b"t2", "judge": judge("performance")},
        {"name": b"t2", "inject": Words},
        {"response_coding": b"br"},
        {"content_type": b"text/html; charset=utf-16"},
        {"sort": BodyKind.XML},
    ],
)
def test_nothing_that_makes_a_page_another_is_forgotten(other: dict[str, object]) -> None:
    """Equal bytes, remembered twice, then asked for by somebody else."""
    cache, body = PageCache(limit=1 << 20), gzip.compress(PAGE.encode() + b"<br")
    for _ in range(3):
        first = remembered(cache, body)

    assert remembered(cache, body, **other)[0] != first[0] or other.get("sort") is BodyKind.XML
    assert remembered(cache, body, **other) == remembered(PageCache(limit=0), body, **other)


@pytest.mark.parametrize(
    "other",
    [
        {"name": b"t2"}, {"sort": BodyKind.XML}, {"content_type": None}, {"content_type": b"text/html; charset=utf-8"}, {"content_encoding": b"gzip, gzip"}, {"response_coding": b"gzip"},
    ],
    ids=str,
)  # fmt: skip
def test_each_part_of_a_pages_name_tells_it_apart(other: dict[str, object]) -> None:
    cache, body = PageCache(limit=1 << 20), gzip.compress(gzip.compress(PAGE.encode()))
    given = {"content_encoding": b"gzip"}
    for _ in range(2):
        remembered(cache, body, **given)
    for _ in range(2):
        remembered(cache, body, **(given | other))

    assert len(cache._pages) == 2


def test_a_page_that_cannot_be_read_is_never_remembered() -> None:
    cache, body = PageCache(limit=1 << 20), gzip.compress(PAGE.encode())[:-3]
    for _ in range(3):
        with pytest.raises(Unreadable):
            remembered(cache, body)


# What is not a document


@pytest.mark.parametrize("sort", [BodyKind.FEED, BodyKind.CODE, BodyKind.OTHER])
def test_what_is_no_document_passes_byte_for_byte(sort: BodyKind) -> None:
    data = PAGE.encode() + b"\xff\0\x1b$B"
    stream = body_filter(sort=sort, coding=b"dcb")

    assert run(stream, data, [3, 5]) == data
    assert (list(stream.pieces(b"x")), stream.verdicts) == ([b"x"], [])
    assert isinstance(stream, Verbatim)


def test_a_document_in_a_form_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(Unreadable, match="form"):
        body_filter(sort=BodyKind.REFUSED)


def test_a_file_of_speculation_rules_goes_through_the_same_codings() -> None:
    rules = b'{"prefetch": [{"urls": ["https://stats.example/"]}]}'
    stream = body_filter(sort=BodyKind.RULES, coding=b"br", answer=b"zstd")

    assert zstd.decompress(run(stream, brotli.compress(rules), [5])) == b"{}"
    assert [verdict.provider for verdict in stream.verdicts] == ["stats"]


def test_observing_reports_what_would_be_held_and_changes_nothing() -> None:
    coded = gzip.compress(PAGE.encode())
    stream = ObservedBody(body_filter(coding=b"gzip"))

    assert b"".join(stream.pieces(coded[:50])) + stream.feed(coded[50:]) + stream.close() == coded
    assert [str(verdict) for verdict in stream.verdicts] == ["hold (rules.yaml:23)"]
    assert stream.unreadable is None


def test_observing_passes_what_cannot_be_read_and_says_so() -> None:
    stream = ObservedBody(body_filter(coding=b"gzip"))

    assert run(stream, b"not gzip at all", [4]) == b"not gzip at all"
    assert "is not" in (stream.unreadable or "")


def test_nothing_is_judged_behind_what_could_not_be_read() -> None:
    stream = ObservedBody(body_filter(coding=b"gzip"))
    stream.feed(b"not gzip at all")
    stream.feed(gzip.compress(PAGE.encode()))

    assert stream.verdicts == []


def test_the_first_bytes_come_in_as_many_pieces_as_they_like() -> None:
    coded = gzip.compress(b" \n") + gzip.compress(b"<html>")

    assert first_bytes(coded, b"gzip") == b" \n<html>"


def test_the_first_bytes_are_decoded_to_be_sniffed() -> None:
    coded = gzip.compress(PAGE.encode() * 50)

    assert first_bytes(coded, b"gzip") == (PAGE.encode() * 50)[:SNIFF]
    assert first_bytes(b"<p>", b"") == b"<p>"
    assert first_bytes(coded[:8], b"gzip") == b""
    with pytest.raises(Unreadable):
        first_bytes(b"x", b"dcb")


# XML


def elements(document: bytes) -> list[ET.Element]:
    return list(ET.fromstring(document).iter())


@pytest.mark.parametrize("name", ["page.xhtml", "chart.svg", "table.xsl"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("codec", ["utf-8", "utf-16"])
def test_an_xml_document_stays_well_formed_in_every_state(name: str, state: str, codec: str) -> None:
    text = (DOCUMENTS / name).read_text(encoding="utf-8")
    raw = text.replace('encoding="UTF-8"', f'encoding="{codec.upper()}"').encode(codec)
    who = judge(*STATES[state])
    stream = body_filter(who=who, sort=BodyKind.XML, content_type=b"application/xml", inject=Words())
    out = run(stream, raw, [11] * 90)

    shown = [
        element for element in elements(out) if element.tag.endswith("}script") or element.tag == "script"
    ]
    sources = [
        element.get("src") or element.get("{http://www.w3.org/1999/xlink}href")
        for element in shown
        if element.get("type") != "text/plain"
    ]
    assert ("https://stats.example/1.js" in sources) == ("performance" in STATES[state])
    assert (b"data-consent" in out.replace(b"\0", b"")) == (
        state not in ("all", *(["performance"] if name != "page.xhtml" else []))
    )


@pytest.mark.parametrize("name", ["page.xhtml", "chart.svg", "table.xsl"])
def test_an_xml_document_with_everything_granted_is_identical(name: str) -> None:
    raw = (DOCUMENTS / name).read_bytes()

    assert run(body_filter(who=judge(*STATES["all"]), sort=BodyKind.XML), raw, [7] * 200) == raw


def test_words_in_xhtml_are_well_formed_and_in_place() -> None:
    out = run(
        body_filter(sort=BodyKind.XML, inject=Words(), content_type=b"application/xhtml+xml"),
        (DOCUMENTS / "page.xhtml").read_bytes(),
    )
    texts = [element.text for element in elements(out)]

    assert {"Accepté – à vous", "Gérer mes cookies", "À la place"} <= set(texts)


# The shared corpus


def manifest() -> dict[str, dict]:
    return {page["file"]: page for page in json.loads(shared("corpus", "manifest.json").read_text())["pages"]}


def callkom(state: str) -> Judge:
    policy = load_policy((Path(__file__).parents[3] / "rules.yaml").read_text(encoding="utf-8"))
    compiled = compile_rules(policy, OwnHosts(frozenset({"callkom.io"}), "callkom.io"))
    return judge_for(compiled, scope_of(policy).granted(STATES[state]))


def active(page: str) -> set[str]:
    """Return the addresses that a browser would ask for this page, as a spec parser sees it."""
    tree = html5lib.parse(page, namespaceHTMLElements=False)
    found = set()
    for element in tree.iter():
        attributes = {name: value for name, value in element.attrib.items() if isinstance(name, str)}
        if element.tag == "script" and attributes.get("type", "text/javascript") not in (
            "text/javascript",
            "module",
        ):
            continue
        if element.tag in ("script", "iframe", "img"):
            found.add(attributes.get("src", ""))
        if element.tag == "link" and "href" in attributes:
            found.add(attributes["href"])
    return found


@pytest.mark.parametrize("name", ["enc01-utf8-bom", "enc02-windows-1252", "enc03-utf16le-bom", "ga07-hints"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_the_corpus_pages_of_other_encodings_are_right_in_every_state(
    name: str, state: str, step: int
) -> None:
    page = manifest()[f"pages/{name}.html"]
    raw = shared("corpus", page["file"]).read_bytes()
    stream = body_filter(who=callkom(state), content_type=page["content_type"].encode())
    out = run(stream, raw, [step] * (len(raw) // step))
    codec = {"enc02-windows-1252": "cp1252", "enc03-utf16le-bom": "utf-16"}.get(name, "utf-8")
    addresses = active(out.decode(codec))

    for item in page["items"]:
        element = raw[item["start"] : item["end"]]
        wanted = {item["expect"][state], *item.get("tolerate", [])}
        if element in out:
            assert "kept" in wanted, item
        else:
            assert wanted - {"kept"}, item
            asked = re.findall(
                r"(?:src|href)=[\"']?([^\"' >]+)", element.decode(codec.replace("16", "16-le"))
            )
            assert not addresses & set(asked), item
    at, before = 0, 0
    for item in [*page["items"], {"start": len(raw), "end": len(raw)}]:
        around = raw[before : item["start"]]
        assert around in out[at:], "what stands around the items keeps its bytes"
        at, before = out.index(around, at) + len(around), item["end"]
    assert state != "all" or out == raw


@pytest.mark.parametrize("state", STATES)
def test_the_corpus_link_header_is_judged_like_its_tags(state: str) -> None:
    (header,) = manifest()["pages/ga07-hints.html"]["response_headers"]
    policy = load_policy((Path(__file__).parents[3] / "rules.yaml").read_text(encoding="utf-8"))
    line = (header["name"].encode(), header["value"].encode())
    seen = judged_headers([line], callkom(state), refused_headers(policy, frozenset())).headers

    assert seen == [
        line if "performance" in STATES[state] else (b"Link", b"</app.css>; rel=preload; as=style")
    ]


def test_a_page_that_is_sent_often_is_sent_in_its_smallest_form_from_then_on():
    cache, body = PageCache(limit=1 << 20), gzip.compress(PAGE.encode() * 40)
    zip_ = {"response_coding": b"zstd"}
    first, *_ = [remembered(cache, body, **zip_) for _ in range(POPULAR + 1)]
    assert cache.next_popular() is None, "it was not sent often yet"
    again = remembered(cache, body, **zip_)
    page = cache.next_popular()
    cache.recode(page, smaller(page.coding, page.filtered[0]))
    small = remembered(cache, body, **zip_)

    assert again == first
    assert len(small[0]) < len(first[0])
    assert zstd.decompress(small[0]) == zstd.decompress(first[0])
    assert small[1:] == first[1:]
    assert cache.next_popular() is None


def test_a_page_that_left_the_cache_meanwhile_is_not_coded_and_never_comes_back():
    cache, body = PageCache(limit=1 << 20), gzip.compress(PAGE.encode() * 40)
    zip_ = {"response_coding": b"zstd"}
    for _ in range(POPULAR + 2):
        remembered(cache, body, **zip_)
    page = cache.next_popular()
    newer = gzip.compress(PAGE.encode() * 41)
    first, _ = remembered(cache, newer, **zip_), remembered(cache, newer, **zip_)
    cache.recode(page, b"older")

    assert remembered(cache, newer, **zip_) == first
