"""What pages of the demo and of the corpus grow by, all of ours counted: text, style, scripts, placeholders."""

import re
from functools import cache

import pytest

from bench.weight import STATES, Scales, corpus, demo, zipped
from proxy.banner.assets import style
from proxy.banner.page_head import page_code
from proxy.config.banner_colours import Look
from tests.shared import shared

ANSWERED = [state for state in STATES if state != "first visit"]
PAGES = dict(demo())


@cache
def scales():
    return Scales()


@pytest.mark.parametrize("name", PAGES)
def test_a_first_page_of_the_demo_grows_by_less_than_11_4_kB(name):
    assert scales().added(PAGES[name], "first visit")[1] <= 11_400


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_banner_with_its_style_and_its_script_weighs_no_more_than_4_kB(language):
    """What placeholders, the guard and the providers' stand-ins need is not of the banner."""
    look = style(["base", "buttons", "text", "banner", "link"], Look())
    page = scales().page(b'<html lang="%b"><body>' % language.encode(), "first visit").decode()
    banner = re.search(r"<section id=.*?</section>", page, re.DOTALL)[0]

    assert 'class="s" name="choice" value="refuse"' in banner
    assert zipped("".join((look, banner, page_code(asks=True))).encode()) <= 4096


@pytest.mark.parametrize("state", ANSWERED)
@pytest.mark.parametrize("name", PAGES)
def test_after_a_choice_a_page_of_the_demo_grows_by_less_than_1_kB(name, state):
    raw, small, placeholders = scales().added(PAGES[name], state)

    assert small <= 1000
    assert (small <= 450 and raw <= 1100) or placeholders, "half of that where nothing is replaced"


@pytest.mark.parametrize("state", ANSWERED)
def test_after_a_choice_no_page_of_the_corpus_grows_by_more_than_1_kB(state):
    """Only a page of a megabyte that repeats itself compresses so much by chance that more is lost."""
    shared("corpus", "manifest.json")
    grown = {name: scales().added(page, state) for name, page in corpus() if len(page) < 500_000}

    assert len(grown) >= 70
    assert {name: row for name, row in grown.items() if row[1] > 1000} == {}


@pytest.mark.parametrize("state", ANSWERED)
def test_the_files_are_fetched_once_and_weigh_less_than_11_7_kB_together(state):
    assert sum(zipped(body) for body in scales().files(state).values()) <= 11_700
