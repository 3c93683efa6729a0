"""Figures are the daily numbers added up: in all, or by what they are told apart by."""

from dataclasses import fields

import pytest

from proxy.consent.answer import How
from proxy.consent.decision import Ask
from proxy.records.days import ERASED, SHOWN, UNSTORED
from proxy.records.figures import (
    By,
    Figures,
    PurposeFigures,
    as_dict,
    by_site_name,
    day_name,
    figures,
    kinds,
    purposes,
)

DAY = 20_780


def number(measure: str, count: int = 1, *, day: int = DAY, site="callkom.io", language="fr", purpose=""):
    return {(day, site, language, measure, purpose): count}


@pytest.mark.parametrize(
    ("measure", "counted"),
    [
        (How.ACCEPT.value, {"accepted", "answered"}), (How.REFUSE.value, {"refused", "answered"}), (How.SAVE.value, {"custom", "answered"}), (How.PLACEHOLDER.value, {"custom", "answered"}),
        (How.WITHDRAW.value, {"withdrawn", "answered"}), (How.ONCE.value, {"once"}), ("again", {"answered_again"}), (ERASED, {"erased"}), (UNSTORED + "refuse", {"unstored"}),
        (SHOWN + Ask.FIRST.value, {"shown"}), (SHOWN + Ask.EXPIRED.value, {"shown", "asked_again"}), (SHOWN + Ask.NEW.value, {"shown", "asked_again"}), (SHOWN + Ask.SIGNAL.value, {"gpc"}),
        ("granted", set()), ("what a newer program counts", set()),
    ],
)  # fmt: skip
def test_a_measure_counts_for_its_figures_and_for_no_other(measure, counted):
    one = Figures()
    one.count(measure, 3)

    assert {name for name, count in as_dict(one).items() if count} == counted
    assert set(as_dict(one).values()) <= {0, 3}


def test_every_kind_of_answer_counts_for_something():
    for how in How:
        one = Figures()
        one.count(how.value, 1)

        assert one != Figures(), how


def test_figures_are_told_apart_by_day_site_or_language():
    numbers = (
        number("accept", 2)
        | number("refuse", 1, day=DAY + 1, site="app.callkom.io", language="en")
        | number("granted", 9, purpose="functional")
    )

    assert figures(numbers) == {"": Figures(answered=3, accepted=2, refused=1)}
    for by, names in (
        (By.DAY, ["2026-11-23", "2026-11-24"]),
        (By.SITE, ["app.callkom.io", "callkom.io"]),
        (By.LANGUAGE, ["en", "fr"]),
    ):
        found = figures(numbers, by)
        assert sorted(found) == names
        assert sorted(one.answered for one in found.values()) == [1, 2]
    assert figures({}) == {}


def test_the_share_of_a_purpose_is_of_those_who_answered_to_it():
    numbers = (
        number("granted", 2, purpose="functional")
        | number("refused", 1, purpose="functional")
        | number("withdrawn", 5, purpose="functional")
        | number("refused", 4, day=DAY + 1, purpose="performance")
        | number("accept", 7)
    )
    found = purposes(numbers)

    assert found == {"functional": PurposeFigures(2, 1, 5), "performance": PurposeFigures(0, 4, 0)}
    assert (found["functional"].share, found["performance"].share, PurposeFigures().share) == (
        0.6667,
        0.0,
        None,
    )


def test_kinds_name_each_kind_of_answer_also_where_there_was_none():
    found = kinds(number("accept", 2) | number("accept", 3, day=DAY + 1) | number("granted", 9, purpose="x"))

    assert found == {how.value: 5 if how is How.ACCEPT else 0 for how in How}


def test_a_day_is_written_as_it_is_in_utc():
    assert (day_name(0), day_name(DAY)) == ("1970-01-01", "2026-11-23")


def test_hosts_of_one_site_count_as_its_first():
    sites = [("callkom.io", "www.callkom.io"), ("app.callkom.io",)]
    numbers = (
        number("accept", 1)
        | number("accept", 2, site="www.callkom.io")
        | number("accept", 4, site="app.callkom.io")
        | number("accept", 8, site="gone.example")
    )

    def counted(only=None):
        return {key[1]: count for key, count in by_site_name(numbers, sites, only).items()}

    assert counted() == {"callkom.io": 3, "app.callkom.io": 4, "gone.example": 8}
    assert counted("www.callkom.io") == counted("callkom.io") == {"callkom.io": 3}
    assert counted("gone.example") == {"gone.example": 8}
    assert counted("never.example") == {}


def test_every_figure_has_its_name_in_the_dictionary():
    assert list(as_dict(Figures())) == [field.name for field in fields(Figures)]
