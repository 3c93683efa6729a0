import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.consent.decision import Ask
from proxy.filter.headers.csp_admission import admit
from proxy.policy.scope import Scope
from tests.banner.rendering import BOTH, POLICY, RENDERER, SCOPE, calendly, decision, injected, well_formed

OLD = Scope(frozenset(pair for pair in SCOPE.pairs if pair.provider != "calendly"))
STATES = {
    "first": decision(),
    "expired": decision(*BOTH, days_ago=181),
    "new": decision(*BOTH, asked=OLD),
    "signal": decision(signal=True),
    "refused": decision(answered=True),
    "functional": decision("functional"),
    "all": decision(*BOTH),
    "withheld": decision(withheld=True),
}
ASKING = {"first", "expired", "new", "signal"}


def text(markup: str) -> str:
    return re.sub(r"<[^>]+>", "", markup)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("state", STATES)
def test_what_is_injected_is_ascii_and_well_formed(state, language):
    injector = RENDERER.injector(STATES[state], back="/a?b='\"<>&")

    assert well_formed("".join(injected(injector, language)) + calendly(injector))


@pytest.mark.parametrize("state", STATES)
def test_a_banner_is_there_exactly_when_the_visitor_is_asked(state):
    _, body, foot = injected(RENDERER.injector(STATES[state]))

    assert bool(body) == (state in ASKING)
    assert foot.count('<a href="/.consent/">Manage my cookies</a>') == 1, "L8: the link is always there"


def test_the_foot_says_that_a_choice_is_saved_on_the_page_behind_it_alone():
    def foot(saved):
        injector = RENDERER.injector(STATES["refused"])
        injector.saved = saved
        return injected(injector)[2]

    silent, said, later = foot(None), foot(2), foot(None)

    assert "Cookies deleted: 2." in text(said)
    assert (text(silent), silent) == ("Manage my cookies", later)


@pytest.mark.parametrize("state", ["first", "expired", "new"])
def test_refuse_and_accept_are_the_same_but_for_their_words(state):
    """L4: same element, same class, same click, side by side."""
    _, body, _ = injected(RENDERER.injector(STATES[state]))
    refuse = '<button class="s" name="choice" value="refuse">Refuse all</button>'

    assert refuse + refuse.replace("refuse", "accept").replace("Refuse", "Accept") in body


@pytest.mark.parametrize("state", sorted(ASKING))
def test_no_box_is_ticked(state):
    """L5, also for somebody who agreed before."""
    _, body, _ = injected(RENDERER.injector(STATES[state]))

    assert body.count('type="checkbox"') == 2
    assert "checked" not in body


def test_the_first_layer_says_what_the_law_wants():
    """L6, L18: purposes, the third parties, what refusing means, the right to withdraw; and customising beside it."""
    _, body, _ = injected(RENDERER.injector(decision()))
    first = body.partition("<details>")[0]

    assert (
        "<b>Functional</b> (forms, appointments, language) and <b>Performance</b> (audience, telemetry)"
        in first
    )
    assert '<a href="/.consent/#providers">6 third parties</a>' in first
    assert (
        "Without it the site works all the same, but appointments become a link and audience is not measured."
        in first
    )
    assert "Your answer is kept 6 months; withdraw it any time in" in first
    for address in (POLICY.page, POLICY.privacy):
        assert f'<a href="{address}">' in first
    assert '<summary class="b" id="cc-c">Customize</summary>' in body


def test_each_purpose_names_its_providers_and_choices_come_before_what_is_always_on():
    _, body, _ = injected(RENDERER.injector(decision()))

    assert "(HubSpot, Calendly, WPML)" in body
    assert "(Cloudflare Web Analytics, HubSpot, MS Application Insights, Google Analytics 4)" in body
    assert body.index('value="performance"') < body.index("<b>Strictly necessary.</b>")


def test_who_is_asked_again_reads_why():
    new = text(injected(RENDERER.injector(STATES["new"]))[1])
    expired = text(injected(RENDERER.injector(STATES["expired"]))[1])

    assert "New since your last answer: Calendly (Functional). So we ask you again." in new
    assert "Your last answer has run out, so we ask you again." in expired


def test_the_signal_gets_a_small_notice_with_customize_and_no_banner():
    """G1: refused by default; nothing to click for that."""
    _, body, _ = injected(RENDERER.injector(STATES["signal"]))

    assert "Optional cookies are refused" in body
    assert "Customize" in body
    assert "Refuse all" not in body
    assert "Accept all" not in body


def test_both_languages_say_the_contracts_words():
    _, body, foot = injected(RENDERER.injector(decision()), "fr")

    for words in (
        "Tout refuser",
        "Tout accepter",
        "Personnaliser",
        "Enregistrer mes choix",
        "<b>Fonctionnels</b>",
    ):
        assert words in body
    assert "G&#233;rer mes cookies" in foot


def test_there_is_no_close_button_and_no_soft_word():
    """L5, L7: closing is no answer, and nothing is called OK or Continue."""
    _, body, _ = injected(RENDERER.injector(decision()))

    assert {"Refuse all", "Accept all", "Save my choices"} == set(re.findall(r"<button[^>]*>([^<]*)", body))


def test_the_way_back_is_a_field_only_where_it_is_known():
    assert 'name="return"' not in injected(RENDERER.injector(decision()))[1]
    assert (
        '<input type="hidden" name="return" value="/a?b=1&amp;c=2"/>'
        in injected(RENDERER.injector(decision(), back="/a?b=1&c=2"))[1]
    )


@settings(max_examples=50)
@given(st.text(), st.text(), st.text())
def test_nothing_that_comes_with_a_request_becomes_markup(back, lang, accept):
    injector = RENDERER.injector(decision(), back=back, accept=accept.encode("utf-8", "replace"))
    parts = injected(injector, lang)

    assert well_formed("".join(parts))
    assert parts[1].count("<input") == 4


@pytest.mark.parametrize(
    "policies", [(b"form-action 'none'",), (b"sandbox allow-scripts allow-same-origin",)]
)
def test_where_forms_are_refused_the_banner_leads_to_the_panel(policies):
    injector = RENDERER.injector(decision())
    injector.admission = admit(
        policies, injector.head_part.scripts, injector.head_part.styles, host="callkom.io"
    )
    _, body, _ = injected(injector)

    assert "<button" not in body
    assert '<a class="b s" href="/.consent/">Customize</a>' in body
    assert "This page allows no forms" in body


def test_a_meta_policy_counts_too():
    _, body, _ = injected(RENDERER.injector(decision()), meta_csp=("form-action 'none'",))

    assert "<button" not in body


def test_a_page_in_a_frame_gets_the_guard_and_nothing_to_see():
    head, body, foot = injected(RENDERER.injector(decision(), framed=True))

    assert "<style>" not in head
    assert "<script" in head
    assert (body, foot) == ("", "")


def test_the_guard_comes_before_everything_and_no_optimiser_may_delay_it():
    head, _, _ = injected(RENDERER.injector(decision()))

    assert re.fullmatch(
        r'<style>@layer cc-consent\{[^<]*</style><script data-cfasync="false"[^>]*>[^<]*</script>', head
    )


def test_the_script_is_told_grants_question_and_days_in_attributes():
    """What policies name stays the same for everybody with the same grants."""
    one = RENDERER.injector(decision("functional"))
    other = RENDERER.injector(decision("functional", days_ago=30))
    head, _, _ = injected(one)

    assert 'data-granted="functional"' in head
    assert 'data-ask="no"' in head
    assert re.search(r'data-state="[0-9a-f]{8}"', head)
    assert 'data-since="- 20700 -"' in head
    assert one.head_part.scripts == other.head_part.scripts
    assert (len(one.head_part.scripts), len(one.head_part.styles)) == (3, 1)


def test_a_page_whose_cookie_may_have_been_withheld_tells_other_tabs_nothing():
    head, body, foot = injected(RENDERER.injector(STATES["withheld"]))

    assert "BroadcastChannel" not in head
    assert body == ""
    assert "Manage my cookies" in foot


def test_the_page_decides_the_language_then_the_visitor():
    assert 'lang="fr"' in injected(RENDERER.injector(decision(), accept=b"en"), "fr-FR")[1]
    assert 'lang="fr"' in injected(RENDERER.injector(decision(), accept=b"fr"), "")[1]


@pytest.mark.parametrize(
    ("page", "accept", "address"),
    [
        ("en", b"en", "/.consent/"),
        ("fr", b"fr", "/.consent/"),
        ("fr", b"en", "/.consent/?language=fr"),
        ("", b"fr", "/.consent/"),
    ],
)
def test_the_panel_speaks_the_language_of_the_page_that_leads_to_it(page, accept, address):
    _, body, foot = injected(RENDERER.injector(decision(), accept=accept), page)

    assert f'<a href="{address}">' in foot
    assert f'<a href="{address}#providers">' in body


def test_the_proof_knows_in_which_language_the_question_was_read():
    _, body, _ = injected(RENDERER.injector(decision(), accept=b"en"), "fr")

    assert '<input type="hidden" name="language" value="fr"/>' in body


def test_search_engines_quote_nothing_of_ours():
    injector = RENDERER.injector(decision())
    _, body, foot = injected(injector)

    for part in (body, foot, calendly(injector)):
        assert 'data-nosnippet=""' in part


def test_the_banner_is_no_modal_and_has_a_name():
    """W4: nothing is trapped, since nothing is blocked."""
    _, body, _ = injected(RENDERER.injector(decision()))

    assert 'role="dialog" aria-labelledby="cc-t"' in body
    assert 'id="cc-t"' in body
    assert "autofocus" not in body
    assert "tabindex" not in body


def test_every_id_that_is_injected_is_one_of_ours_and_used_once():
    injector = RENDERER.injector(decision())
    ids = re.findall(r'\bid="([^"]+)"', "".join(injected(injector)))

    assert all(found.startswith("cc-") for found in ids)
    assert len(ids) == len(set(ids))


def test_asks_cover_every_reason_to_ask():
    assert {STATES[name].ask for name in ASKING} == set(Ask) - {Ask.NO, Ask.OFF}
