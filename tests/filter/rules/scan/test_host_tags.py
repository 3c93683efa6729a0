"""Tags in common spelling that load one absolute address are told by element and host alone."""

import pytest

from proxy.filter.rules.interests import Interests
from proxy.filter.rules.scan.host_tags import host_tag_patterns

PATTERNS = host_tag_patterns(Interests(classes={"ugly"}, ids={"bad"}))


def read(tag: str):
    return PATTERNS[tag[1:3].encode()].match(tag.encode())


def host(tag: str) -> str | None:
    found = read(tag)
    return found and found["host"].decode()


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="https://stats.example/p.gif">', "<img alt='' src='//stats.example?x=1' width=\"1\" />", '<img src="http://stats.example">', '<img src="//stats.example#f">',
        '<source src="//stats.example/a">', '<iframe src="https://stats.example/" class="fine" id="good">', '<script async src="https://stats.example/a.js?b=1&amp;c=2&d=3">',
        '<link rel="stylesheet" href="https://stats.example/a.css">',
    ],
)  # fmt: skip
def test_the_host_of_its_one_address_is_captured(tag):
    assert host(tag) == "stats.example"
    assert tag[read(tag).start("asks") :].startswith(("src=", "href="))


@pytest.mark.parametrize(
    "tag",
    [
        '<img src="/relative">', '<img src="https://Stats.example/">', '<img src="https://stats.example:81/">', '<img src="https://u@stats.example/">', '<img src="//stats.example\\x">',
        '<img src="//localhost/">', '<img src="//stats.example/&#x61;">', '<img src="//stats.example/a\tb">', "<img src=//stats.example/>", '<img SRC="//stats.example/">',
        '<img src="//stats.example/" class="ugly">', '<img src="//stats.example/" id="bad">', '<img src="//stats.example/" data-src="//other.example/">', '<img srcset="/a" src="//stats.example/">',
        '<iframe src="//stats.example/" srcdoc="x">', '<img src="//stats.example/" src="//other.example/">', '<img src="//stats.example/"> ', "<img src=\"//stats.example/'>", '<img src="//stats.example/it\'s">', '<script src="//stats.example/" type="text/plain">',
    ],
)  # fmt: skip
def test_any_other_spelling_and_any_second_address_is_left_to_the_judge(tag):
    assert read(tag) is None


@pytest.mark.parametrize(
    ("tag", "group", "value"),
    [
        ('<script type="module" src="//a.example/">', "type1", b"type"), ('<script src="//a.example/" type="module">', "type2", b"type"), ('<script src="//a.example/">', "type1", None),
        ('<link rel="icon" href="//a.example/">', "rel1", b"icon"), ("<link href='//a.example/' rel='icon next'>", "rel2", b"icon next"),
    ],
)  # fmt: skip
def test_what_decides_about_the_kind_of_tag_is_captured_on_either_side(tag, group, value):
    assert read(tag)[group] == value


def test_a_tag_or_attribute_that_rules_speak_of_has_no_pattern():
    assert sorted(PATTERNS) == [b"if", b"im", b"li", b"sc", b"so"]
    assert sorted(host_tag_patterns(Interests(elements={"img"}))) == [b"if", b"li", b"sc", b"so"]
    assert sorted(host_tag_patterns(Interests(attributes={"href"}))) == [b"if", b"im", b"sc", b"so"]
    assert sorted(host_tag_patterns(Interests(attributes={"type"}))) == [b"if", b"im", b"li", b"so"]
