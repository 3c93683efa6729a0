"""On which lines of a page a report says that something stands."""

import pytest

from proxy.commands.explain_lines import as_words, tag_lines, text_lines

PAGE = """<!doctype html>
<!-- <script src="https://a.example/old.js"></script> -->
<p>See a.example, or <a href="https://a.example/">there</a>.</p>
<script>var u = "https://a.example/x"; var v = "//b.example/y";</script>
<script
  src="//A.example/s.js"></script>
<img src="https://a.example:8443/p.gif"><img src="https://a.example.org/p.gif">
<style>p { background: url(https://c.example/p.png) }</style>
<img src="https&#58;//d.example/p.gif">
"""


@pytest.mark.parametrize(
    ("tags", "lines"),
    [
        ([("script", "a.example")], [5]),
        ([("img", "a.example")], [7]),
        ([("script", "a.example"), ("img", "a.example")], [5, 7]),
        ([("frame", "a.example")], [5, 7]),
        ([("a", "a.example")], [3]),
        ([("style", "c.example")], [8]),
        ([("img", "d.example")], [9]),
        ([("script", "b.example")], [4]),
        ([("script", "")], []),
        ([("script", "elsewhere.example")], []),
    ],
)
def test_a_host_stands_where_the_tag_begins_that_loads_from_it(tags, lines):
    assert tag_lines(PAGE, tags) == lines


def test_a_text_stands_where_it_begins_and_a_page_of_one_line_needs_no_number():
    assert text_lines(PAGE, "var u") == [4]
    assert text_lines("<script>var u</script>\n", "var u") == []
    assert tag_lines('<img src="//a.example/">', [("img", "a.example")]) == []


def test_numbers_of_lines_are_said_in_words_and_no_more_than_five():
    assert [as_words([]), as_words([3]), as_words([3, 4])] == ["", " line 3", " lines 3, 4"]
    assert as_words([1, 2, 3, 4, 5, 6]) == " lines 1, 2, 3, 4, 5, ..."
