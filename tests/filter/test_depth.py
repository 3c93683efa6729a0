"""Whatever is nested in a page, however deep, is read without recursion, or held at a stated depth.

A compiled function that recurses too deeply ends the process: there is no RecursionError to catch.
"""

import ast
from html import escape
from pathlib import Path
from urllib.parse import quote

import pytest

import proxy.filter
from proxy.build_digest import build_kind
from proxy.errors import Unreadable
from proxy.filter.headers.reporting import report_to
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules
from proxy.filter.size_limits import MAX_DOCUMENT_DEPTH
from proxy.filter.syntax import css, javascript
from proxy.filter.syntax.json_blocks import speculates_off_site, without_refused_modules
from proxy.filter.syntax.script_calls import calls
from proxy.filter.syntax.script_writes import writes
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from tests.filter.pages import RULES, Marks, judge

DEPTH = 100_000 if build_kind() == "compiled" else 5_000  # Python itself stops at 1,000
FIRES = "<img src=//stats.example/i>"


def srcdocs(depth: int) -> str:
    page = FIRES
    for _ in range(depth):
        page = f'<iframe srcdoc="{escape(page)}"></iframe>'
    return page


def data_documents(depth: int, tag: str = "iframe src") -> str:
    page = FIRES
    for _ in range(depth):
        page = f"<{tag}='data:text/html,{quote(page)}'></iframe>"
    return page


MARKUP = {
    "elements": "<div>",
    "inline elements": "<b>",
    "templates": "<template>",
    "lists": "<ul><li>",
    "tables": "<table><tr><td>",
    "noscripts": "<noscript>",
    "mathml": "<math><mrow>",
    "annotations": "<math><annotation-xml encoding=text/html><svg>",
    "srcdocs that never end": "<iframe srcdoc='",
    "data documents that never end": "<iframe src='data:text/html,",
    "data documents without quotes": "<iframe/src=data:text/html,",
    "comments": "<!-- ",
    "sections": "<![CDATA[",
    "scripts": "<script>",
    "styles": "<style>",
}


@pytest.mark.parametrize("xml", [False, True], ids=["html", "xml"])
@pytest.mark.parametrize("inside", ["", "<svg>", "<svg><foreignObject>", "<math>"])
@pytest.mark.parametrize("kind", MARKUP)
def test_markup_nested_without_end_is_read_or_refused(kind, inside, xml):
    page = (inside + MARKUP[kind] * DEPTH + FIRES).encode()
    run = HtmlFilter(judge(), inject=Marks(), xml=xml)
    try:
        out = run.feed(page) + run.close()
    except Unreadable:
        assert inside or kind in (
            "mathml",
            "annotations",
        )  # the open elements of svg and math are counted, up to a cap
    else:
        assert len(out) >= len(page)


CODE = {
    "blocks": "a{",
    "rules": "@media x{",
    "functions": "b:calc(",
    "brackets": "[",
    "urls": "b:url(",
    "strings": "'a",
    "calls": "StatsQueue.a(",
    "closures": "function(){",
    "arrows": "a=>(",
    "templates": "`${",
    "patterns": "/[",
    "escapes": "\\",
}


@pytest.mark.parametrize("kind", CODE)
def test_styles_and_scripts_nested_without_end_are_read(kind):
    text = CODE[kind] * DEPTH
    both = f"<style>{text}</style><script>StatsQueue;{text}</script><p style='{escape(text)}' onclick='{escape(text)}'>"
    for size in (len(both), 16_384):
        run = HtmlFilter(judge(), inject=Marks())
        out = b"".join(run.feed(both.encode()[at : at + size]) for at in range(0, len(both), size))
        assert out + run.close()

    css.hosts_in(text)
    javascript.code_of(text)
    calls(text, ("StatsQueue.a",))
    writes(text)


@pytest.mark.parametrize("opens", ["[", '{"a":', '[{"a":['])
@pytest.mark.parametrize("closes", [True, False])
def test_json_nested_without_end_is_read(opens, closes):
    ends = "".join({"[": "]", "{": "}"}.get(sign, "") for sign in reversed(opens))
    text = opens * DEPTH + '"//stats.example/x"' + ends * DEPTH * closes

    assert speculates_off_site(b'{"prefetch":' + text.encode(), lambda _: True)
    without_refused_modules(b'{"imports":' + text.encode(), lambda _: True)
    report_to(text.encode(), judge())


@pytest.mark.parametrize("joint", ["and", "or"])
def test_conditions_of_speculation_rules_are_followed_to_a_stated_depth(joint):
    def rules(depth: int) -> bytes:
        where = f'{{"{joint}":[' * depth + '{"href_matches":"/*"}' + "]}" * depth
        return f'{{"prefetch":[{{"where":{where}}}]}}'.encode()

    assert not speculates_off_site(rules(20), lambda _: False)
    assert speculates_off_site(rules(40), lambda _: False)
    assert not speculates_off_site(rules(DEPTH), lambda _: False)  # no JSON for a browser either


@pytest.mark.parametrize("make", [srcdocs, data_documents])
def test_documents_in_attributes_are_read_to_a_stated_depth(make):
    for depth in (MAX_DOCUMENT_DEPTH, MAX_DOCUMENT_DEPTH + 1):
        page = make(depth).encode()
        run = HtmlFilter(judge())
        out = run.feed(page) + run.close()
        deep = [verdict.note for verdict in run.verdicts if verdict.note.endswith("nested too deep")]

        assert out != page
        assert bool(deep) == (depth > MAX_DOCUMENT_DEPTH)


@pytest.mark.parametrize("tag", ["iframe src", "object data", "embed src", "fencedframe src"])
def test_a_page_of_documents_in_documents_is_held_and_not_followed(tag):
    page = data_documents(150, tag).encode()
    run = HtmlFilter(judge())

    assert run.feed(page) + run.close() != page
    assert len(run.verdicts) == 1


def test_a_frame_held_for_its_depth_is_not_held_elsewhere():
    inner = "<iframe src='data:text/html,<p>Hello'></iframe>"
    deep = inner * 2
    for _ in range(MAX_DOCUMENT_DEPTH):
        deep = f'<iframe srcdoc="{escape(deep)}"></iframe>'
    one = judge()
    one.empty_caches()
    HtmlFilter(one).feed(deep.encode())
    run = HtmlFilter(one)

    assert run.feed(inner.encode()) + run.close() == inner.encode()


def test_class_names_and_ids_without_end_are_looked_up():
    words = " ".join(f"c{n}" for n in range(10_000))
    page = f"<p class='{words}' id='{'x' * DEPTH}'>{FIRES}".encode()
    run = HtmlFilter(judge())

    assert b"data-consent" in run.feed(page) + run.close()


def test_rules_may_have_very_long_words():
    long = "x" * 20_000
    more = f'      - {{ class: {long}, purpose: performance }}\n      - {{ class: {long}y, purpose: performance }}\n      - {{ text: "{long}(", purpose: performance }}\n'
    rules = compile_rules(
        load_policy(RULES.replace("  booking:\n", more + "  booking:\n", 1)),
        OwnHosts(frozenset({"own.example"})),
    )

    assert rules.steps.body.match(f'<p class="{long}">'.encode())[1]
    assert not rules.steps.body.match(f'<p class="{long[:-1]}">'.encode())[1]


RECURSIVE = {
    "_trie": "a branch of the words of rules",
    "_exact": "the same",
    "_factored": "the same",
    "_stays_on_site": "to MAX_CONDITIONS",
    "_through": "a coding of the body, of which a head may name MAX_STACK",
}


def test_no_other_function_of_the_filter_calls_itself():
    found = set()
    for path in Path(proxy.filter.__file__).parent.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        methods = {part for one in ast.walk(tree) if isinstance(one, ast.ClassDef) for part in one.body}
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef):
                called = {ast.unparse(one.func) for one in ast.walk(function) if isinstance(one, ast.Call)}
                itself = f"self.{function.name}" if function in methods else function.name
                found |= {function.name} if itself in called else set()

    assert found == set(RECURSIVE)
