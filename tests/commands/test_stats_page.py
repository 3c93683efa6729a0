"""The page of figures: every number in words and plots, whole without a script, and nothing loaded."""

import re

import pytest

from proxy.commands.stats_page import stats_page
from proxy.records.figures import By
from tests.banner.rendering import well_formed

DAY = 20_780


def numbers(days: int = 1) -> dict:
    found = {}
    for day in range(DAY, DAY + days):
        found |= {
            (day, "callkom.io", "fr", "accept", ""): 6,
            (day, "callkom.io", "fr", "refuse", ""): 3,
            (day, "app.callkom.io", "", "shown first", ""): 1_200,
            (day, "callkom.io", "fr", "granted", "functional"): 3,
            (day, "callkom.io", "fr", "refused", "functional"): 1,
        }
    return found


def page(found, **more) -> str:
    made = stats_page(found, **{"name": "proofs.db", "period": "all", **more})
    assert well_formed(made.replace("<!DOCTYPE html>", ""))
    return made


def test_the_tiles_say_each_figure_and_the_share_of_each_answer():
    made = page(numbers())

    assert (
        "<p><b>9</b>answered</p><p><b>6</b>accepted \u00b7 67%</p><p><b>3</b>refused \u00b7 33%</p>" in made
    )
    assert "<b>1,200</b>pages with the banner" in made
    assert "proofs.db \u00b7 all" in made


def test_a_bar_a_day_is_stacked_to_the_height_of_its_answers():
    rects = re.findall(
        r'<rect class="(\w)" x="([\d.]+)" y="(-?[\d.]+)" width="([\d.]+)" height="([\d.]+)"/>',
        page(numbers(2)),
    )

    assert [one[0] for one in rects] == ["a", "r", "a", "r"]
    assert [float(one[4]) for one in rects] == pytest.approx([133.3, 66.7] * 2)
    assert [float(one[2]) for one in rects] == pytest.approx([66.7, 0.0] * 2)
    assert [float(one[1]) for one in rects] == pytest.approx([156.0, 156.0, 516.0, 516.0])


def test_a_single_day_is_a_bar_in_the_middle_and_one_date():
    made = page(numbers(1))

    assert (
        re.findall(r'<rect class="\w" x="([\d.]+)" y="-?[\d.]+" width="([\d.]+)"', made)
        == [("336.0", "48.0")] * 2
    )
    assert "<figcaption><span>2026-11-23</span></figcaption>" in made


def test_the_label_says_what_the_plot_shows():
    made = page(numbers(2))

    assert 'aria-label="Answers from 2026-11-23 to 2026-11-24, at most 9 in a day"' in made
    assert "<title>2026-11-23: 6 accepted, 0 custom, 3 refused, 0 withdrawn</title>" in made
    assert "<p>up to 9 in a day</p>" in made


def test_many_days_share_their_bars():
    made = page(numbers(200))

    assert made.count("<g>") == 67
    assert "at most 27 in 3 days" in made


def test_a_purpose_has_a_bar_of_those_who_granted_it():
    made = page(numbers())

    assert "<p><b>functional</b>: granted by 75% of 4 choices; withdrawn 0</p>" in made
    assert '<i class="a" style="width:75.0%"></i>' in made


def test_the_table_that_was_asked_for_stands_first_and_open():
    made = page(numbers(), by=By.PURPOSE)
    titles = re.findall(r"<details( open=\"open\")?><summary><b>By (\w+)</b>", made)

    assert titles == [(' open="open"', "purpose"), ("", "day"), ("", "site"), ("", "language"), ("", "how")]
    assert 'open="open"' not in page(numbers())
    assert '<tr><th scope="row">not told</th><td>1,200</td>' in made


def test_an_empty_store_says_so():
    made = page({})

    assert "<p>Nothing was answered.</p>" in made
    assert "<p>No purpose was answered.</p>" in made
    assert "accepted</p>" in made


def test_names_are_text_and_nothing_runs_or_loads():
    made = page({(DAY, "<b>", "<i>", "accept", ""): 1}, name="<script>")

    assert "<script" not in made
    assert "&lt;b&gt;" in made
    assert not re.search(r"\b(?:src|href|url)\b", made)
