"""What a language writes alike whoever speaks comes from CLDR, as words with our fields."""

import pytest

from proxy.banner.formats import UNITS, formats
from proxy.banner.word_files import load_languages
from proxy.banner.words import Words
from proxy.policy.durations import parse_duration


@pytest.mark.parametrize(
    ("code", "date", "lasts", "kinds"),
    [
        ("ar", "23 نوفمبر 2026", "13 شهرًا", "3 أنواع من ملفات تعريف الارتباط"),
        ("de", "23. November 2026", "13 Monate", "3 Arten von Cookies"),
        ("es", "23 de noviembre de 2026", "13 meses", "3 tipos de cookies"),
        ("pl", "23 listopada 2026", "13 miesięcy", "3 rodzaje plików"),
        ("zz", "23 November 2026", "13 months", "3 kinds of cookie"),
    ],
)
def test_dates_durations_and_plurals_are_those_of_the_language(tmp_path, code, date, lasts, kinds):
    forms = "{ one: 1 rodzaj, few: '{count} rodzaje plików', many: '{count} rodzajów plików' }"
    (tmp_path / "pl.yaml").write_text(f"provider: {{ cookies: {forms} }}\n")
    (tmp_path / "zz.yaml").write_text("banner: { title: Zz }\n")
    words = load_languages(tmp_path)[code]

    assert words.date(1_795_435_500) == date
    assert words.duration(parse_duration("13 months")) == lasts
    assert str(words.count("provider.cookies", 3)) == kinds


@pytest.mark.parametrize(
    ("number", "category"),
    [(0, "zero"), (1, "one"), (2, "two"), (103, "few"), (311, "many"), (1200, "other")],
)
def test_a_number_has_the_plural_form_of_the_language_however_large_it_is(number, category):
    words = Words("ar", {f"x.{category}": "{count} fits", "x.other": "other"}, plurals=formats("ar")[1])

    assert str(words.count("x", number)) == ("other" if category == "other" else f"{number} fits")


@pytest.mark.parametrize(
    ("code", "date", "time"),
    [
        ("en", "{day} {month} {year}", "{padded_hour}:{minute} UTC"),
        ("de", "{day}. {month} {year}", "{padded_hour}:{minute} UTC"),
        ("es", "{day} de {month} de {year}", "{hour}:{minute} UTC"),
    ],
)
def test_patterns_have_our_fields_and_no_letter_of_cldrs(code, date, time):
    words, _ = formats(code)

    assert (words["grammar.date"], words["grammar.time"]) == (date, time)


def test_months_lists_and_the_languages_own_name_are_words():
    words, _ = formats("fr")

    assert (words["grammar.month.1"], words["grammar.month.12"]) == ("janvier", "décembre")
    assert (words["grammar.comma"], words["grammar.and"]) == ("{before}, {last}", "{before} et {last}")
    assert (words["language"], words["direction"], formats("ar")[0]["direction"]) == (
        "Français",
        "ltr",
        "rtl",
    )


def test_each_unit_has_a_text_for_each_number_of_things_with_its_place():
    words, plurals = formats("en")

    assert words["table.day.one"] == "{n} day"
    assert words["table.minute.other"] == "{n} min"
    assert {key.split(".")[1] for key in words if key.startswith("table.")} == set(UNITS)
    assert plurals[:4] == formats("en-GB")[1][:4]
    assert plurals[1] != plurals[2] == plurals[0]


@pytest.mark.parametrize(("code", "like"), [("fr-zz", "fr"), ("xx-fr", "xx"), ("", "")])
def test_a_region_that_nobody_knows_is_left_out_and_a_language_is_english(code, like):
    words = formats(code)[0]

    assert words["grammar.month.1"] == ("janvier" if like == "fr" else "January")
    assert ("language" in words) is (like == "fr")
