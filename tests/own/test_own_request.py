"""A request for an own address knows its visitor's decision, language, and what its client reads."""

import pytest

from proxy.consent.decision import Ask
from proxy.own.own_request import OwnRequest
from tests.support.heads import SITE
from tests.support.visits import request


def own(query: bytes = b"", *headers) -> OwnRequest:
    return OwnRequest(SITE, request(b"/.consent/" + query, *headers), None)


def test_it_has_the_decision_of_its_visitor():
    asked = own()

    assert (asked.decision.ask, asked.reading.answer) == (Ask.FIRST, None)
    assert (asked.site, asked.request.path) == (SITE, b"/.consent/")


@pytest.mark.parametrize(
    ("query", "accept", "code"),
    [
        (b"", None, "en"), (b"", b"fr;q=0.5, de", "de"), (b"?language=fr", b"de", "fr"), (b"?a=1&language=it&b=2", None, "it"), (b"?language=fr-CA", b"de", "fr"), (b"?xlanguage=fr", b"de", "de"),
        (b"?language=x", b"de", "de"), (b"?language=", b"de", "de"), (b"?language=qq", b"de", "de"),
    ],
)  # fmt: skip
def test_the_language_is_the_pages_own_else_the_browsers(query, accept, code):
    headers = [(b"Accept-Language", accept)] if accept else []

    assert own(query, *headers).words.code == code


@pytest.mark.parametrize(("accept", "json"), [(b"application/json", True), (b"text/html, application/json;q=0.5", True), (b"text/html", False), (None, False)])  # fmt: skip
def test_json_is_for_who_accepts_it(accept, json):
    assert own(b"", *([(b"Accept", accept)] if accept else [])).wants_json is json
