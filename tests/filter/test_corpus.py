"""Every labelled element of the shared corpus, for four kinds of visitors, with our rules.yaml."""

import json
from functools import cache
from html import unescape
from pathlib import Path

import pytest

from proxy.filter.body.body_filter import document_filter
from proxy.filter.headers.content_kind import BodyKind
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge, Rules, compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.shared import SHARED, shared

MANIFEST = SHARED / "corpus" / "manifest.json"
RULES = Path(__file__).resolve().parents[2] / "rules.yaml"
STATES = {
    "none": [],
    "functional": ["functional"],
    "performance": ["performance"],
    "all": ["functional", "performance"],
}
PAGES = json.loads(MANIFEST.read_text())["pages"] if MANIFEST.exists() else [{"file": "corpus"}]
# real pages were saved elsewhere: what they load from home counts as the site's own
HOMES = {"real-eggsca_1": "eggs.ca"}
ARMS = 24  # bytes around an element that may be held while it is not known to be complete


@cache
def rules(home: str | None) -> Rules:
    policy = load_policy(RULES.read_text(), "rules.yaml")
    hosts = {"callkom.io", "app.callkom.io"} | ({home} if home else set())
    return compile_rules(policy, OwnHosts(frozenset(hosts), "callkom.io"))


@cache
def judge(state: str, home: str | None) -> Judge:
    compiled = rules(home)
    return judge_for(compiled, scope_of(compiled.policy).granted(STATES[state]))


class RequestContext:
    """One page through the filter, cut at the elements that are labelled."""

    def __init__(self, page: dict, state: str) -> None:
        self.page = page
        self.raw = shared("corpus", page["file"]).read_bytes()
        self.wide = "utf16" in page["file"]
        self.judge = judge(state, HOMES.get(Path(page["file"]).stem))

    def filter(self):
        return document_filter(
            sort=BodyKind.HTML,
            content_type=self.page["content_type"].encode(),
            content_encoding=b"",
            response_coding=None,
            judge=self.judge,
            inject=None,
        )

    def late(self, item: dict) -> int:
        """Return how many bytes of an element may come only when more of the page is there."""
        return item["end"] - item["start"] + 120

    def around(self, item: dict) -> tuple[str, str, list]:
        """Return what became of one element (with a little around it), its source, and the verdicts it caused."""
        run = self.filter() if self.wide else HtmlFilter(self.judge)
        before = run.feed(self.raw[: item["start"]])
        count = len(run.verdicts)
        inside = run.feed(self.raw[item["start"] : item["end"]])
        verdicts = run.verdicts[count:]
        after = run.feed(self.raw[item["end"] :]) + run.close()
        arms = ARMS * (2 if self.wide else 1)
        code = "utf-16-le" if self.wide else "latin-1"
        late = max(0, self.late(item) - len(inside))
        found = before[-arms:] + inside + after[: arms + late]
        return found.decode(code, "replace"), self.raw[item["start"] : item["end"]].decode(code), verdicts


def judged(found: str, source: str, verdicts: list) -> set[str]:
    """Return the words of the manifest that describe what became of an element."""
    if source in found:
        return {"kept"}
    words = {"neutralised"} if "data-consent" in found or "null" in found or verdicts else {"changed"}
    found = unescape(found)  # a placeholder inside srcdoc
    links = [
        link for link in found.split("<a ")[1:] if "http" in link and "noopener" in link.partition(">")[0]
    ]
    if any(link not in source for link in links):
        words.add("placeholder")
    return words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: Path(page["file"]).stem)
def test_every_labelled_element_is_what_the_visitor_may_have(page):
    shared("corpus")
    wrong = []
    for state in STATES:
        context = RequestContext(page, state)
        for item in page["items"]:
            found, source, verdicts = context.around(item)
            words = judged(found, source, verdicts)
            if not words & {item["expect"][state], *item.get("tolerate", ())}:
                wrong.append(
                    f"{item['id']} {state}: {sorted(words)} instead of {item['expect'][state]}: {found[:300]}"
                )
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: Path(page["file"]).stem)
def test_cuts_do_not_show_on_real_pages(page, state):
    shared("corpus")
    context = RequestContext(page, state)
    run = context.filter()
    whole = run.feed(context.raw) + run.close()
    size = 1 if len(context.raw) < 3_000 else 1_447
    run = context.filter()
    pieces = [run.feed(context.raw[at : at + size]) for at in range(0, len(context.raw), size)]
    assert b"".join(pieces) + run.close() == whole


@pytest.mark.parametrize("page", PAGES, ids=lambda page: Path(page["file"]).stem)
def test_a_filtered_page_filters_to_itself(page):
    shared("corpus")
    context = RequestContext(page, "none")
    run = context.filter()
    once = run.feed(context.raw) + run.close()
    run = context.filter()
    assert run.feed(once) + run.close() == once
    assert not run.verdicts
