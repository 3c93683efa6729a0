import re

import pytest

from proxy.banner.assets import css_hash
from proxy.banner.pages.page_shell import Shell, link, proof
from proxy.banner.stored_pages import forget_stored
from proxy.banner.word_files import load_languages
from proxy.config.banner_colours import Look
from tests.banner.rendering import POLICY, well_formed
from tests.policy.rules import policy_of

WORDS = load_languages()
SHELL = Shell.of(POLICY, Look(), "/.consent/")
RECEIPT = {
    "id": "01hf",
    "time": "2026-11-23T12:34:56.789Z",
    "site": "callkom.io",
    "policy_version": "2026-11-01",
    "granted": ["functional"],
    "refused": [],
    "how": "save",
    "previous": None,
}


def pages(language):
    words = WORDS[language]
    yield SHELL.table(words, back="/", host="callkom.io")
    yield SHELL.receipt(words, RECEIPT, back="/", host="callkom.io")
    yield SHELL.receipt(words, None, back=None, host="")
    for status in (403, 404, 421, 429, 502, 503, 504):
        yield SHELL.error(words, status, reference="abc", host="callkom.io")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_of_ours_is_well_formed_and_says_its_language(language):
    for page in pages(language):
        assert well_formed(page)
        assert f'lang="{language}" dir="ltr"'.encode() in page
        assert page.count(b"<h1>") == page.count(b"<main") == 1


def test_a_page_of_ours_fetches_nothing_and_runs_nothing():
    """T50: no provider is told of a failure; links lead on, but nothing loads."""
    for page in pages("en"):
        text = page.decode()
        assert re.findall(r"<(?:script|img|link|iframe|object|embed|video|audio)\b", text) == []
        assert re.findall(r"\s(?:src|srcset|on\w+|style)=", text) == []
        assert "url(" not in text
        assert "@import" not in text


def test_their_policy_lets_their_own_style_and_the_panels_script_in_and_nothing_else():
    page = SHELL.error(WORDS["en"], 502, reference="", host="").decode()
    style = re.search(r"<style>(.*?)</style>", page)[1]
    let_in = f"style-src '{css_hash(style)}'; script-src '{css_hash(forget_stored())}'"

    assert SHELL.csp.decode() == f"default-src 'none'; {let_in}; base-uri 'none'; frame-ancestors 'none'"


def test_search_engines_keep_none_of_them():
    assert all(b'<meta name="robots" content="noindex"/>' in page for page in pages("en"))


@pytest.mark.parametrize(
    ("status", "english", "french"),
    [
        (502, "cannot be shown safely", "ne peut pas être affichée sans risque"),
        (504, "takes too long", "met trop de temps"),
        (429, "Too many requests", "Trop de demandes"),
        (418, "could not be answered", "n’a pas pu aboutir"),
    ],
)
def test_an_error_is_said_in_the_visitors_language(status, english, french):
    assert english in SHELL.error(WORDS["en"], status, reference="", host="").decode()
    assert french in SHELL.error(WORDS["fr"], status, reference="", host="").decode()


def test_an_error_names_its_reference_as_text():
    assert "Reference: &lt;b&gt;" in SHELL.error(WORDS["en"], 502, reference="<b>", host="").decode()


@pytest.mark.parametrize(("language", "words"), [("en", "Manage my cookies"), ("fr", "Gérer mes cookies")])
def test_an_error_page_of_a_site_links_to_the_panel_and_one_of_no_site_does_not(language, words):
    link = f'<a href="/.consent/?language={language}">{words}</a>'

    assert SHELL.error(WORDS[language], 404, reference="", host="callkom.io").decode().count(link) == 1
    assert "<a " not in SHELL.error(WORDS[language], 429, reference="", host="").decode()


def test_a_proof_says_what_was_answered_in_words():
    page = SHELL.receipt(WORDS["en"], RECEIPT, back=None, host="").decode()

    assert "<dt>Accepted</dt><dd>Functional</dd>" in page
    assert "<dt>Refused</dt><dd>nothing</dd>" in page
    assert "<dt>Given with</dt><dd>Save my choices</dd>" in page
    assert "Earlier proof" not in page


@pytest.mark.parametrize(
    ("control", "words"), [("refuse", "Refuse all"), ("save", "Save my choices"), (None, "Withdrawal")]
)
def test_a_withdrawal_names_the_button_it_was_given_with(control, words):
    receipt = RECEIPT | {"how": "withdraw", "control": control, "withdrawn": ["performance"]}
    page = SHELL.receipt(WORDS["en"], receipt, back=None, host="").decode()

    assert f"<dt>Given with</dt><dd>{words}</dd>" in page
    assert "<dt>Withdrawn</dt><dd>Performance</dd>" in page


@pytest.mark.parametrize(
    ("language", "label", "moment"),
    [
        ("en", "Given on", "23 November 2026 at 12:34 UTC"),
        ("fr", "Donnée le", "23 novembre 2026 à 12 h 34 UTC"),
    ],
)
def test_a_proof_says_its_moment_for_people_and_for_machines(language, label, moment):
    page = SHELL.receipt(WORDS[language], RECEIPT, back=None, host="").decode()

    assert f'<dt>{label}</dt><dd><time datetime="{RECEIPT["time"]}">{moment}</time></dd>' in page.replace(
        "\u00a0", " "
    )
    assert f"&quot;time&quot;: &quot;{RECEIPT['time']}&quot;" in page


def test_erasing_is_offered_and_not_urged():
    page = SHELL.receipt(WORDS["en"], RECEIPT, back=None, host="").decode()

    assert '<button name="erase" value="all">Erase them for good</button></form></details>' in page
    assert 'class="s"' not in page


def test_somebody_without_an_answer_has_no_proof():
    assert "There is no proof" in SHELL.receipt(WORDS["en"], None, back=None, host="").decode()


def test_pages_link_to_each_other_but_not_to_themselves():
    table = SHELL.table(WORDS["en"], back="/here", host="").decode()

    assert '<a href="/here">Back to the site</a>' in table
    assert '<a href="/.consent/?language=en">Manage my cookies</a>' in table
    assert '<a href="/.consent/policy?language=en">' not in table
    assert '<a href="/.consent/policy.json?language=en">' in table


def test_the_policys_own_pages_and_contact_are_linked():
    policy = policy_of()
    shell = Shell.of(policy, Look(), "/.consent/")

    assert "https://example.com/privacy" in shell.links(WORDS["en"])
    assert "mailto:privacy@example.com" in shell.links(WORDS["en"])


def test_a_link_escapes_what_it_gets():
    assert link('/"<', "<") == '<a href="/&quot;&lt;">&lt;</a>'


def test_what_another_tool_declared_names_the_tool_and_both_moments_and_no_button():
    told = {**RECEIPT, "declared_by": "cookiebot", "declared_at": "2026-10-15T09:30:00.000Z"}
    page = str(proof(WORDS["en"], told))

    assert (
        "<dt>Given to</dt><dd>Cookiebot, another consent tool: the question was put there, not here</dd>"
        in page
    )
    assert (
        page.index("2026-10-15T09:30:00.000Z") < page.index("Recorded here on") < page.index(RECEIPT["time"])
    )
    assert "Given with" not in page
    assert "Given to" not in str(proof(WORDS["en"], RECEIPT))
