"""Link, Refresh and Speculation-Rules: judged one entry at a time, kept bytes stay."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.link_header import judged, link_header, refresh_header, speculation_rules
from tests.filter.judging import judge

NOBODY = judge()
STATS = b"<https://js.stats.example/1.js>"

LINKS = [
    (STATS + b"; rel=preload; as=script, </app.css>; rel=preload", b"</app.css>; rel=preload"),
    (
        b"</a.css>; rel=preload,  " + STATS + b";rel=preload , </b.css>;rel=preload",
        b"</a.css>; rel=preload, </b.css>;rel=preload",
    ),
    (STATS + b"; rel=preload", None),
    (STATS + b"; rel=preconnect, " + STATS + b"; rel=dns-prefetch", None),
    (STATS + b"; REL = ' x", None),
    (STATS + b'; rel="Preload"', None),
    (STATS + b'; rel="nofollow stylesheet"', None),
    (STATS + b'; rel="\\preload"', None),
    (STATS + b"; rel=canonical; rel=preload", None),
    (STATS + b"; as=script; crossorigin; rel=modulepreload", None),
    (STATS + b'; title="a, b; rel=x"; rel=icon', None),
    (STATS + b"; anchor=x; rel=prefetch", None),
    (b"<//js.stats.example/1.js>; rel=preload", None),
    (b"<\\\\js.stats.example/1.js>; rel=preload", None),
    (b"< https://JS.STATS.EXAMPLE./1.js >; rel=preload", None),
    (b'</a.png>; rel=preload; as=image; imagesrcset="/a.png 1x, https://stats.example/a.png 2x"', None),
    (b"<https://undeclared.example/>; rel=preconnect", None),
    (b'</a>; title="<' + STATS[1:] + b", " + STATS + b"; rel=preload", None),
    (b'</a>; rel="preload, ' + STATS + b"; rel=preload", None),
    (b"</unclosed; rel=preload, " + STATS + b"; rel=preload", None),
    (b"rel=preload " + STATS, None),
]

KEPT = [
    b"",
    b" ",
    b"</a.css>; rel=preload; as=style",
    b"<https://callkom.io/a.js>;rel=preload,<https://cdn.callkom.io/b.js> ; rel=preload ",
    b"<https://fonts.example-cdn.net/f.woff2>; rel=preload; as=font; crossorigin",
    STATS + b"; rel=canonical",
    STATS + b'; rel="next alternate"',
    STATS,
    b'<https://api.w.org/>; rel="https://api.w.org/", <https://callkom.io/?p=1>; rel=shortlink',
    b'</a, b>; rel=preload; title="x, <y>"',
    b"<data:text/css,a>; rel=stylesheet",
    b"caf\xe9, <\xff>; rel=preload",
]


@pytest.mark.parametrize(("value", "left"), LINKS)
def test_an_entry_that_fetches_from_a_refused_host_goes_and_no_other(
    value: bytes, left: bytes | None
) -> None:
    assert link_header(value, NOBODY) == left


@pytest.mark.parametrize("value", KEPT)
def test_what_asks_nobody_refused_keeps_its_bytes(value: bytes) -> None:
    assert link_header(value, NOBODY) == value


@pytest.mark.parametrize(
    "value", [STATS + b"; rel=preload , </a>; rel=preload", STATS + b"; rel=dns-prefetch"]
)
def test_a_granted_host_is_hinted_at_byte_for_byte(value: bytes) -> None:
    assert link_header(value, judge("performance")) == value
    assert link_header(value, judge("functional")) != value


PART = st.sampled_from(
    [
        STATS,
        b"</a>",
        b"<",
        b">",
        b";",
        b",",
        b" rel",
        b"=",
        b"preload",
        b'"',
        b"\\",
        b" ",
        b"imagesrcset",
        b"\xff",
        b"canonical",
        b"stats.example",
    ]
)


@given(st.lists(PART, max_size=25).map(b"".join))
def test_any_value_is_judged_and_judging_again_changes_nothing(value: bytes) -> None:
    once = link_header(value, NOBODY)

    assert once is None or link_header(once, NOBODY) == once


@given(st.lists(PART, max_size=12).map(b"".join))
def test_whatever_came_before_it_a_whole_entry_of_a_refused_host_goes(before: bytes) -> None:
    left = link_header(before + b"\n, " + STATS + b"; rel=preload", NOBODY) or b""

    assert not left.endswith(STATS + b"; rel=preload") or b'"' in before or b"<" in before


@given(
    st.lists(
        st.sampled_from(
            [b"</a>; rel=preload", STATS + b"; rel=preload", b'</b>; rel=x; t="a,b"', STATS + b"; rel=x"]
        ),
        max_size=8,
    )
)
def test_entries_keep_their_order_and_bytes(entries: list[bytes]) -> None:
    left = link_header(b", ".join(entries), NOBODY)
    kept = [entry for entry in entries if entry != STATS + b"; rel=preload"]

    assert (left or b"") == b", ".join(kept)


@pytest.mark.parametrize(
    "value",
    [
        b"0; url=https://stats.example/",
        b"5;URL='//stats.example/a'",
        b"0,https://booking.example/x",
        b' 0.5 ;\turl = "https://booking.example"',
    ],
)
def test_no_page_hands_visitors_on_to_a_provider_they_did_not_agree_to(value: bytes) -> None:
    assert refresh_header(value, NOBODY) is None
    assert refresh_header(value, judge("functional", "performance")) == value


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"5",
        b"0; url=/next",
        b"0; url=https://callkom.io/",
        b"3; url=https://elsewhere.example/",
        b"0;url=",
        b"\xff",
        b"x; url=y",
    ],
)
def test_every_other_refresh_is_navigation_and_passes(value: bytes) -> None:
    assert refresh_header(value, NOBODY) == value


@pytest.mark.parametrize(
    ("value", "left"),
    [
        (b'"/rules.json"', b'"/rules.json"'),
        (b'"/a.json", "https://stats.example/r.json"', b'"/a.json"'),
        (b'"https://undeclared.example/r.json"', None),
        (b'"https:\\/\\/stats.example\\/r.json"', None),
        (b"nonsense", b"nonsense"),
    ],
)
def test_speculation_rules_come_from_nobody_refused(value: bytes, left: bytes | None) -> None:
    assert speculation_rules(value, NOBODY) == left


@given(st.binary(max_size=60))
def test_no_bytes_of_a_link_header_raise_an_error(value: bytes) -> None:
    for function in (link_header, refresh_header, speculation_rules):
        assert function(value, NOBODY) is None or isinstance(function(value, NOBODY), bytes)
    assert judged(NOBODY, value, "link") is not None


@pytest.mark.parametrize("piece", [b"<", b'"', b";", b",", b"<>;", b'<>;a="', b"\\", b'"\\'])
def test_long_hostile_values_are_read_in_one_go(piece: bytes) -> None:
    """64 kB of one piece; a reader that went back over it would not end."""
    value = (piece * 65_536)[:65_536]

    link_header(value, NOBODY)
    refresh_header(value, NOBODY)
    speculation_rules(value, NOBODY)
