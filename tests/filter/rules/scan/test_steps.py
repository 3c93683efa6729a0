"""A step skips text and markup that no rule can touch, and stops at the first tag that one may."""

import pytest

from proxy.filter.rules.interests import Interests
from proxy.filter.rules.scan.steps import body_step, head_step

INTERESTS = Interests({"amp-x"}, {"onclick"}, {"bad"}, {"ugly"})
BODY = body_step(INTERESTS)
HEAD = head_step(INTERESTS)


def stops_at(page: bytes, step=BODY) -> bytes | None:
    return step.match(page)[1]


@pytest.mark.parametrize(
    "page",
    [
        b"text", b"a < b <3 </>", b"<!-- <img src=x> -->", b"<?php>", b"<!doctype html>", b"<p class='a b'>", b"</p>", b"</bodyx>", b"</P\n>", b"<P Title = x>",
        b"<title>a > b</title>", b"<TITLE>x</Title>", b'<p style="color:red">', b"<input name=q>", b"<h1/>",
        b'<svg viewBox="0 0 1 1"><path d="M0"/><g class="x"><title>t</title></g></svg>',
    ],
)  # fmt: skip
def test_in_the_body_what_no_rule_can_touch_is_skipped(page):
    match = BODY.match(page + b"<img src=x>")

    assert match[1] == b"<img src=x>"
    assert match.end() == len(page) + 11


@pytest.mark.parametrize(
    "tag",
    [
        b"<img src=x>", b"<amp-x>", b"<AMP-X a>", b"<p onclick=x>", b'<p class="ugly">', b"<p class=ugly>", b'<p id="bad">', b'<p style="background:url(x)">', b'<p style="a\\62">', b"</body>", b"</BODY >", b"<body>",
        b"<script>", b"<style>", b"<base href=x>", b"<p ping=x>", b"<p background=x>", b"<svg onclick=x>", b"<math>", b"<noscript>", b"<input src=x>", b"<textarea>", b"<title lang=x>",
    ],
)  # fmt: skip
def test_in_the_body_it_stops_at_what_a_rule_may_touch(tag):
    assert stops_at(b"<p>text</p>" + tag + b"<img src=y>") == tag


@pytest.mark.parametrize("inner", [b"<image href=x />", b"<a href=x></a>", b"<g onclick=x></g>", b"<style></style>", b"<foreignObject></foreignObject>"])  # fmt: skip
def test_a_drawing_with_anything_but_plain_shapes_is_stopped_at(inner):
    assert stops_at(b"<svg width=1><path/>" + inner + b"</svg>") == b"<svg width=1>"


def test_a_drawing_is_stopped_at_where_a_rule_speaks_of_its_shapes():
    drawing = b"<svg><path></path></svg>"

    assert stops_at(drawing) is None
    assert stops_at(drawing, body_step(Interests(elements={"path"}))) == b"<svg>"
    assert stops_at(drawing, body_step(Interests(elements={"svg"}))) == b"<svg>"


def test_markup_that_is_not_complete_is_left_for_later():
    for cut in (b"<p class=", b"<!-- x", b"</p", b"<svg><path/>", b"<title>x"):
        match = BODY.match(b"text" + cut)

        assert match[1] in (None, b"<svg>", b"<title>"), cut


@pytest.mark.parametrize(
    "page",
    [b" \n", b"<!-- x -->", b'<meta charset="utf-8">', b"<meta name=a content='x'>", b"<title>t</title>", b"</title>", b"</p>", b"<!x>", b"</script >"],
)  # fmt: skip
def test_in_the_head_what_loads_nothing_and_ends_nothing_is_skipped(page):
    assert stops_at(page + b"<link href=x>", HEAD) == b"<link href=x>"


@pytest.mark.parametrize(
    "tag",
    [b"<link href=x>", b"<script>", b"<base href=x>", b"</body>", b"</HTML>", b"</br>", b"</template>", b"<p>", b"<meta http-equiv=refresh content=x>", b"<style>", b"<body>"],
)  # fmt: skip
def test_in_the_head_it_stops_at_what_loads_or_ends_it(tag):
    match = HEAD.match(b"<meta charset=x>" + tag)

    assert match[1] == tag
    assert match[2] == tag.strip(b"<>").split()[0]


def test_in_the_head_text_ends_the_step_and_rules_about_meta_are_heeded():
    assert HEAD.match(b"\n text<link>").end() == 2
    assert stops_at(b"<meta name=x>", head_step(Interests(elements={"meta"}))) == b"<meta name=x>"
