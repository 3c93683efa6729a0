"""Naming is not loading: providers' snippets are held, data and the site's own code run."""

from functools import cache
from pathlib import Path

import pytest
import yaml

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.compiled import ScriptKind
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from tests.filter.judging import RULES

DATA = Path(__file__).resolve().parents[2] / "data"
SNIPPETS = yaml.safe_load((DATA / "snippets.yaml").read_text())
OWN_SCRIPTS = yaml.safe_load((DATA / "own-scripts.yaml").read_text())
HEAD = RULES[: RULES.index("providers:")]


@cache
def judge_of(rules: str, undeclared: str = "hold") -> Judge:
    text = (
        HEAD.replace("tags: hold", f"tags: {undeclared}")
        + "providers:\n  p:\n    name: P\n    tags:\n"
        + rules
    )
    hosts = OwnHosts(frozenset({"callkom.io"}), "callkom.io")
    return judge_for(compile_rules(load_policy(text), hosts), frozenset())


def rule(words: str | list[str]) -> str:
    several = [words] if isinstance(words, str) else words
    return f"      - {{ text: [{', '.join(several)}], purpose: performance }}\n"


def is_held(judge: Judge, script: str, attributes: str = "") -> bool:
    page = HtmlFilter(judge)
    source = f"<script{attributes}>{script}</script>".encode()
    out = page.feed(source) + page.close()
    assert (out == source) is not bool(page.verdicts)
    return bool(page.verdicts)


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda snippet: snippet["name"])
def test_a_providers_snippet_is_held(snippet):
    judge = judge_of(rule(snippet["words"]))

    assert judge.rules.read_script(snippet["script"].encode()).kind is ScriptKind.SNIPPET
    assert is_held(judge, snippet["script"])


@pytest.mark.parametrize("own", OWN_SCRIPTS, ids=lambda own: own["name"])
def test_what_is_the_sites_runs_whatever_provider_it_names(own):
    judge = judge_of(rule(own["words"]))
    kind = judge.rules.read_script(own["script"].encode()).kind

    assert kind is ScriptKind(kind)
    assert kind.name.lower() == own.get("kind", kind.name.lower())
    assert not is_held(judge, own["script"])


@pytest.mark.parametrize("own", OWN_SCRIPTS, ids=lambda own: own["name"])
def test_without_a_fence_only_data_runs(own):
    judge = judge_of(rule(own["words"]), "keep")
    is_data = judge.rules.read_script(own["script"].encode()).kind is ScriptKind.DATA

    assert is_held(judge, own["script"]) is not is_data


def test_data_is_held_for_the_name_it_assigns_its_id_its_class_or_an_attribute():
    data = 'var lang_cookies = {"a": "b"};'

    assert is_held(judge_of(rule("lang_cookies")), data)
    assert not is_held(judge_of(rule("lang_cookies")), 'var names = {"a": "lang_cookies"};')
    assert is_held(judge_of("      - { id: lang, purpose: performance }\n"), data, " id=lang")
    assert is_held(judge_of("      - { class: lang, purpose: performance }\n"), data, " class=lang")
    assert is_held(
        judge_of("      - { attribute: { data-l: x }, purpose: performance }\n"), data, " data-l=x"
    )


def test_own_code_that_loads_a_first_party_copy_is_held_since_no_fence_stops_that():
    rules = rule("/gtm.js") + '      - { from: self, path: "*/gtm.js?id=GTM-*", purpose: performance }\n'
    code = "initMenu(); var s=document.createElement('script'); s.src='%s'+id; document.head.append(s)"

    assert is_held(judge_of(rules), code % "/gtm.js?id=")
    assert is_held(judge_of(rules), code % "https://metrics.callkom.io/gtm.js?id=")
    assert not is_held(judge_of(rules), code % "https://www.googletagmanager.com/gtm.js?id=")


def test_a_pure_call_that_is_replaced_is_held_and_one_amid_own_code_runs():
    rules = "      - { text: Booking.show, purpose: functional, do: replace }\n"

    assert is_held(judge_of(rules), "Booking.show({ url: 'https://booking.example/a' });")
    assert not is_held(judge_of(rules), "startSlider(); Booking.show({ url: 'https://booking.example/a' });")


def test_a_script_is_read_once():
    judge = judge_of(rule("read.once"))
    body = b"read.once(1)"

    assert judge.rules.read_script(body) is judge.rules.read_script(body)


@pytest.mark.parametrize("name", ["GTM", "analytics.js"])
def test_own_code_behind_a_usual_snippet_makes_the_script_the_sites_own(name):
    snippet = next(snippet for snippet in SNIPPETS if snippet["name"] == name)
    judge = judge_of(rule(snippet["words"]))

    assert not is_held(judge, snippet["script"] + "openMenu();")
    assert not is_held(judge, "window.page = {};" + snippet["script"])
