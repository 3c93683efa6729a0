import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.banner.pages.page_shell import Shell
from proxy.banner.pages.panel import Panel
from proxy.banner.word_files import load_languages
from proxy.config.banner_colours import Look
from proxy.policy.scope import Pair, Scope
from tests.banner.rendering import BOTH, POLICY, SCOPE, decision, well_formed
from tests.policy.rules import policy_of
from tests.shared import shared

WORDS = load_languages()
SHELL = Shell.of(POLICY, Look(), "/.consent/")
OLD = Scope(frozenset(pair for pair in SCOPE.pairs if pair.provider != "hubspot"))


def panel(chosen=None, language="en", *, back="/", problem=None) -> str:
    page = Panel.of(SHELL, WORDS[language]).page(
        chosen or decision(), back=back, host="callkom.io", problem=problem
    )
    assert well_formed(page)
    return page.decode()


def checked(page: str) -> list[str]:
    return re.findall(r'name="purpose" value="(\w+)" checked="checked"', page)


def test_before_an_answer_everything_is_refused_and_said_so():
    """L5: silence is refusal, and no box is ticked."""
    assert checked(panel()) == []
    assert "You have not answered yet" in panel()


@pytest.mark.parametrize(
    ("granted", "words"),
    [
        (BOTH, "You accepted everything"),
        ((), "You refused everything"),
        (("functional",), "You accepted Functional and refused the rest"),
    ],
)
def test_ones_own_answer_stands_there_with_date_version_and_the_next_question(granted, words):
    page = panel(decision(*granted, answered=True))

    assert f"{words}, on 17 November 2026 at 11:06 UTC, under policy version <bdi>2026-11-01</bdi>." in page
    assert "We ask again on 16 May 2027" in page
    assert checked(page) == list(granted)


def test_it_speaks_french_from_end_to_end():
    page = panel(decision("functional"), "fr")

    assert "Vous avez accepté Fonctionnels et refusé le reste, le 17 novembre 2026" in page
    assert (
        "Destinataire : HubSpot, États-Unis. Transfert hors de l’UE : clauses contractuelles types."
        in page.replace("\u00a0", " ")
    )
    for english in (
        "Policy version",
        "Duration",
        "cookies kept",
        "Recipient",
        "Legal basis",
        "months",
        "Widget/forms",
    ):
        assert english not in page


def test_every_purpose_says_its_basis_and_what_refusing_means():
    """L6, L7: in the policy's words."""
    page = panel()

    assert page.count("Legal basis: Consent.") == 2
    assert page.count("Legal basis: Legitimate interest.") == 1


def test_what_refusing_means_is_said_letter_for_letter_as_the_policy_says_it():
    policy = shared("cookie-policy.txt").read_text(encoding="utf-8")
    sentences = [line for line in policy.splitlines() if line.startswith("Without ")]

    assert len(sentences) == 3
    for sentence in sentences:
        assert sentence.strip() in panel()


def test_every_provider_and_cookie_of_the_rules_stands_in_it():
    """L19: name, provider, purpose, basis, duration; recipients and transfers."""
    page = re.sub("</?bdi>", "", panel())
    for provider in POLICY.providers:
        assert f"<b>{provider.name}</b>" in page
        for row in provider.cookies:
            assert ", ".join(row.names).replace("'", "&#x27;") in page
        if provider.transfers:
            assert (
                f"Recipient: {provider.name}, {provider.country}. Transfer outside the EU: {provider.transfers}."
                in page
            )


def test_rows_of_a_provider_can_be_told_apart_and_are_counted_as_shown():
    """A row counts once, whatever names it may bear: of a pattern or of several platforms a site has one."""
    parts = re.split(r"<details><summary><b>", panel())[1:]
    said = {}
    for part in parts:
        name, _, rest = part.partition("</b><span>")
        summary = rest.partition("</span>")[0]
        rows = re.findall(r'<tr role="row"><th role="rowheader".*?</tr>', rest)
        if name in {"Providers and details", "Strictly necessary"}:
            continue
        said.setdefault(name, []).append(len(rows))

        assert len(set(rows)) == len(rows), f"{name} has rows that look the same"
        assert summary.startswith(
            "no cookie"
            if not rows
            else "1 kind of cookie "
            if len(rows) == 1
            else f"{len(rows)} kinds of cookie "
        )
    assert (said["Cloudflare"], said["WPML"], said["HubSpot"]) == ([6], [1], [4, 3, 1])
    assert said["CALLKOM"] == [7], "27 names, of which no site has more than a few"


def test_every_row_says_its_domain():
    row = '<bdi>ai_session</bdi></th><td role="cell" data-label="Domain">app.callkom.io, integration.callkom.io</td>'

    assert row in panel()


def test_a_provider_without_cookies_and_one_with_storage_say_so():
    assert "It stores no cookie on this site; it is loaded only with your consent." in panel()
    assert "Also stored in your browser: ai_session*, AI_buffer*, AI_sentBuffer*." in panel()


def test_what_is_necessary_has_no_switch():
    section = re.search(r'<section class="cd" id="cc-p-necessary".*?</section>', panel())[0]

    assert "<input" not in section
    assert "Always on; needs no consent." in section


def test_what_can_be_changed_comes_first_and_what_is_always_on_is_folded_behind_it():
    page = panel(decision("functional"))
    places = [
        page.index(text)
        for text in ('value="functional"', 'value="save"', "Your choice today", "cc-p-necessary")
    ]

    assert places == sorted(places)
    assert '<section class="cd" id="cc-p-necessary"><details><summary><b>Strictly necessary</b>' in page
    assert "<details open" not in page


def test_only_who_agreed_is_told_to_take_a_tick_away():
    assert "Take a tick away" in panel(decision("functional"))
    assert "Take a tick away" not in panel()
    assert "Take a tick away" not in panel(decision(answered=True))


def test_the_same_page_is_offered_in_the_other_languages():
    shell = Shell.of(POLICY, Look(), "/.consent/", WORDS)
    page = Panel.of(shell, WORDS["en"]).page(decision(), back="/", host="x", problem=None).decode()

    assert '<a href="/.consent/?language=fr" lang="fr" hreflang="fr">Français</a>' in page
    assert 'hreflang="en"' not in page


def test_withdrawing_takes_the_same_click_as_agreeing():
    """L8, GDPR 7(3): both are buttons of one form, on the page that the permanent link leads to."""
    page = panel(decision(*BOTH))

    assert page.count('<button class="s" name="choice" value="refuse">Refuse all</button>') == 1
    assert page.count('<button class="s" name="choice" value="accept">Accept all</button>') == 1
    assert page.count('<button class="v" name="choice" value="save">Save my choices</button>') == 1
    assert '<form method="post" action="/.consent/choice"' in page


def test_a_new_provider_takes_the_tick_away_until_it_is_agreed_to():
    page = panel(decision(*BOTH, asked=OLD))

    assert checked(page) == []
    assert (
        "New since then, and refused until you agree: HubSpot (Functional) and HubSpot (Performance)." in page
    )


def test_an_answer_that_ran_out_holds_no_longer_and_says_since_when():
    page = panel(decision(*BOTH, days_ago=181))

    assert "Your last answer, of 21 May 2026, has run out." in page
    assert checked(page) == []


def test_the_signal_is_explained_and_an_own_answer_outranks_it():
    """G3: how conflicts are treated is disclosed."""
    assert "Your browser sends Global Privacy Control, so everything that needs consent is refused." in panel(
        decision(signal=True)
    )
    assert "your own choice below outranks it" in panel(decision("functional", signal=True))
    assert checked(panel(decision("functional", signal=True))) == ["functional"]


def test_an_expired_answer_with_the_signal_says_both():
    page = panel(decision("functional", days_ago=200, signal=True))

    assert "has run out" in page
    assert "Global Privacy Control" in page


@pytest.mark.parametrize("problem", ["panel.unproven", "panel.busy"])
def test_an_answer_that_could_not_take_effect_is_said_first(problem):
    page = panel(problem=problem)

    assert page.index('role="alert"') < page.index("Your choice today")
    assert "has not taken effect" in page


def test_the_way_back_leads_where_the_visitor_came_from():
    page = panel(back="/a?b=1&c=\"'<x>")

    assert page.count("/a?b=1&amp;c=&quot;&#x27;&lt;x&gt;") == 2


@settings(max_examples=40)
@given(st.text(max_size=30))
def test_nothing_a_visitor_sends_becomes_markup(text):
    page = Panel.of(SHELL, WORDS["en"]).page(decision(), back=text, host=text, problem=None)

    assert well_formed(page)
    assert page.count(b"<script") == 1, "the one that takes stored pages away"


def test_nothing_in_the_rules_becomes_markup():
    evil = "'</script><script>alert(1)</script>'"
    policy = policy_of(
        cookies=f"- {{ name: xy, domain: .example.com, purpose: performance, lasts: 1 day, why: {evil} }}"
    )
    page = Panel.of(Shell.of(policy, Look(), "/.consent/"), WORDS["en"]).page(
        decision(), back="/", host="x", problem=None
    )

    assert well_formed(page)
    assert page.count(b"<script") == 1
    assert b"alert(1)</script>" not in page


def test_a_purpose_that_nobody_is_asked_about_has_no_section():
    policy = policy_of(
        cookies="- { name: xy, domain: .example.com, purpose: performance, lasts: 1 day, why: Y }"
    )
    page = Panel.of(Shell.of(policy, Look(), "/.consent/"), WORDS["en"]).page(
        decision(policy=policy), back="/", host="x", problem=None
    )

    assert b'id="cc-p-performance"' in page
    assert b'id="cc-p-functional"' not in page


def test_names_of_a_scope_follow_the_rules():
    scope = Scope(frozenset({Pair("performance", "hubspot"), Pair("functional", "calendly")}))

    assert Panel.of(SHELL, WORDS["en"]).names(scope) == "Calendly (Functional) and HubSpot (Performance)"
