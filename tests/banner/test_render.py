import json

import pytest

from proxy.banner.assets import css_hash, source
from proxy.banner.render import KEPT, Renderer, page_code
from proxy.banner.signals import signals
from proxy.consent.decision import Decision
from proxy.filter.guard import guard_code, guard_table
from proxy.policy.scope import Pair
from tests.banner.pages import BOTH, OWN, POLICY, RENDERER, added, calendly, decision, injected
from tests.banner.test_inject import STATES

PAGE = (
    b'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Callkom</title><link rel="stylesheet" href="/site.css">'
    b'</head><body><header><a href="/">Callkom</a><nav><a href="/product">Product</a></nav></header><main><h1>Your phone '
    b"system, inside your CRM</h1><p>See who is calling, answer from the browser and keep the CRM up to date.</p></main></body></html>"
)


def weight(state, language, *, scripts: str = "all") -> int:
    """Return by how much gzip grows a page: all of ours, without guard and signals, or without any script."""
    injector = RENDERER.injector(state)
    head, body, foot = injected(injector, language)
    style = head.partition("<script")[0]
    code = {
        "all": head.removeprefix(style),
        "page": f"<script>{page_code(asks=bool(body))}</script>",
        "none": "",
    }[scripts]
    return added(PAGE, style + code + body + foot)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("state", ["first", "expired", "new", "signal"])
def test_a_first_page_grows_by_less_than_4_kB(state, language):
    """Banner, style and the script that answers; 8 kB with guard, signals and a placeholder."""
    assert weight(STATES[state], language, scripts="page") <= 4000
    injector = RENDERER.injector(STATES[state])
    whole = added(PAGE, "".join(injected(injector, language)) + calendly(injector))
    assert whole <= 8000


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("state", ["functional", "all"])
def test_after_a_choice_link_and_style_are_less_than_1_kB(state, language):
    assert weight(STATES[state], language, scripts="none") <= 1000
    assert weight(STATES[state], language, scripts="all") <= 3200


@pytest.mark.parametrize("state", STATES)
def test_the_hash_is_of_the_very_bytes_that_are_sent(state):
    injector = RENDERER.injector(STATES[state])
    head = injected(injector)[0]
    code = head.partition("<script")[2].partition(">")[2].removesuffix("</script>")
    style = head.partition("<style>")[2].partition("</style>")[0]

    assert injector.scripts == (css_hash(code),)
    assert injector.styles == (css_hash(style),)


def test_the_guard_runs_first_then_the_signals_then_the_page():
    code = injected(RENDERER.injector(decision()))[0]
    guard = guard_code(source("guard.js"), guard_table(POLICY, frozenset(), OWN))

    assert code.index(guard) < code.index(signals(POLICY, frozenset())) < code.index(page_code(asks=True))


def test_equal_questions_share_what_is_made_for_them():
    assert (
        RENDERER.injector(decision("functional")).head_part
        is RENDERER.injector(decision("functional", days_ago=9)).head_part
    )
    assert (
        RENDERER.injector(decision("functional")).head_part
        is not RENDERER.injector(decision("performance")).head_part
    )


def test_what_is_kept_is_bounded():
    renderer = Renderer(POLICY, own=OWN)
    for i in range(3):
        for n in range(KEPT // 2 + 2):
            renderer._heads[(frozenset({Pair("x", f"{i}-{n}")}), decision().ask, False, False)] = (
                renderer.injector(decision()).head_part
            )

    renderer.injector(decision(*BOTH))
    assert len(renderer._heads) <= KEPT + 1


def test_other_addresses_are_used_throughout():
    renderer = Renderer(POLICY, own=OWN, path="/choices/", cookie="own_cookie")
    injector = renderer.injector(decision())
    text = (
        "".join(injected(injector))
        + calendly(injector)
        + renderer.panel(renderer.languages["en"], decision()).decode()
    )

    assert "/.consent/" not in text
    assert "own_cookie" in text


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


def test_after_refusing_only_the_question_is_gone():
    refused = injected(RENDERER.injector(decision(answered=True)))[0]
    agreed = injected(RENDERER.injector(decision(*BOTH)))[0]

    assert ".cc.ph" in refused
    assert ".cc.ph" not in agreed, "nothing is replaced where everything is granted"
    assert "#cc-b" not in refused.partition("</style>")[0]


def test_an_unknown_grant_of_old_rules_changes_nothing_but_its_name():
    old = Decision(
        frozenset({Pair("gone", "gone")}), decision(answered=True).ask, decision(answered=True).answer
    )

    assert 'data-granted="gone"' in injected(RENDERER.injector(old))[0]
