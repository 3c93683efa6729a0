"""Whose the functions are that pages call."""

import pytest

from proxy.seen.call_names import caller, catalogue_caller, unspoken
from proxy.seen.declaration import Whose, declaration
from proxy.seen.names import Kind
from tests.policy.rules import policy_of
from tests.seen.test_suggestions import SITE


@pytest.mark.parametrize(
    ("name", "provider"),
    [
        ("fbq", "meta-pixel"),
        ("ttq", "tiktok-pixel"),
        ("_paq", "matomo-cloud"),
        ("lintrk", "linkedin-insight"),
        ("_uxa", "contentsquare"),
        ("PageView", ""),
        ("bat", ""),
        ("rows", ""),
    ],
)
def test_the_catalogue_knows_functions_by_stand_ins_words_and_snippets(name, provider):
    assert catalogue_caller(name) == provider


@pytest.mark.parametrize(
    ("tags", "name"),
    [
        ("- { text: { any: [_acmeq, acme.example] }, purpose: performance }", "_acmeq"),
        ("- { text: [window.acme], purpose: performance }", "acme"),
        ("- { from: acme.example, purpose: performance, stand_in: { acmeApi.load: nothing } }", "acmeApi"),
        ("- { from: connect.facebook.net, purpose: performance }", "fbq"),
    ],
)
def test_a_rule_speaks_of_the_functions_that_it_names(tags, name):
    policy = policy_of(tags=tags)

    assert caller(name, policy) == "acme"
    assert not caller("otherq", policy)


def test_a_function_of_a_declared_provider_is_declared_and_no_other():
    assert declaration(Kind.CALL, "dataLayer", SITE.rules, SITE.cookies).id == "google"
    assert declaration(Kind.CALL, "fbq", SITE.rules, SITE.cookies).whose is Whose.NOBODY


def test_functions_that_no_rule_speaks_of_are_the_rest_of_the_catalogue():
    names = unspoken(policy_of(tags="- { from: connect.facebook.net, purpose: performance }"))

    assert {"ttq", "_paq", "lintrk"} <= set(names)
    assert not {"fbq", "analytics"} & set(names)
