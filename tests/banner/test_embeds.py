"""The table of embeds: every shape in which a provider's embed stands on a page gets what the table says."""

import re

import pytest
import yaml

from proxy.banner.render import Renderer
from proxy.catalogue.shipped import shipped_catalogue
from proxy.demo.rules import demo_rules
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.policy.load import load_policy
from tests.banner.rendering import OWN, POLICY, RENDERER, decision
from tests.shared import ROOT

ROWS = yaml.safe_load((ROOT / "tests" / "data" / "embeds.yaml").read_text(encoding="utf-8"))
WRITTEN = [row for row in ROWS if "html" in row]
DEMO = load_policy(demo_rules(POLICY.text).replace("do: relay", "do: replace"), catalogue=shipped_catalogue())
RULES = {demo: compile_rules(DEMO if demo else POLICY, OWN) for demo in (False, True)}
RENDERERS = {False: RENDERER, True: Renderer(DEMO, own=OWN)}
WAYS = ("link", "once", "always")
SIGNS = {"link": 'target="_blank"', "once": "data-cc-once=", "always": "data-cc-always="}


def ways(markup: str, *, demo: bool) -> str:
    """Return what the placeholders of a page offer somebody who refused, in the table's words."""
    policy = DEMO if demo else POLICY
    page = HtmlFilter(
        judge_for(RULES[demo], frozenset()),
        inject=RENDERERS[demo].injector(decision(answered=True, policy=policy)),
    )
    text = (page.feed(f"<!doctype html><html lang=en><body>{markup}".encode()) + page.close()).decode()
    body = text.partition("<body>")[2].partition("<nav")[0].replace("&quot;", '"').replace("&lt;", "<")
    cards = re.findall(r'<span class="cc ph".*?<span class="k">.*?</span>', body, re.DOTALL)
    found = [" ".join(way for way in WAYS if SIGNS[way] in card) for card in cards]
    opens = re.search(r'<(a|button)[^>]*(target="_blank"|onclick="open\()', body)
    return " | ".join(found) or ("link" if opens else "none")


@pytest.mark.parametrize("row", WRITTEN, ids=lambda row: f"{row['provider']}: {row['shape']}")
def test_what_the_table_says_is_what_a_page_gets(row):
    assert ways(row["html"], demo=row.get("demo", False)) == row["ways"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['provider']}: {row['shape']}")
def test_what_is_not_offered_says_why(row):
    whole = all(way in part for part in row["ways"].split("|") for way in WAYS)

    assert whole is not bool(row.get("why"))


def table() -> str:
    """Return the table of docs/embeds.md."""
    lines = ["| provider | shape | link | once | always | why not |", "|---|---|---|---|---|---|"]
    for row in ROWS:
        marks = ["yes" if way in row["ways"] else "" for way in WAYS]
        lines.append(
            " | ".join([f"| {row['provider']}", row["shape"], *marks, row.get("why", "")]).rstrip() + " |"
        )
    return "\n".join(lines)


def test_the_documents_show_this_very_table():
    text = (ROOT / "docs" / "embeds.md").read_text(encoding="utf-8")

    assert table() in text
