"""Attributes are what a browser makes of a start tag."""

import pytest

from proxy.filter.syntax import attributes
from proxy.filter.syntax.attributes import (
    attribute_value,
    attributes_of,
    escaped,
    is_inert,
    name_spans,
    tag_name,
    values,
)
from tests.filter.hostile import backtracks


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"<a b=\"c\" d='e' f=g h>", {"b": "c", "d": "e", "f": "g", "h": ""}),
        (b"<a B=1 b=2>", {"b": "1"}),
        (b"<a/b=c/ d / e=f/>", {"b": "c/", "d": "", "e": "f/"}),
        (b"<a b = 'c>' \n\td>", {"b": "c>", "d": ""}),
        (b"<a =b c>", {"=b": "", "c": ""}),
        (b"<a b=>", {"b": ""}),
        (b'<a b=""c>', {"b": "", "c": ""}),
        (b"<a b=c'd>", {"b": "c'd"}),
        (b"<a>", {}),
        (b"<a \xff=\xfe>", {"\udcff": "\udcfe"}),
    ],
)
def test_the_first_of_a_name_counts(raw, found):
    assert values(raw) == found
    firsts = {}
    for attribute in attributes_of(raw):
        firsts.setdefault(attribute.name, attribute.value)
    assert firsts == found


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"a&amp;b", "a&b"),
        (b"a&ampb", "a&ampb"),
        (b"a&amp=b", "a&amp=b"),
        (b"a&amp", "a&"),
        (b"&#47;&#x2F;&#X2f", "///"),
        (b"&#x80;", "\u20ac"),
        (b"&#0;&#xD800;&#x110000;", "\ufffd\ufffd\ufffd"),
        (b"&#" + b"9" * 5_000 + b";", "\ufffd"),
        (b"&period;&notin;&unknown;", ".\u2209&unknown;"),
        (b"& &; &# &#x", "& &; &# &#x"),
    ],
)
def test_references_are_resolved_as_in_attributes(raw, text):
    assert attribute_value(raw) == text


def test_places_are_those_of_every_double():
    raw = b"<img src=1 SRC='2' alt>"

    assert [raw[a:b] for a, b in name_spans(raw, {"src"}, len(b"<img"))] == [b"src", b"SRC"]
    assert tag_name(b"<IMG/x>") == b"img"


def test_what_is_escaped_reads_as_before():
    text = "a\"b'c<d>&amp;\u20ac\udcff"

    assert attribute_value(escaped(text)) == text


@pytest.mark.parametrize(
    "type_",
    [
        "application/json",
        "application/ld+json",
        "application/json; charset=utf-8",
        "text/x-handlebars-template",
        "text/html ;x",
        "text/vnd.graphviz",
        "math/tex",
        "math/tex; mode=display",
        'math/tex;\nx-y="1"',
        "math/asciimath \t; x",
        "x-shader/x-vertex",
    ],
)
def test_data_and_templates_are_no_scripts(type_):
    assert is_inert(type_)


@pytest.mark.parametrize(
    "type_",
    [
        "",
        "module",
        "text/javascript",
        "text/jsonp",
        "x/json/y",
        "jsonx",
        "math/",
        "math/;x",
        "math/tex!",
        "text/x",
        "x-shader/",
    ],
)
def test_whatever_may_run_is_judged(type_):
    assert not is_inert(type_)


def test_a_type_is_read_once_however_it_ends():
    assert not backtracks(attributes._INERT)
