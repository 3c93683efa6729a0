import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.banner_colours import (
    DARK,
    LIGHT,
    PARTS,
    TEXT,
    Colours,
    Look,
    Theme,
    build_look,
    contrast,
    mix,
)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_the_shipped_colours_can_be_read_by_everybody(colours):
    """W5: 4.5:1 for text, 3:1 for edges and focus rings, on every background they meet."""
    made = colours.variables()
    for behind in ("bg", "page"):
        assert contrast(made["ink"], made[behind]) >= 7
        assert contrast(made["mute"], made[behind]) >= TEXT
        assert contrast(made["edge"], made[behind]) >= PARTS
        assert contrast(made["ring"], made[behind]) >= PARTS
    assert contrast(made["on"], made["act"]) >= 7
    assert colours.is_dark == (colours is DARK)


@given(st.integers(0, 0xFFFFFF), st.integers(0, 0xFFFFFF))
def test_whatever_ink_passes_the_soft_tones_pass_too(ink, bg):
    colours = Colours(act="#000", on="#fff", bg=f"#{bg:06x}", ink=f"#{ink:06x}")
    if list(colours.faults()):
        return
    made = colours.variables()

    assert contrast(made["mute"], made["bg"]) >= TEXT
    assert contrast(made["edge"], made["bg"]) >= PARTS
    assert contrast(made["ring"], made["bg"]) >= PARTS


def test_contrast_is_what_the_standard_says():
    assert contrast("#000", "#fff") == pytest.approx(21)
    assert contrast("#777777", "#fff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#fff", "#000") == contrast("#000", "#fff")


def test_mixing_goes_from_one_end_to_the_other():
    assert (mix("#000", "#fff", 1), mix("#000", "#fff", 0), mix("#000", "#fff", 0.5)) == (
        "#000000",
        "#ffffff",
        "#808080",
    )


def test_colours_that_cannot_be_read_are_refused_with_what_would_do():
    with pytest.raises(
        ValueError, match=r"banner\.light\.on on banner\.light\.act has a contrast of 1\.\d; .* needs 4\.5"
    ):
        build_look(light={"act": "#eee", "on": "#fff"})


def test_something_that_is_no_colour_is_refused():
    with pytest.raises(ValueError, match=r"banner\.dark\.bg is 'red'; write a colour as #1b2530"):
        build_look(dark={"bg": "red"})


def test_a_css_injection_is_no_colour():
    with pytest.raises(ValueError):
        build_look(light={"act": "#fff;}body{display:none}"})


def test_the_theme_decides_which_sets_there_are():
    assert [Look(theme).colours() for theme in (Theme.AUTO, Theme.LIGHT, Theme.DARK)] == [
        (LIGHT, DARK),
        (LIGHT,),
        (DARK,),
    ]


def test_no_setting_gives_refuse_and_accept_different_colours():
    """L4: there is one pair, for both."""
    assert set(LIGHT.__dataclass_fields__) == {"act", "on", "bg", "ink"}
