"""The report for people is one page of text: no script, nothing loaded, and every part said to be there or not."""

import re
from base64 import b64encode
from hashlib import sha256

import pytest

from proxy.audit.report import SHOWN, _addresses, page
from tests.audit.made_visit import HOSTILE, made_report, site


@pytest.fixture
def report():
    return made_report()


def test_the_page_for_people_has_no_script_and_loads_nothing(report):
    made = page(report, site())
    style = re.search(r"<style>(.*?)</style>", made, re.DOTALL)[1]
    digest = b64encode(sha256(style.encode()).digest()).decode()

    assert f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:" in made
    assert "<script" not in made
    assert not re.search(r"""(?:src|href)=["'](?!data:)""", made)
    assert made.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 4
    assert "keep this file as private as the site" in made


def test_the_page_names_the_four_facts_first(report):
    made = page(report, site())
    tiles = re.findall(r"<b>[\d\u2013]+</b>([^<]+)", made)

    assert tiles[:4] == [
        "Set or loaded before a choice",
        "Set or loaded though refused",
        "Read, set or loaded after withdrawal",
        "Called necessary without being so",
    ]


def test_a_page_says_whether_no_banner_was_shown_or_none_was_looked_for(report):
    without, unseen = {"found": False, "tool": "", "faults": [], "doubts": []}, {}

    assert "No page that was visited showed a banner." in page({**report, "banner": without}, site())
    assert "Not looked at: that is done in the state none." in page({**report, "banner": unseen}, site())


def part(made: str, title: str) -> str:
    """Return the section under that title."""
    return next(text for text in made.split("<section>") if f"<h2>{title}" in text).partition("</section>")[0]


def test_it_says_how_it_was_made_and_for_which_site(report):
    made = page(report, site())

    assert f"<title>Consent audit of {', '.join(report['own']['hosts'])}</title>" in made
    assert report["rules"]["digest"] in part(made, "How this was made")
    assert '<meta name="robots" content="noindex">' in made


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("clean", "Clean: nothing was found that the rules do not allow"),
        ("doubts", "No violation; 3 doubts, and 1 states that could not be judged"),
        ("violations", "2 violations, 3 doubts"),
    ],
)
def test_the_verdict_is_said_in_words_with_what_could_not_be_judged(report, verdict, words):
    summary = report["summary"] | {"verdict": verdict, "violations": 2, "doubts": 3, "undecided": ["refuse"]}
    made = page({**report, "summary": summary}, site())

    assert f'<div class="verdict {verdict}">{words}<p>' in made
    assert "Not judged, since no choice could be made: refuse." in made


def test_a_site_that_is_clean_says_that_nothing_was_found(report):
    assert "<p>Nothing was found.</p>" in page({**report, "findings": []}, site())


def test_a_fact_is_a_number_and_one_that_nobody_looked_at_is_none(report):
    facts = [
        one | {"judged": one["fact"] != "before", "violations": 4, "doubts": 2}
        for one in report["summary"]["facts"]
    ]
    made = page({**report, "summary": report["summary"] | {"facts": facts}}, site())

    assert made.count("<span>not looked at</span>") == 1
    assert made.count('<div class="bad"><b>4</b>') == len(facts) - 1
    assert made.count("<span>and 2 doubts</span>") == len(facts) - 1


def test_each_finding_says_where_it_was_first_seen_and_what_to_do(report):
    wrong = part(page(report, site()), "What is wrong, and since when")
    one = next(one for one in report["findings"] if one["name"] == "ab_bucket")

    assert "<small>0.0 s into “none”</small>" in wrong
    assert f"<code>{one['rule']}</code>" in wrong
    assert wrong.count("<tr>") == len(report["findings"]) + 1


def test_what_is_new_and_gone_since_another_report_is_named(report):
    [finding, *_] = report["findings"]
    news = {"since": "2026-11-01", "new": [finding], "gone": [], "same": 5}
    compared = part(page({**report, "compared": news}, site()), "Since the report of 2026-11-01")

    assert "<h3>New (1)</h3>" in compared
    assert "<h3>Gone (0)</h3><p>None.</p>" in compared
    assert "<p>5 findings are the same.</p>" in compared
    assert "Since the report" not in page(report, site())


def test_beside_a_visit_without_the_proxy_facts_stand_in_two_columns(report):
    before = {
        "addresses": ["https://old.example/"],
        "summary": report["summary"],
        "findings": report["findings"][:1],
    }
    beside = part(page({**report, "before": before}, site()), "Without the proxy: https://old.example/")

    assert beside.count("violations, ") == 2 * len(report["summary"]["facts"])


def test_what_the_proxy_says_of_itself_stands_at_the_top(report):
    proxy = {"modes": ["enforce"], "hides_refused": False}
    made = page({**report, "behind_proxy": True, "proxy": proxy}, site())

    assert (
        "Visited behind the proxy. The proxy says: mode enforce; the upstream may be shown refused cookies."
        in made
    )
    assert "Visited without the proxy." in page({**report, "behind_proxy": False, "proxy": None}, site())


def test_each_state_lists_what_was_seen_in_it_and_nothing_that_was_not(report):
    made = page(report, site())
    none, withdrawn = part(made, "State: none"), part(made, "State: withdraw")

    assert "<h3>Cookies (4)</h3>" in none
    assert "<h3>Storage (2)</h3>" in none
    assert "<h3>Read after withdrawal (" not in none
    assert "<h3>Read after withdrawal (" in withdrawn


def test_a_long_list_of_addresses_is_cut_and_counted():
    assert str(_addresses([f"https://a.example/{n}" for n in range(SHOWN + 2)])).endswith("<br>and 2 more")
    assert str(_addresses(["https://a.example/x", "b"])) == "a.example/x<br>b"


def test_the_banner_is_told_by_its_buttons_and_what_it_says(report):
    side = {"words": "No", "width": 90, "height": 40, "font": 16, "contrast": 4.5, "visible": True}
    banner = {"found": True, "tool": "x", "refuse": side, "accept": None, "clicks": {"refuse": 2}, "words": {"purposes": True}, "faults": [], "doubts": []}  # fmt: skip
    offered = part(page({**report, "banner": banner}, site()), "What the visitor is offered: x")

    assert "90 by 40 px" in offered
    assert "Clicks to refuse: <b>2</b>" in offered
    assert "<p>Says purposes: <b>yes</b></p>" in offered


def test_without_anything_to_write_or_to_show_there_is_no_such_part(report):
    seen = site()
    for state in seen.states:
        state.screenshots = []
    made = page({**report, "to_write": ""}, seen)

    assert "what to write in rules.yaml" not in made
    assert "Screenshots" not in made
    assert HOSTILE not in made
