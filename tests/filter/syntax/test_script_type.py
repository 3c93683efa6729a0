"""What a script is by its type: what browsers and lazy loaders run, and what nobody does."""

import pytest

from proxy.filter.syntax import script_type
from proxy.filter.syntax.script_type import is_inert
from tests.filter.hostile import backtracks


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
    assert not backtracks(script_type._INERT)
