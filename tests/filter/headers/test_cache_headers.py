"""What a response tells caches: a document is for one visitor, and its ETag knows for which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.cache_headers import (
    code_headers,
    document_headers,
    private,
    tagged,
    translate_conditionals,
    translate_preconditions,
    without_range,
)
from proxy.filter.headers.fields import Headers, fault_in, value_of, values_of
from tests.filter.headers.header_lines import HEADER_LINES


def test_a_rewritten_document_is_for_one_visitor_and_asked_about_again() -> None:
    answer = [
        (b"Content-Type", b"text/html"),
        (b"cache-control", b"public, max-age=600, s-maxage=3600"),
        (b"Cache-Control", b"No-Transform"),
        (b"Expires", b"x"),
        (b"Pragma", b"cache"),
        (b"Age", b"4"),
        (b"Surrogate-Control", b"x"),
        (b"CDN-Cache-Control", b"x"),
        (b"Cloudflare-CDN-Cache-Control", b"x"),
        (b"ETag", b'"abc"'),
        (b"Last-Modified", b"x"),
        (b"Content-Length", b"3"),
        (b"Content-Encoding", b"br"),
        (b"Accept-Ranges", b"bytes"),
        (b"Digest", b"x"),
        (b"Content-Digest", b"x"),
        (b"Repr-Digest", b"x"),
        (b"Content-MD5", b"x"),
        (b"Want-Repr-Digest", b"x"),
        (b"vary", b"Accept-Language"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
    ]

    assert document_headers(answer, variant=b"v1", coding=b"zstd") == [
        (b"Content-Type", b"text/html"),
        (b"cache-control", b"private, no-cache, no-transform"),
        (b"vary", b"Accept-Language, Cookie, Accept-Encoding"),
        (b"Set-Cookie", b"a=1"),
        (b"Set-Cookie", b"b=2"),
        (b"Content-Encoding", b"zstd"),
        (b"ETag", b'W/"~v1-abc"'),
    ]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ([], b"private, no-cache"),
        ([b"no-store"], b"private, no-cache, no-store"),
        ([b"NO-STORE, no-transform, max-age=0"], b"private, no-cache, no-store, no-transform"),
        ([b'private="set-cookie, no-store"'], b"private, no-cache"),
        ([b"immutable", b"no-store"], b"private, no-cache, no-store"),
    ],
)
def test_of_cache_control_only_the_stricter_words_stay(said: list[bytes], kept: bytes) -> None:
    headers = document_headers([(b"Cache-Control", value) for value in said], variant=b"v", coding=None)

    assert values_of(headers, b"cache-control") == [kept]


@pytest.mark.parametrize(
    ("said", "varies"),
    [
        ([], [b"Cookie, Accept-Encoding"]),
        ([b"cookie"], [b"cookie, Accept-Encoding"]),
        ([b"Accept-Encoding, COOKIE,  X"], [b"Accept-Encoding, COOKIE,  X"]),
        ([b"*"], [b"*"]),
        ([b"X", b"Cookie"], [b"X, Cookie, Accept-Encoding"]),
        ([b""], [b"Cookie, Accept-Encoding"]),
    ],
)
def test_a_document_varies_by_the_cookie_too(said: list[bytes], varies: list[bytes]) -> None:
    headers = document_headers([(b"Vary", value) for value in said], variant=b"v", coding=None)

    assert values_of(headers, b"vary") == varies


@given(HEADER_LINES, st.sampled_from([None, b"gzip"]))
def test_a_document_says_each_of_its_own_fields_once(headers: Headers, coding: bytes | None) -> None:
    out = document_headers(headers, variant=b"v1", coding=coding)

    assert len(values_of(out, b"cache-control")) == 1
    assert (value_of(out, b"cache-control") or b"").startswith(b"private, no-cache")
    assert value_of(out, b"content-encoding") == coding
    assert value_of(out, b"last-modified") is None
    assert value_of(out, b"content-length") is None
    untouched = (b"x-a", b"set-cookie", b"link")
    assert [pair for pair in out if pair[0].lower() in untouched] == [
        pair for pair in headers if pair[0].lower() in untouched
    ]


def test_a_part_of_the_answer_that_is_for_head_or_304_says_the_same_as_the_page() -> None:
    """One function for all three, so they cannot differ; only the body is missing."""
    page = [(b"ETag", b'"a"'), (b"Content-Length", b"10"), (b"Content-Type", b"text/html")]
    head = [(b"ETag", b'"a"'), (b"Content-Type", b"text/html")]

    assert document_headers(page, variant=b"v", coding=None) == document_headers(
        head, variant=b"v", coding=None
    )


def test_what_passed_unread_is_not_kept_for_a_navigation() -> None:
    answer = [
        (b"Content-Type", b"text/html"),
        (b"Cache-Control", b"max-age=600"),
        (b"Expires", b"x"),
        (b"ETag", b'"a"'),
        (b"Content-Length", b"3"),
    ]

    assert code_headers(answer) == [
        (b"Content-Type", b"text/html"),
        (b"Cache-Control", b"private, no-cache"),
        (b"ETag", b'"a"'),
        (b"Content-Length", b"3"),
        (b"Vary", b"Sec-Fetch-Dest"),
    ]


def test_fields_made_here_are_fit_to_pass_on() -> None:
    headers = document_headers([(b"ETag", b'"a"'), (b"Vary", b"X")], variant=b"v1", coding=b"br")

    assert fault_in(headers) is None


@pytest.mark.parametrize("said", [[], [b"public, max-age=60"], [b"max-age=1", b"no-store"]])
def test_a_page_of_one_visitor_tells_caches_so_once(said: list[bytes]) -> None:
    headers = private([(b"Cache-Control", value) for value in said])

    assert len([value for name, value in headers if name == b"Cache-Control"]) == 1
    assert (value_of(headers, b"cache-control") or b"").startswith(b"private, no-cache")


DATE = b"Sun, 06 Nov 1994 08:49:37 GMT"
PAGE: Headers = [(b"Sec-Fetch-Dest", b"document"), (b"Sec-Fetch-Mode", b"navigate")]
IMAGE: Headers = [(b"Sec-Fetch-Dest", b"image"), (b"Accept", b"image/avif,*/*")]
FETCH: Headers = [(b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"cors")]


def tag_of(headers: Headers, variant: bytes) -> bytes | None:
    """Return the tag that a document with these headers gets."""
    return value_of(document_headers(headers, variant=variant, coding=None), b"etag")


@pytest.mark.parametrize(
    ("headers", "etag"),
    [
        ([(b"ETag", b'"abc"')], b'W/"~v1-abc"'),
        ([(b"etag", b' W/"abc" ')], b'W/"~v1+abc"'),
        ([(b"ETag", b'""')], b'W/"~v1-"'),
        ([(b"ETag", b"abc")], b'W/"~v1=abc"'),
        ([(b"ETag", b'"a b"')], None),
        ([(b"ETag", b'w/"abc"')], None),
        ([(b"ETag", b'"abc"'), (b"Last-Modified", DATE)], b'W/"~v1-abc"'),
        ([(b"Last-Modified", DATE)], b'W/"~v1@Sun,_06_Nov_1994_08:49:37_GMT"'),
        ([(b"Last-Modified", b'yester"day')], None),
        ([(b"Last-Modified", DATE), (b"Last-Modified", b"x")], b'W/"~v1@Sun,_06_Nov_1994_08:49:37_GMT"'),
        ([(b"Accept-Ranges", b"bytes")], None),
        ([(b"Accept-Ranges", b"bytes"), (b"Last-Modified", DATE)], b'W/"~v1@Sun,_06_Nov_1994_08:49:37_GMT"'),
        ([], None),
    ],
)
def test_a_document_gets_an_etag_of_its_variant(headers: Headers, etag: bytes | None) -> None:
    assert tag_of(headers, b"v1") == etag


@pytest.mark.parametrize("variant", [b"", b"a-b", b'a"', b"a b", b"a@b"])
def test_a_variant_that_could_be_misread_is_refused(variant: bytes) -> None:
    with pytest.raises(ValueError, match="variant"):
        tagged(b'"abc"', None, variant)


ASKED = [
    # what the browser asks with, what the server is asked, does a 304 speak of our page
    ([(b"If-None-Match", b'W/"~v1-abc"')], (b"If-None-Match", b'"abc"'), True),
    ([(b"If-None-Match", b'"~v1-abc"')], (b"If-None-Match", b'"abc"'), True),
    ([(b"If-None-Match", b'W/"~v1+abc"')], (b"If-None-Match", b'W/"abc"'), True),
    ([(b"If-None-Match", b'W/"~v1=abc"')], (b"If-None-Match", b"abc"), True),
    ([(b"If-None-Match", b'W/"~v1@Sun,_06_Nov_1994_08:49:37_GMT"')], (b"If-Modified-Since", DATE), True),
    ([(b"If-None-Match", b'W/"~v0-old", W/"~v1-new"')], (b"If-None-Match", b'"new"'), True),
    (
        [(b"If-None-Match", b'W/"~v1-a"'), (b"If-None-Match", b'W/"~v1-b"')],
        (b"If-None-Match", b'"a", "b"'),
        True,
    ),
    ([(b"If-None-Match", b'W/"~v1-a"'), (b"If-Modified-Since", DATE)], (b"If-None-Match", b'"a"'), True),
    ([(b"If-None-Match", b'W/"~v0-abc"')], None, False),
    ([(b"If-None-Match", b'W/"~v0-abc"'), (b"If-Modified-Since", DATE)], None, False),
    ([(b"If-None-Match", b'W/"~v0@Sun,_06_Nov_1994_08:49:37_GMT"')], None, False),
    ([(b"If-None-Match", b'W/"~v1.2-abc"')], None, False),
]


@pytest.mark.parametrize("context", [PAGE, FETCH, []])
@pytest.mark.parametrize(("asked", "put", "ours"), ASKED)
def test_validators_of_this_variant_are_turned_back_and_others_go(
    context: Headers, asked: Headers, put: tuple[bytes, bytes] | None, ours: bool
) -> None:
    assert translate_conditionals([*context, *asked], b"v1") == ([*context, *([put] if put else [])], ours)


@pytest.mark.parametrize(
    "asked",
    [
        [(b"If-None-Match", b'"abc"')],
        [(b"If-None-Match", b"*")],
        [(b"If-Modified-Since", DATE)],
        [(b"if-none-match", b'"~odd"')],
    ],
)
def test_a_page_from_before_this_proxy_is_fetched_anew(asked: Headers) -> None:
    assert translate_conditionals([*PAGE, *asked], b"v1") == (PAGE, False)


@pytest.mark.parametrize("context", [IMAGE, FETCH, []])
@pytest.mark.parametrize(
    "asked",
    [
        [(b"If-None-Match", b'"abc",W/"d"')],
        [(b"If-None-Match", b"*")],
        [(b"If-Modified-Since", DATE)],
        [(b"If-None-Match", b'"~odd"')],
    ],
)
def test_every_other_file_revalidates_as_it_did(context: Headers, asked: Headers) -> None:
    headers = [*asked, *context]

    assert translate_conditionals(headers, b"v1").headers is headers


TEXT = st.text("abcXYZ019-+=@~_:.!#$%&'()*/;<>?[]^`{|}\\,", max_size=20).map(str.encode)


@given(TEXT, st.sampled_from([b"W/", b""]), st.sampled_from([b"v1", b"0a.9F"]))
def test_every_etag_survives_the_way_there_and_back(opaque: bytes, weak: bytes, variant: bytes) -> None:
    etag = weak + b'"' + opaque + b'"'
    ours = tagged(etag, None, variant)
    assert ours is not None
    there = translate_conditionals([*PAGE, (b"If-None-Match", ours)], variant)

    assert there.ours
    assert value_of(there.headers, b"if-none-match") == etag
    assert (
        value_of(
            translate_conditionals([*PAGE, (b"If-None-Match", ours)], b"other").headers, b"if-none-match"
        )
        is None
    )


@given(
    st.lists(
        st.tuples(
            st.sampled_from(
                [b"If-None-Match", b"If-Modified-Since", b"ETag", b"Accept", b"Sec-Fetch-Dest", b"X"]
            ),
            st.binary(max_size=30),
        ),
        max_size=6,
    )
)
def test_no_request_raises_and_nothing_else_moves(headers: Headers) -> None:
    out = translate_conditionals(headers, b"v1").headers

    def rest(lines: Headers) -> Headers:
        return [pair for pair in lines if not pair[0].lower().startswith(b"if-")]

    assert rest(out) == rest(headers)
    assert tag_of(headers, b"v1") is None or tag_of(headers, b"v1").startswith(b'W/"~v1')


def test_pages_are_asked_for_whole_and_downloads_in_parts() -> None:
    ranged = [(b"Range", b"bytes=0-4"), (b"If-Range", b'"abc"')]

    assert without_range([*ranged, *PAGE]) == PAGE
    assert without_range([*ranged, *IMAGE]) == [*ranged, *IMAGE]
    assert without_range([*ranged, (b"Accept", b"*/*")]) == [*ranged, (b"Accept", b"*/*")]


@pytest.mark.parametrize(
    ("asked", "put"),
    [
        ([(b"If-Match", b'W/"~v1-abc"')], [(b"If-Match", b'"abc"')]),
        ([(b"If-Match", b'"~v0+abc"')], [(b"If-Match", b'W/"abc"')]),
        ([(b"If-Match", b'W/"~v1-a", "b"'), (b"If-Match", b'"~v2-c"')], [(b"If-Match", b'"a", "b", "c"')]),
        ([(b"If-Match", b'W/"~v1@Sun,_06_Nov_1994_08:49:37_GMT"')], [(b"If-Unmodified-Since", DATE)]),
        (
            [(b"If-Match", b'W/"~v1@Sun,_06_Nov_1994_08:49:37_GMT"'), (b"If-Unmodified-Since", b"x")],
            [(b"If-Unmodified-Since", DATE)],
        ),
        ([(b"If-Match", b"*")], [(b"If-Match", b"*")]),
        ([(b"If-Match", b'"abc"')], [(b"If-Match", b'"abc"')]),
        ([(b"If-Unmodified-Since", DATE)], [(b"If-Unmodified-Since", DATE)]),
        ([(b"Range", b"bytes=1-"), (b"If-Range", b'W/"~v1-abc"')], []),
        (
            [(b"Range", b"bytes=1-"), (b"If-Range", b'"abc"')],
            [(b"Range", b"bytes=1-"), (b"If-Range", b'"abc"')],
        ),
    ],
)
def test_a_change_goes_under_the_condition_that_the_server_knows(asked: Headers, put: Headers) -> None:
    """Whatever was granted when the page came: the condition is about what the server keeps."""
    assert translate_preconditions([*FETCH, *asked]) == [*FETCH, *put]


def test_a_download_that_goes_on_stays_a_part() -> None:
    headers = [(b"Range", b"bytes=4-"), (b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"navigate")]

    assert without_range(headers) == headers
