"""Tags too long to be held are read attribute by attribute, the same however they arrive."""

import sys

import pytest

from proxy.build_digest import build_kind
from proxy.filter.size_limits import MAX_TAG
from proxy.filter.tags.long_tag import MOST
from proxy.filter.tags.start_tag import judge_tag
from tests.filter.pages import filtered, passed

LONG = b"x" * (MAX_TAG + 100)
SIZES = (0, 1_447, 30_000, MAX_TAG + 50)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "page",
    [
        b'<img src="data:image/png;base64,' + LONG + b'" alt="a" style="width:1px"><p>',
        b'<p title="' + LONG + b'">text</p>',
        b"<p title=" + LONG + b">text</p>",
        b"<p title='" + LONG + b"' class=c>text</p>",
        b"<p>" + b"</b " + LONG + b'x=">" ><i>',
        b"<textarea title='" + LONG + b"'><img src=//stats.example/></textarea>",
        b"<body><svg data-x='" + LONG + b"'><path/></svg><p>",
        b"<p " + b"a=b " * 20_000 + b">text</p>",
    ],
)
def test_a_long_tag_that_loads_nothing_passes(page, size):
    assert filtered(page, size=size) == page


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    ("page", "held"),
    [
        (b'<img alt="' + LONG + b'" src="//stats.example/p">', b'" data-consent-src="//stats.example/p">'),
        (
            b'<img src="//stats.example/p" alt="' + LONG + b'">',
            b'<img data-consent-src="//stats.example/p" alt=',
        ),
        (b'<img src="https://own.example/' + LONG + b'">', b'<img data-consent-src="https://own.example/xx'),
        (b'<p style="' + LONG + b'">', b'<p data-consent-style="xx'),
        (b'<iframe srcdoc="' + LONG * 5 + b'"></iframe>', b'data-consent-srcdoc="xx'),
        (
            b'<script src="data:,' + LONG * 5 + b'"></script>',
            b'<script type="text/plain" data-consent="undeclared"',
        ),
    ],
)
def test_what_cannot_be_read_is_held(page, held, size):
    out, run = passed(page, size=size)

    assert held in out
    assert run.verdicts


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("before", range(4))
@pytest.mark.parametrize("more", range(4))
@pytest.mark.parametrize(
    "page", [b"<body>%b</body %b><p>", b"<head>%b<img title='%b'>", b"<head>%b</head %b><p>"]
)
def test_what_stands_around_a_long_tag_passes_once(page, before, more, size):
    page = page % (b"t" * before, LONG + b"x" * more) + b"text<p>"

    assert filtered(page, size=size) == page


@pytest.mark.parametrize("size", SIZES)
def test_a_long_script_address_within_its_own_cap_is_read(size):
    long = b"//" + LONG + b"%0AStatsQueue"
    page = b'<script src="data:text/javascript,' + long + b'"></script>'

    assert filtered(page, size=size).startswith(b'<script type="text/plain" data-consent="performance"')
    assert filtered(page.replace(b"StatsQueue", b"own"), size=size) == page.replace(b"StatsQueue", b"own")


@pytest.mark.parametrize("size", SIZES)
def test_a_risky_name_far_from_its_value_does_not_stay(size):
    space = b" " * (MAX_TAG + 10)

    assert filtered(b"<p x" + space + b"=y z>", size=size) == b"<p x" + space + b"=y z>"
    assert filtered(b"<p " + LONG + b"=y z>", size=size) == b"<p " + LONG + b"=y z>"
    out = filtered(b"<img src" + space + b"=//stats.example/p z>", size=size)
    assert out == b"<img data-consent-src" + space + b"=//stats.example/p z>"


@pytest.mark.parametrize("size", SIZES)
def test_a_tag_that_never_ends_comes_out_as_it_was(size):
    page = b'<p>text<img alt="' + LONG

    assert filtered(page, size=size) == page


def judged(attributes: bytes) -> int:
    """Return how many bytes of tags are judged for a tag over the cap with these attributes."""
    seen = []

    def count(frame, event, _argument):
        if event == "call" and frame.f_code is judge_tag.__code__:
            seen.append(len(frame.f_locals["raw"]))

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        filtered(b"<p " + attributes * (4 * MAX_TAG // len(attributes)) + b">")
    finally:
        sys.setprofile(before)
    return sum(seen)


@pytest.mark.skipif(build_kind() == "compiled", reason="counts calls, which compiled code makes directly")
@pytest.mark.parametrize("attributes", [b"rel=a ", b"class=b src=c ", b"type=a onclick=b "])
def test_an_attribute_that_comes_again_and_again_is_judged_once(attributes):
    assert 0 < judged(attributes) < MAX_TAG


def test_the_first_of_several_decides_as_in_browsers():
    page = b"<img src=%b src=%b alt='" + LONG + b"'>"

    assert filtered(page % (b"/own", b"//stats.example/p")) == page % (b"/own", b"//stats.example/p")
    refused = filtered(page % (b"//stats.example/p", b"/own"))
    assert refused.startswith(b"<img data-consent-src=//stats.example/p data-consent-src=/own ")


def test_what_may_load_beyond_a_hundred_attributes_is_refused_unread():
    names = b" ".join(b"on%d=a" % at for at in range(MOST + 20))
    out = filtered(b"<p " + names + b" alt='" + LONG + b"'>")

    assert out.count(b" on") == MOST
    assert out.count(b" data-consent-on") == 20
