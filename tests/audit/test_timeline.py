"""The drawing of a state: a dot for each first sight, a line where the choice was made."""

import re
from xml.etree import ElementTree

from proxy.audit.timeline import timeline


def seen(name, after, status="violation", *, choice=False):
    return {
        "name": name,
        "host": name,
        "status": status,
        "first": {"after_ms": after, "page": "callkom.io/", "after_choice": choice},
    }


def drawn(**rows):
    return ElementTree.fromstring(timeline({"cookies": [], "storage": [], "hosts": [], **rows}))


def test_every_name_is_a_dot_of_its_status_in_the_order_of_time():
    drawing = drawn(
        cookies=[seen("b", 2_000), seen("a", 500, "not judged")], hosts=[seen("ads.example", 9_000)]
    )
    dots = sorted((int(one.get("cx")), one.get("class"), one[0].text) for one in drawing.iter("circle"))

    assert [(kind, words) for _, kind, words in dots] == [
        ("dot-other", "a: not judged, after 0.5 s on callkom.io/"),
        ("dot-violation", "b: violation, after 2.0 s on callkom.io/"),
        ("dot-violation", "ads.example: violation, after 9.0 s on callkom.io/"),
    ]
    assert len({one.get("cy") for one in drawing.iter("circle")}) == 2


def test_the_choice_is_a_line_at_the_first_thing_after_it_and_none_where_nothing_was_chosen():
    rows = [seen("early", 1_000), seen("late", 4_000, choice=True), seen("later", 5_000, choice=True)]
    drawing = drawn(cookies=rows)
    [choice] = [one for one in drawing.iter("line") if one.get("class") == "choice"]
    [late] = [one for one in drawing.iter("circle") if one[0].text.startswith("late:")]

    assert choice.get("x1") == late.get("cx")
    assert 'class="choice"' not in timeline({"cookies": rows[:1], "storage": [], "hosts": []})


def test_names_of_pages_are_text_and_where_nothing_was_seen_nothing_is_drawn():
    made = timeline({"cookies": [seen("<script>'\"", 1)], "storage": [], "hosts": []})

    assert "<script" not in made
    assert re.search(r"&lt;script&gt;&#x27;&quot;", made)
    assert timeline({"cookies": [], "storage": [], "hosts": []}) == ""
