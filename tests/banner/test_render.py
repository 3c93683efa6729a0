import json
import re
from html import unescape

import pytest

from proxy.banner.assets import css_hash, guard, style
from proxy.banner.page_head import page_code
from proxy.banner.provider_signals import signals, stand_ins
from proxy.banner.render import Renderer
from proxy.config.banner_colours import Look
from proxy.consent.decision import Ask, Decision
from proxy.filter.headers.guard_table import GUARD_BY_PARENT, GUARD_SCRIPT, guard_table
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.policy.scope import Pair
from tests.banner.rendering import OWN, POLICY, RENDERER, added, calendly, decision, injected
from tests.banner.test_page_injector import STATES

ANSWERED = ["refused", "functional", "all"]

PAGE = (
    b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Callkom</title><link rel="stylesheet" href="/site.css">'
    b'</head><body><header><a href="/">Callkom</a><nav><a href="/product">Product</a></nav></header><main><h1>Your phone '
    b"system, inside your CRM</h1><p>See who is calling, answer from the browser and keep the CRM up to date.</p></main></body></html>"
)


def weight(state, language, *, scripts: str = "all") -> int:
    """Return by how much gzip grows a page: all of ours, or without guard, stand-ins and what is for placeholders."""
    head, body, foot = injected(RENDERER.injector(state), language)
    if scripts == "page":
        parts = [
            "base",
            "buttons",
            "text",
            "banner",
            *(["notice"] if state.ask is Ask.SIGNAL else []),
            "link",
        ]
        head = f"<style>{style(parts, Look())}</style><script>{page_code(asks=True)}</script>"
    return added(PAGE, head + body + foot)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("state", ["first", "expired", "new", "signal"])
def test_a_first_page_grows_by_less_than_4_kB(state, language):
    """Banner, style and the script that answers; 11.1 kB at most with guard, signals and a placeholder."""
    assert weight(STATES[state], language, scripts="page") <= 4096
    injector = RENDERER.injector(STATES[state])
    whole = added(PAGE, "".join(injected(injector, language)) + calendly(injector))
    assert whole <= 11_100


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("state", ANSWERED)
def test_after_a_choice_a_page_grows_by_less_than_1_kB_with_all_scripts_and_a_placeholder(state, language):
    injector = RENDERER.injector(STATES[state])
    whole = "".join(injected(injector, language))

    assert added(PAGE, whole) <= 700
    assert added(PAGE, whole + calendly(injector)) <= 1000


@pytest.mark.parametrize("inline", [False, True], ids=["files", "inline"])
@pytest.mark.parametrize("state", STATES)
def test_policies_are_told_of_the_very_bytes_that_are_sent(state, inline):
    injector = RENDERER.injector(STATES[state], inline=inline)
    head = injected(injector)[0]
    codes = [code for code in re.findall(r"<script[^>]*>([^<]*)</script>", head) if code]
    styles = re.findall(r"<style>([^<]*)</style>", head)
    files = re.findall(r"/\.consent/[a-z]+\.[0-9a-f]+\.[a-z]+", head)

    assert set(injector.head_part.scripts + injector.head_part.styles) == {
        *map(css_hash, [*codes, *styles, GUARD_SCRIPT]),
        *files,
    }
    assert bool(files) == (state != "withheld" and not inline)


def test_the_guard_runs_first_then_the_signals_then_the_page():
    code = injected(RENDERER.injector(decision()))[0]
    first = guard(guard_table(POLICY, frozenset(), OWN))

    assert code.index(first) < code.index(signals(POLICY, frozenset())) < code.index(page_code(asks=True))
    assert code.index(first) < code.index(stand_ins(POLICY, frozenset()))


def test_other_addresses_are_used_throughout():
    renderer = Renderer(POLICY, own=OWN, path="/choices/", cookie="own_cookie")
    injector = renderer.injector(decision())
    text = "".join(injected(injector)) + calendly(injector)
    text += "".join(injected(renderer.injector(decision(answered=True))))
    text += renderer.panel(renderer.languages["en"], decision()).decode()

    assert "/.consent/" not in text
    assert 'src="/choices/page.' in text


def test_proofs_keep_the_words_that_were_shown():
    shown = RENDERER.shown(RENDERER.languages["fr"])

    assert shown.policy_version == POLICY.version
    assert shown.rules == POLICY.text
    assert json.loads(shown.wording)["buttons.refuse"] == "Tout refuser"
    assert shown is RENDERER.shown(RENDERER.languages["fr"])


def test_pages_of_our_own_come_in_every_language():
    for words in RENDERER.languages.all.values():
        for page in (
            RENDERER.panel(words, decision()),
            RENDERER.table(words),
            RENDERER.receipt(words, None),
            RENDERER.error(words, 502),
        ):
            assert f'lang="{words.code}"'.encode() in page
        assert RENDERER.table_json(words)["language"] == words.code


def test_an_unknown_grant_of_old_rules_changes_nothing_but_its_name():
    old = Decision(
        frozenset({Pair("gone", "gone")}), decision(answered=True).ask, decision(answered=True).answer
    )

    assert 'data-granted="gone"' in injected(RENDERER.injector(old))[0]


def test_a_document_inside_the_page_begins_with_what_guards_it_and_once_only():
    page = b'<!doctype html><html><body><iframe srcdoc="<p>x"></iframe></body></html>'
    rules = compile_rules(POLICY, OWN)

    def filtered(html):
        body = HtmlFilter(judge_for(rules, frozenset()), inject=RENDERER.injector(decision()))
        return body.feed(html) + body.close()

    once = filtered(page)
    srcdoc = re.search(rb'srcdoc="([^"]*)"', once)[1]
    assert unescape(srcdoc.decode()) == GUARD_BY_PARENT + "<p>x"
    again = filtered(page.replace(b"<p>x", srcdoc))
    assert re.search(rb'srcdoc="([^"]*)"', again)[1] == srcdoc
