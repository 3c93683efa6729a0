"""Where svg and math begin and end, step by step as the tree builder of HTML has them (13.2.6.5)."""

import pytest

from proxy.errors import Unreadable
from proxy.filter.syntax.foreign_content import _MAX_DEPTH, Foreign, ForeignKind
from proxy.filter.syntax.tokens import EVERY, FOREIGN


def read(markup: bytes) -> tuple[Foreign, list[bool]]:
    """Return the open levels behind that markup, and of each start tag whether it made an HTML element."""
    foreign, html, at = Foreign(), [], 0
    while match := (FOREIGN if foreign.is_foreign else EVERY).match(markup, at):
        if match[1] is None:
            return foreign, html
        if not match[2]:
            html.append(foreign.start(match[3].lower(), match[1]))
        elif foreign.levels:
            foreign.end(match[3].lower())
        at = match.end()
    raise AssertionError(markup)


@pytest.mark.parametrize(
    ("markup", "kinds"),
    [
        (b"<p>", ""), (b"<svg>", "SVG"), (b"<math>", "MATH"), (b"<svg/>", ""), (b"<svg></svg>", ""), (b"<svg><g>", "SVG"), (b"<svg><g></svg>", ""), (b"<svg><svg></svg>", "SVG"),
        (b"<svg><foreignObject>", "SVG HTML"), (b"<svg><desc><p>", "SVG HTML"), (b"<svg><title></title>", "SVG"), (b"<svg><foreignObject/>", "SVG"), (b"<svg><foreignObject><svg>", "SVG HTML SVG"),
        (b"<svg><foreignObject><p></svg>", "SVG HTML"), (b"<svg><foreignObject></svg>", ""), (b"<svg><foreignObject><p></p></foreignObject>", "SVG"),
        (b"<math><mi>", "MATH MATH_TEXT"), (b"<math><mi><mglyph>", "MATH MATH_TEXT MATH"), (b"<math><mi><mglyph></mi>", "MATH"), (b"<math><annotation-xml>", "MATH ANNOTATION"),
        (b"<math><annotation-xml encoding='text/HTML'>", "MATH HTML"), (b"<math><annotation-xml encoding='application/xhtml+xml'>", "MATH HTML"), (b"<math><annotation-xml><svg>", "MATH ANNOTATION SVG"),
        (b"<math><annotation-xml><b>", ""), (b"<svg><p>", ""), (b"<svg><g></p>", ""), (b"<svg><g></br>", ""), (b"<svg><foreignObject><svg><p>", "SVG HTML"), (b"<svg><font>", "SVG"), (b"<svg><font color=x>", ""),
        (b"<svg><font FACE=x>", ""), (b"<svg><font size=x>", ""), (b"<svg></nothing>", "SVG"), (b"<svg></g>", "SVG"), (b"<math><mi/>", "MATH"), (b"<svg><mi>", "SVG"), (b"<math><foreignObject>", "MATH"),
    ],
)  # fmt: skip
def test_the_open_levels_are_those_of_the_tree(markup, kinds):
    foreign, _ = read(markup)

    assert [level.kind for level in foreign.levels] == [ForeignKind[kind] for kind in kinds.split()]
    assert foreign.is_foreign == kinds.endswith(("SVG", "MATH"))


@pytest.mark.parametrize(
    ("markup", "html"),
    [
        (b"<p><svg><g><desc><i><svg>", [True, False, False, False, True, False]),
        (b"<svg><g><p><p>", [False, False, True, True]),
        (b"<math><mi><b><mglyph>", [False, False, True, False]),
        (b"<math><annotation-xml><mo><i>", [False, False, False, True]),
    ],
)
def test_each_start_tag_makes_an_element_of_its_namespace(markup, html):
    assert read(markup)[1] == html


def test_inside_a_point_an_open_paragraph_is_closed_by_what_html_says_closes_it():
    foreign, _ = read(b"<svg><desc><p><b><div>")

    assert foreign.levels[-1].names == [b"div"]
    assert read(b"<svg><desc><p><b>")[0].levels[-1].names == [b"p", b"b"]
    assert read(b"<svg><desc><br><img>")[0].levels[-1].names == []


def test_an_end_tag_is_looked_for_in_few_levels_and_never_behind_an_open_html_element():
    assert len(read(b"<svg><desc><svg><desc><i></svg>")[0].levels) == 4
    assert len(read(b"<svg><desc><svg><desc></svg>")[0].levels) == 2


def test_what_is_nested_deeper_than_it_is_followed_is_refused_and_breadth_is_not():
    read(b"<svg>" + b"<g></g>" * 2 * _MAX_DEPTH)
    with pytest.raises(Unreadable):
        read(b"<svg>" + b"<g>" * 2 * _MAX_DEPTH)
