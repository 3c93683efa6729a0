"""What is fair in a banner, by its measures."""

import pytest

from proxy.audit.banner_view import judged

BUTTON = {
    "words": "x",
    "width": 160,
    "height": 44,
    "font": 15,
    "weight": "600",
    "contrast": 12.0,
    "visible": True,
}
WORDS = {"where the policy is": True}


def banner(refuse=BUTTON, words=WORDS):
    return {"refuse": refuse, "accept": BUTTON, "words": words}


def test_equal_buttons_are_fair():
    assert judged(banner()) == ([], [])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"width": 100}, "width 100 against 160"),
        ({"font": 11}, "font 11 against 15"),
        ({"contrast": 2.1}, "contrast 2.1 against 12.0"),
    ],
)
def test_a_smaller_or_paler_refusal_is_a_doubt(change, said):
    faults, [doubt] = judged(banner({**BUTTON, **change}))

    assert faults == []
    assert said in doubt


def test_no_refusal_on_the_first_layer_or_screen_is_a_violation():
    assert judged(banner(None))[0] == ["the first layer has no button to refuse, but one to accept"]
    assert judged(banner({**BUTTON, "visible": False}))[0]


def test_words_that_are_missing_are_named():
    assert judged(banner(words={"where the policy is": False}))[1] == [
        "the banner does not say where the policy is"
    ]


@pytest.mark.parametrize(
    ("clicks", "by", "said"),
    [
        (
            3,
            "Settings, 1 switches off, Save",
            "refusing takes 3 clicks (Settings, 1 switches off, Save), accepting 1",
        ),
        (None, "", "no way to refuse was found in further layers"),
    ],
)
def test_where_the_first_layer_cannot_refuse_the_clicks_of_further_layers_are_named(clicks, by, said):
    [fault] = judged({**banner(None), "clicks": {"accept": 1, "refuse": clicks}, "refused_by": by})[0]

    assert fault == f"the first layer has no button to refuse, but one to accept: {said}"
