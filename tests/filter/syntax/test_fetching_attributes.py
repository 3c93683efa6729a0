"""Which attributes hold what a browser fetches, asked of elements as the HTML standard and lazy loaders have them."""

import pytest

from proxy.filter.syntax import fetching_attributes as known
from proxy.filter.syntax.fetching_attributes import (
    ValueKind,
    address_attributes,
    navigating_attributes,
    unfetched_attributes,
)


@pytest.mark.parametrize(
    ("element", "attribute", "kind"),
    [
        ("script", "src", ValueKind.ADDRESS), ("script", "xlink:href", ValueKind.ADDRESS), ("object", "data", ValueKind.ADDRESS), ("video", "poster", ValueKind.ADDRESS),
        ("link", "href", ValueKind.ADDRESS), ("link", "imagesrcset", ValueKind.SET), ("img", "srcset", ValueKind.SET), ("img", "data-src", ValueKind.ADDRESS), ("img", "data-srcset", ValueKind.SET),
        ("iframe", "data-lazy-src", ValueKind.ADDRESS), ("img", "data-href", ValueKind.NAMED), ("td", "background", ValueKind.ADDRESS), ("a", "ping", ValueKind.LIST),
        ("div", "data-src", ValueKind.NAMED), ("div", "data-bg", ValueKind.NAMED), ("div", "srcset", ValueKind.NAMED_SET), ("html", "manifest", ValueKind.ADDRESS), ("amp-analytics", "config", ValueKind.ADDRESS),
    ],
)  # fmt: skip
def test_an_attribute_holds_an_address_of_its_kind(element, attribute, kind):
    assert address_attributes(element)[attribute] is kind


@pytest.mark.parametrize(
    ("element", "attribute"),
    [("a", "href"), ("img", "href"), ("link", "src"), ("div", "src"), ("form", "action"), ("img", "alt"), ("iframe", "srcdoc"), ("audio", "poster")],
)  # fmt: skip
def test_what_is_not_fetched_there_is_no_address(element, attribute):
    assert attribute not in address_attributes(element)


def test_what_only_a_script_reads_comes_behind_what_a_browser_fetches():
    fetched = [ValueKind.ADDRESS, ValueKind.SET, ValueKind.LIST]

    assert [kind for kind in ValueKind if kind < ValueKind.NAMED] == fetched


def test_a_form_that_a_rule_names_is_judged_by_where_it_leads_too():
    assert navigating_attributes()["action"] is navigating_attributes()["formaction"] is ValueKind.NAMED
    assert navigating_attributes().keys() - {"action", "formaction"} == address_attributes("form").keys()


def test_a_link_that_fetches_nothing_has_no_address_but_those_of_any_element():
    assert "href" not in unfetched_attributes()
    assert "srcset" not in unfetched_attributes()
    assert unfetched_attributes()["ping"] is ValueKind.LIST


def test_the_scanner_stops_at_every_element_that_loads_except_where_its_attribute_tells():
    assert known.LOADING_ATTRIBUTES.keys() - known.ALWAYS_READ == {"input", "use"}
    assert {"base", "meta", "body", "svg", "math", "noscript"} <= known.ALWAYS_READ


def test_rel_words_that_connect_are_told_from_those_that_only_name():
    fetch = {"preload", "preconnect", "dns-prefetch", "stylesheet", "icon", "prefetch", "manifest"}

    assert fetch <= known.FETCHING_LINKS
    assert known.FETCHING_LINKS.isdisjoint({"canonical", "alternate", "next", "author", "nofollow"})
    assert known.WARNING_LINKS <= known.FETCHING_LINKS
