"""The step stops at what a rule can touch and swallows the rest, whole or not at all."""

import re

import pytest

from proxy.filter.patterns import Glob, HostGlob, literal_suffix, stem
from proxy.filter.rules.compiled import WordPattern
from proxy.filter.rules.scan.steps import Interests, body_step
from proxy.filter.syntax.tokens import any_word, other_than

STEP = body_step(Interests({"amp-x"}, {"onclick"}, {"bad", "glob-*"}, {"ugly", "w-*"}))


@pytest.mark.parametrize(
    "tag",
    [
        b"<script>", b"<IMG src=x>", b"<p onclick=x>", b"<p ONCLICK='x'>", b'<p class="a ugly b">', b"<p class='w-1'>", b"<p class=ugly>", b'<p class="&#117;gly">',
        b'<p id="bad">', b"<p id='glob-1'>", b'<p style="a:url(x)">', b"<p style=x>", b"<a ping=x>", b"<td background=x>", b"<div data-src=x>", b"<amp-x>", b"<svg/>",
        b"<body>", b"</body>", b"</BODY x='>'>", b"<p a=1 style='u('>", b"<textarea>", b"<p/onclick=x>",
    ],
)  # fmt: skip
def test_the_step_stops_at_this(tag):
    match = STEP.match(b"text <b>" + tag + b" more")

    assert match[1] == tag


@pytest.mark.parametrize(
    "tag",
    [
        b"<p>", b"<p a='>' b=\">\" c>", b"<p onclicks=x>", b'<p class="ugly-not b">', b'<p class="">', b'<p id="badge">', b'<p style="color:red">', b"</script>", b"</p a='>'>",
        b"<!-- <img> -->", b"<!---->", b"<!-->", b"<!doctype html>", b"<?x <img ?>", b"</ img>", b"</>", b"< img", b"<svg><path d=''/><g><title>x</title></g></svg>", b"<bodyx>", b"</bodyx>",
        b"<title>x</title>", b"<p =x>", b"<a href=//stats.example/>",
    ],
)  # fmt: skip
def test_the_step_swallows_this(tag):
    match = STEP.match(b"text <b>" + tag + b" more")

    assert match[1] is None
    assert match.end() == len(tag) + 13


@pytest.mark.parametrize(
    "tag", [b"<p a='", b"<img src=x", b"<!-- x", b"<!", b"<", b"</p", b"<svg><path d=", b"<p a"]
)
def test_the_step_waits_for_the_rest_of_this(tag):
    match = STEP.match(b"text" + tag)

    assert match[1] is None or tag.startswith(b"<svg")
    assert match.end() <= 4 + len(b"<svg>")


def test_a_pattern_of_words_is_one_of_no_others():
    words = ["a", "ab", "abc", "x-y", "on"]
    one = re.compile(any_word(words))
    other = re.compile(other_than(words, end=rb"\b", more=rb"[a-z-]", first=rb"[a-z]"))

    for word in words:
        assert one.fullmatch(word.upper().encode())
        assert not other.fullmatch(word.encode())
    for word in ("b", "abcd", "x-", "only"):
        assert not one.fullmatch(word.encode())
        assert other.fullmatch(word.encode())


@pytest.mark.parametrize(
    ("glob", "yes", "no"),
    [
        ("a*", ["a", "ab"], ["ba", ""]),
        ("*a", ["a", "ba"], ["ab"]),
        ("a*b*c", ["abc", "axbxc", "abbc"], ["acb", "ab", "ac"]),
        ("*", ["", "x"], []),
        ("ab", ["ab"], ["abc"]),
        ("a*a", ["aa", "aba"], ["a"]),
    ],
)
def test_a_glob_describes_the_whole_text(glob, yes, no):
    assert all(Glob.of(glob).matches(text) for text in yes)
    assert not any(Glob.of(glob).matches(text) for text in no)


def test_a_host_glob_stays_within_its_label():
    track = HostGlob.of("track*.hub.example")

    assert track.matches("track.hub.example")
    assert track.matches("x.track-eu1.hub.example")
    assert not track.matches("track.evil.example")
    assert not track.matches("track.x.hub.example")
    assert not track.matches("hub.example")
    assert literal_suffix("track*.hub.example") == "hub.example"
    assert stem(Glob.of("*/gtm.js?id=*")) == "/gtm.js?id="
    assert stem(Glob.of("*/*")) is None


def test_words_are_found_whether_few_or_many():
    few, many = (
        WordPattern(["ab", "abc", "x"]),
        WordPattern(["ab", "abc", "x"] + [f"w{n}" for n in range(50)]),
    )

    for text in (b"", b"ab", b"xabc", b"nothing", b"w4 w40"):
        assert few.within(text) == many.within(text) & {b"ab", b"abc", b"x"}
    assert many.within(b"w40") == {b"w4", b"w40"}
