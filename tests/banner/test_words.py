import pickle
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.banner.word_files import load_languages
from proxy.banner.words import MAX_CACHED, Words, accepted
from proxy.policy.durations import parse_duration
from proxy.policy.model import Basis

LANGUAGES = load_languages()
EN, FR = LANGUAGES["en"], LANGUAGES["fr"]

CONTRACT = {
    "en": ("Accept all", "Refuse all", "Customize", "Save my choices", "Manage my cookies"),
    "fr": ("Tout accepter", "Tout refuser", "Personnaliser", "Enregistrer mes choix", "Gérer mes cookies"),
}


@pytest.mark.parametrize("code", CONTRACT)
def test_the_words_of_the_policy_stand_letter_for_letter(code):
    said = LANGUAGES[code].plain

    assert CONTRACT[code] == tuple(
        said(f"buttons.{key}") for key in ("accept", "refuse", "customize", "save", "manage")
    )


def test_that_a_choice_is_saved_is_said_with_the_cookies_it_deleted_if_any():
    said = "Saved. You can change it at any time with “Manage my cookies”."

    assert (EN.saved(), EN.saved(0), EN.saved(2)) == (said, said, f"{said} Cookies deleted: 2.")


def test_purposes_have_the_labels_of_the_policy():
    assert tuple(EN.purpose(id_, "label") for id_ in ("functional", "performance")) == (
        "Functional",
        "Performance",
    )
    assert tuple(FR.purpose(id_, "label") for id_ in ("functional", "performance")) == (
        "Fonctionnels",
        "Performance",
    )


def test_a_purpose_that_nobody_described_is_called_by_its_id():
    assert EN.purpose("own-purpose", "label") == "Own purpose"
    assert EN.purpose("own-purpose", "sentence") == ""


@pytest.mark.parametrize(
    ("page", "configured", "accept", "spoken"),
    [
        ("fr", "en", "en", "fr"),
        ("fr-CA", None, "en", "fr"),
        ("FR_ca", None, "en", "fr"),
        ("pt", "fr", "en", "fr"),
        ("", "fr", "en", "fr"),
        ("", None, "fr-CH, fr;q=0.9, en;q=0.8", "fr"),
        ("pt", None, "fr", "fr"),
        ("de-AT", None, "fr", "de"),
        ("", None, "pt", "en"),
        ("", None, "de", "de"),
        ("", None, None, "en"),
    ],
)
def test_the_page_decides_then_the_site_then_the_visitor(page, configured, accept, spoken):
    languages = load_languages(configured=configured)

    assert spoken == languages.choose(page=page, accept=accept).code


@pytest.mark.parametrize(
    ("header", "best"),
    [
        ("en;q=0.1, fr", "fr"),
        ("fr;q=0, en", "en"),
        ("fr;q=0", None),
        ("*", None),
        ("de, fr;q=0.5, en;q=0.5", "fr"),
        ("fr;q=2", None),
        ("fr ; q=0.5,en;q=0.4", "fr"),
        (b"fr", "fr"),
        ("", None),
        (None, None),
    ],
)
def test_accept_language_is_read_by_weight_then_order(header, best):
    assert best == accepted(header, ["en", "fr"])


@given(st.binary())
def test_no_accept_language_header_is_too_strange(header):
    assert accepted(header, ["en", "fr"]) in {"en", "fr", None}


@pytest.mark.parametrize(
    ("text", "english", "french"),
    [
        ("6 months", "6 months", "6\u00a0mois"),
        ("1 year", "1 year", "1\u00a0an"),
        ("30 min", "30 min", "30\u00a0min"),
        ("1 day", "1 day", "1\u00a0jour"),
        ("2 days", "2 days", "2\u00a0jours"),
        ("up to 13 months", "up to 13 months", "jusqu’à 13\u00a0mois"),
        ("Session", "Session", "Session"),
        ("1 week", "1 week", "1\u00a0semaine"),
    ],
)
def test_durations_are_said_in_the_visitors_language(text, english, french):
    lasts = parse_duration(text)

    assert (english, french) == (EN.duration(lasts), FR.duration(lasts))


def test_a_choice_that_is_remembered_is_that_of_its_own_question():
    languages = load_languages()

    for _ in range(2):
        for number in range(2 * MAX_CACHED):
            french = number % 2
            header = f"{'fr' if french else 'en'}, x-{number}".encode()
            assert languages.choose(accept=header).code == ("fr" if french else "en")
    assert languages.choose(page="fr", accept=b"en").code == "fr"
    assert languages.choose(page="", accept=b"en" + b", xx" * 200).code == "en"


def test_dates_and_times_are_in_utc_and_in_words():
    assert (EN.date(1_795_435_500), EN.time(1_795_435_500)) == ("23 November 2026", "12:05 UTC")
    assert (FR.date(1_795_435_500), FR.time(1_795_435_500)) == ("23 novembre 2026", "12\u00a0h\u00a005 UTC")


def test_lists_read_like_sentences():
    assert [str(EN.listed("abc"[:n])) for n in range(4)] == ["", "a", "a and b", "a, b and c"]
    assert str(FR.listed(["<", "b"])) == "&lt; et b"


def test_legal_bases_are_translated():
    assert tuple(FR.basis(basis) for basis in (Basis.CONSENT, Basis.LEGITIMATE_INTEREST)) == (
        "Consentement",
        "Intérêt légitime",
    )


def test_the_policys_own_words_are_translated_where_somebody_did():
    assert FR.phrase("Audience measurement") == "Mesure d’audience"
    assert FR.phrase("Unheard of") == "Unheard of"


def test_names_and_dates_keep_their_order_between_words_from_right_to_left():
    arabic = LANGUAGES["ar"]

    assert "\u20682026-11-01\u2069" in arabic.say("table.version", version="2026-11-01")
    assert arabic.names(["_ga", "_gid"]) == "\u2068_ga\u2069، \u2068_gid\u2069"
    assert str(arabic.listed(["Google Maps", "X"])) == "\u2068Google Maps\u2069 وX"
    assert str(arabic.say("errors.reference", id="0af3")).endswith(" 0af3"), "to be copied as it stands"
    assert (FR.names(["_ga", "_gid"]), str(FR.listed(["Google Maps", "X"]))) == (
        "_ga, _gid",
        "Google Maps et X",
    )


def test_languages_are_handed_to_another_process_as_they_are(tmp_path):
    (tmp_path / "fr.yaml").write_text("banner:\n  title: Les cookies chez nous\n")
    there = pickle.loads(pickle.dumps(load_languages(tmp_path, configured="fr")))

    assert there.choose(accept=b"de").plain("banner.title") == "Les cookies chez nous"
    assert there["ar"].date(1_795_435_500) == LANGUAGES["ar"].date(1_795_435_500)


def test_direction_is_one_of_two():
    assert Words("x", {"direction": "sideways"}).direction == "ltr"


def test_of_a_language_tag_longer_than_any_the_beginning_is_looked_at():
    steps = []

    def count(_frame, event, called):
        if event == "c_call" and called.__name__ == "rpartition":
            steps.append(called)

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        found = accepted(b"-" * 60_000 + b", fr-" + b"a-" * 30_000 + b";q=0.5", LANGUAGES.all)
    finally:
        sys.setprofile(before)

    assert found == "fr"
    assert 0 < len(steps) <= 128
