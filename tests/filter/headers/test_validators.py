"""A page of an old consent, or of old rules, never revalidates; every other file does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.fields import Headers, value_of
from proxy.filter.headers.judged_headers import document_headers
from proxy.filter.headers.validators import (
    may_return_page,
    tagged,
    translate_conditionals,
    translate_preconditions,
    without_range,
)

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


@pytest.mark.parametrize(
    ("headers", "page"),
    [
        (PAGE, True),
        ([(b"sec-fetch-dest", b"iframe")], True),
        ([(b"Sec-Fetch-Dest", b"empty"), (b"Sec-Fetch-Mode", b"navigate")], True),
        (FETCH, False),
        (IMAGE, False),
        ([(b"Sec-Fetch-Dest", b"image"), (b"Accept", b"text/html")], False),
        ([(b"Accept", b"text/html,application/xhtml+xml,*/*;q=0.8")], True),
        ([(b"Accept", b"application/xhtml+xml")], True),
        ([(b"Accept", b"image/*"), (b"Accept", b"TEXT/HTML")], True),
        ([(b"Accept", b"*/*")], False),
        ([], False),
    ],
)
def test_a_page_is_asked_for_by_destination_or_by_what_is_accepted(headers: Headers, page: bool) -> None:
    assert may_return_page(headers) is page


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
