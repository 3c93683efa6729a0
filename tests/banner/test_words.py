import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.banner.words import MAX_CACHED, SHIPPED, Words, accepted, load_languages
from proxy.errors import ConfigError
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
        ("6 months", "6 months", "6 mois"),
        ("1 year", "1 year", "1 an"),
        ("30 min", "30 min", "30 min"),
        ("1 day", "1 day", "1 jour"),
        ("2 days", "2 days", "2 jours"),
        ("up to 13 months", "up to 13 months", "jusqu’à 13 mois"),
        ("Session", "Session", "Session"),
        ("1 week", "1 week", "1 semaine"),
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


def test_a_folder_beside_the_config_overrides_single_words(tmp_path):
    (tmp_path / "fr.yaml").write_text("banner:\n  title: Les cookies chez nous\n")
    languages = load_languages(tmp_path)

    assert languages["fr"].plain("banner.title") == "Les cookies chez nous"
    assert languages["fr"].plain("buttons.refuse") == "Tout refuser"


def test_a_new_file_is_a_new_language_and_english_fills_its_gaps(tmp_path):
    (tmp_path / "ar.yaml").write_text("direction: rtl\nbuttons:\n  refuse: رفض الكل\n")
    arabic = load_languages(tmp_path).choose(page="ar-MA")

    assert (arabic.code, arabic.direction, arabic.plain("buttons.refuse")) == ("ar", "rtl", "رفض الكل")
    assert arabic.plain("buttons.accept") == "Accept all"


def test_a_language_file_that_cannot_be_read_stops_the_start_with_its_place(tmp_path):
    (tmp_path / "fr.yaml").write_text("banner:\n  title: [a, b]\nbuttons: &x {accept: Oui}\n")
    with pytest.raises(ConfigError) as caught:
        load_languages(tmp_path)

    assert "fr.yaml:2:10: banner.title is a list; words are text" in str(caught.value)


def test_a_file_that_is_no_list_of_words_says_so(tmp_path):
    (tmp_path / "de.yaml").write_text("just text\n")
    with pytest.raises(ConfigError, match=r"de\.yaml:1:1: is no list of words"):
        load_languages(tmp_path)


def test_a_configured_language_that_does_not_exist_stops_the_start():
    with pytest.raises(ConfigError, match="there is no language 'xx'"):
        load_languages(configured="xx")


def test_direction_is_one_of_two():
    assert Words("x", {"direction": "sideways"}).direction == "ltr"


def test_every_shipped_language_has_every_word():
    assert {len(LANGUAGES[code].of) for code in LANGUAGES.all} == {len(EN.of)}
    assert {path.stem for path in SHIPPED.glob("*.yaml")} == {"de", "en", "es", "fr", "it", "nl"}
