"""vanilla-cookieconsent lists what was granted; a category with services counts by its services."""

import json

import pytest

from proxy.consent.tools.cookieconsent import read_cookieconsent
from proxy.consent.tools.tool_answer import Silence, ToolAnswer
from tests.consent.tool_cases import NOW, seconds

FIRST, LAST = "2026-10-01T09:30:00.000Z", "2026-10-15T09:30:00.000Z"


def read(**changes):
    table = {"categories": ["necessary", "analytics"], "services": {"analytics": []}, "consentTimestamp": FIRST, "lastConsentTimestamp": LAST} | changes  # fmt: skip
    return read_cookieconsent(
        {"cc_cookie": json.dumps({k: v for k, v in table.items() if v is not ...})}, NOW
    )


def test_it_is_of_the_last_answer_or_of_the_only_one():
    assert read() == ToolAnswer(frozenset({"necessary", "analytics"}), None, seconds("2026-10-15T09:30:00Z"))
    assert read(lastConsentTimestamp=...).at == seconds("2026-10-01T09:30:00Z")
    assert read_cookieconsent({}, NOW) is Silence.OPEN


def test_services_are_named_under_their_category_which_is_unclear_then():
    said = read(services={"analytics": ["matomo"], "media": ["youtube"], "ads": []})

    assert said.granted == {"necessary", "analytics/matomo", "media/youtube"}
    assert said.unclear == {"analytics"}
    assert (said.says("analytics"), said.says("analytics/matomo"), said.says("ads")) == (None, True, False)


@pytest.mark.parametrize(
    ("ends", "silent"),
    [((NOW - 1) * 1000, True), ((NOW + 1) * 1000, False), (True, False), ("soon", False), (..., False)],
)
def test_past_its_own_end_it_asks_again(ends, silent):
    assert (read(expirationTime=ends) is Silence.OPEN) is silent


@pytest.mark.parametrize(
    "changes",
    [
        {"categories": ...}, {"categories": "analytics"}, {"categories": [1]}, {"consentTimestamp": ...}, {"consentTimestamp": "soon"}, {"services": []}, {"services": {"analytics": "matomo"}},
        {"lastConsentTimestamp": "2026-09-01T00:00:00Z"}, {"lastConsentTimestamp": "2027-01-01T00:00:00Z"}, {"consentTimestamp": "2010-01-01T00:00:00Z", "lastConsentTimestamp": ...},
    ],
    ids=str,
)  # fmt: skip
def test_what_it_does_not_write_is_unreadable(changes):
    assert read(**changes) is Silence.UNREADABLE
