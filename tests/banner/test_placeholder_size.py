"""A placeholder takes the room of what it stands for, as far as tag and style say it."""

import pytest

from proxy.banner.placeholder_size import ANY_SIZE, size_of
from proxy.filter.rules.judge import TagFacts


def size(element="iframe", **values):
    return size_of(TagFacts(element, values=values))


@pytest.mark.parametrize(
    ("values", "style"),
    [
        ({"width": "560", "height": "315"}, "min-height:315px!important;max-width:560px!important"),
        ({"width": "100%", "height": "600px"}, "min-height:600px!important"),
        ({"style": "border:0;min-width:320px;height:480px"}, "min-height:480px!important;max-width:320px!important"),
        ({"style": "width:100%;aspect-ratio: 16 / 9;"}, "aspect-ratio:16 / 9!important"),
        ({"style": "aspect-ratio:16/9", "height": "400"}, "min-height:400px!important"),
        ({"style": "height:50vh"}, ""),
        ({"width": "200", "height": "300"}, "min-height:300px!important"),
        ({"height": "99999"}, ""),
        ({"style": "aspect-ratio:expression(x)"}, ""),
    ],
)  # fmt: skip
def test_what_is_known_is_kept(values, style):
    assert size(**values).style == style
    assert not size(**values).small


def test_a_frame_laid_over_its_box_is_replaced_by_a_card_laid_over_that_box():
    """Vimeo's own snippet: a box with a padding as high as the player, and the frame over it."""
    style = size(style="position:absolute;top:0;left:0;width:100%;height:100%;").style

    assert "position:absolute!important;inset:0!important" in style
    assert "overflow:auto" in style


@pytest.mark.parametrize(
    "values", [{"width": "67", "height": "20"}, {"height": "60", "width": "100%"}, {"width": "88"}]
)
def test_where_no_card_fits_there_is_a_button(values):
    found = size(**values)

    assert found.small
    assert "display:inline-block!important" in found.style


def test_a_button_is_no_wider_than_a_narrow_thing():
    assert "min-width:160px" in size(width="1200", height="20").style


@pytest.mark.parametrize(
    "values", [{"width": "0", "height": "0"}, {"height": "1"}, {"style": "width:1px;height:1px"}]
)
def test_what_nobody_would_have_seen_leaves_nothing(values):
    assert size(**values).none


def test_inside_a_box_that_keeps_its_size_it_fills_that_box():
    assert (
        size("div", style="min-width:320px;height:700px").style
        == "min-height:100%!important;margin:0!important"
    )
    assert size("div") == ANY_SIZE


def test_beside_a_quotation_it_takes_what_it_needs():
    assert size("blockquote", style="width:20px;height:10px") == ANY_SIZE
