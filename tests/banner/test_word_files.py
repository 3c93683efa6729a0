"""Languages are read from their files: those that ship, and a folder laid over them."""

import pytest

from proxy.banner.word_files import (
    SHIPPED,
    known_words,
    load_languages,
    needed_words,
    plural_forms,
    read_folder,
    read_words,
    shipped,
)
from proxy.errors import ConfigError
from proxy.policy.durations import parse_duration

LANGUAGES = load_languages()


def test_a_folder_beside_the_config_overrides_single_words(tmp_path):
    (tmp_path / "fr.yaml").write_text("banner:\n  title: Les cookies chez nous\n")
    languages = load_languages(tmp_path)

    assert languages["fr"].plain("banner.title") == "Les cookies chez nous"
    assert languages["fr"].plain("buttons.refuse") == "Tout refuser"


def test_a_new_file_is_a_new_language_and_english_fills_its_gaps(tmp_path):
    (tmp_path / "fa.yaml").write_text("buttons:\n  refuse: رد همه\n")
    persian = load_languages(tmp_path).choose(page="fa-IR")

    assert (persian.code, persian.direction, persian.plain("buttons.refuse")) == ("fa", "rtl", "رد همه")
    assert persian.plain("buttons.accept") == "Accept all"


def test_what_a_file_says_of_dates_and_plurals_goes_before_what_is_known_of_the_language(tmp_path):
    text = "grammar: { date: '{year}-{month_number}-{day}' }\ntable: { month: { other: '{n} mths' } }\n"
    (tmp_path / "en.yaml").write_text(text)
    words = load_languages(tmp_path)["en"]

    assert (words.date(1_795_435_500), words.duration(parse_duration("6 months"))) == ("2026-11-23", "6 mths")


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


def test_every_shipped_language_has_every_word():
    assert [(code, needed_words(code) - shipped()[code][0].keys()) for code in LANGUAGES.all] == [
        (code, frozenset()) for code in ("ar", "de", "en", "es", "fr", "it", "nl")
    ]
    assert {path.stem for path in SHIPPED.glob("*.yaml")} == set(LANGUAGES.all)


def test_deeper_words_have_keys_with_dots_and_phrases_stand_apart():
    words, phrases, faults = read_words(
        "a: { b: x, c: { d: y } }\nphrases: { 'Keeps you in': Garde }\n", "fr.yaml"
    )

    assert {key: text for key, (text, _) in words.items()} == {"a.b": "x", "a.c.d": "y"}
    assert (words["a.b"][1].line, phrases, faults) == (1, {"Keeps you in": "Garde"}, [])


def test_a_list_is_no_word():
    _, _, [fault] = read_words("a:\n  b: [x]\n", "fr.yaml")

    assert str(fault) == "fr.yaml:2:6: a.b is a list; words are text"


def test_a_folder_that_is_not_there_says_nothing(tmp_path):
    (tmp_path / "FR.yaml").write_text("a: x")
    (tmp_path / "notes.txt").write_text("a: y")

    assert read_folder(tmp_path / "gone") == {}
    assert list(read_folder(tmp_path)) == ["fr"]


def test_a_language_needs_englishs_words_in_its_own_plural_forms():
    assert plural_forms("en") == ("one", "other")
    assert set(plural_forms("en")) < set(plural_forms("ar"))
    assert "provider.cookies.one" in needed_words("en")
    assert "provider.cookies.two" not in needed_words("en")
    assert "provider.cookies.none" in needed_words("en")
    assert needed_words("en") < needed_words("ar")
    assert "buttons.accept" in needed_words("ar")


def test_every_word_that_a_file_may_say_is_known_in_english():
    known = known_words()

    assert needed_words("ar") <= known.keys()
    assert known["grammar.date"] == "{day} {month} {month_number} {year}"


def test_a_file_in_another_encoding_is_a_fault_with_its_name(tmp_path):
    (tmp_path / "de.yaml").write_bytes("banner: { title: Grüße }".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"de\.yaml:1:1: is not UTF-8 \(byte 19\); save it as UTF-8"):
        load_languages(tmp_path)
