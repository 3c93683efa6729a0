"""YAML read as text, every word with its place; what YAML could hide is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.policy.yaml_source import MAX_BYTES, Listing, Mapping, Text, locate, read, spell
from proxy.problems import Place, Problem


def problems(text: str) -> list[str]:
    return [str(problem) for problem in read(text, "r.yaml")[1]]


@pytest.mark.parametrize(
    "word", ["on", "no", "yes", "null", "~", "1.10", "0x1F", "2026-11-01", "12:30:45", "1e3", "=", ".inf"]
)
def test_every_word_means_itself(word):
    node, found = read(f"key: {word}", "r.yaml")

    assert found == []
    assert node.plain() == {"key": word}


def test_keys_are_text_too():
    assert read("on: a\n1: b\n", "r.yaml")[0].plain() == {"on": "a", "1": "b"}


def test_every_node_knows_its_line_and_column():
    node, _ = read("a:\n  - b\n  - {c: d}\n", "r.yaml")

    assert isinstance(node, Mapping)
    assert node.key("a").place == Place("r.yaml", 1, 1)
    listing = node.value("a")
    assert isinstance(listing, Listing)
    assert listing.place == Place("r.yaml", 2, 3)
    assert listing.items[0] == Text(Place("r.yaml", 2, 5), "b")
    assert listing.items[1].value("c").place == Place("r.yaml", 3, 9)
    assert node.key("z") is None
    assert node.value("z") is None


def test_a_path_leads_to_the_deepest_node_there_is():
    node, _ = read("a:\n  - {b: c}\n", "r.yaml")

    found, steps = locate(node, ["a", 0, "b", "x"])

    assert found.plain() == "c"
    assert steps == ("a", 0, "b")
    assert spell(steps) == "a[0].b"
    assert locate(node, ["a", 7])[1] == ("a",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a: &x b",
            "r.yaml:1:4: '&x' is a YAML anchor, which is refused: write the value out wherever it is used",
        ),
        ("a: *x", "r.yaml:1:4: text that begins with '*' needs quotes: \"*x\" (YAML aliases are refused)"),
        (
            "a: !!python/object:os.system b",
            (
                "r.yaml:1:4: the YAML tag '!!python/object:os.system' is refused: everything here is text; "
                "quote what begins with '!'"
            ),
        ),
        (
            "a: !x [b]",
            "r.yaml:1:4: the YAML tag '!x' is refused: everything here is text; quote what begins with '!'",
        ),
        ("a: 1\nb: 2\na: 3", "r.yaml:3:1: the key 'a' is here twice: first in line 1; keep one of them"),
        ("? [a]\n: b", "r.yaml:1:3: this key is no text; a key is a word followed by ':'"),
        ("'': b", "r.yaml:1:1: this key is no text; a key is a word followed by ':'"),
        ("a: b\n---\nc: d", "r.yaml:2:1: a second document begins here ('---'); a file holds one"),
        ("", "r.yaml:1:1: the file is empty"),
        ("# nothing\n", "r.yaml:1:1: the file is empty"),
        ("a: \x07", "r.yaml:1:4: the character U+0007 may not stand in YAML"),
        ("a: b\nc: \ufffe", "r.yaml:2:4: the character U+FFFE may not stand in YAML"),
    ],
)
def test_what_yaml_could_hide_is_refused_with_its_place(text, message):
    assert problems(text) == [message]


def test_several_problems_of_one_file_are_all_told():
    assert len(problems("a: &x b\nc: *x\na: !t d\n")) == 4


def test_a_file_above_a_megabyte_is_not_read():
    node, found = read("a" * (MAX_BYTES + 1), "r.yaml")

    assert node is None
    assert [str(p) for p in found] == ["r.yaml:1:1: is larger than 1 MB; such a file is not read"]


def test_the_limit_counts_bytes_not_letters():
    assert read("é" * (MAX_BYTES // 2 + 1), "r.yaml")[0] is None


@pytest.mark.parametrize("text", ["[" * 100_000, "a: " + "{b: " * 30, "- " * 400_000])
def test_depth_is_refused_before_it_costs_anything(text):
    assert "is nested deeper than 20 levels" in problems(text)[-1]


def test_twenty_levels_are_read():
    assert problems("[" * 20 + "]" * 20) == []
    assert problems("[" * 21 + "]" * 21) == ["r.yaml:1:21: is nested deeper than 20 levels"]


def test_a_billion_laughs_end_at_the_first_anchor():
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [*{chr(97 + n)},*{chr(97 + n)}]\n" for n in range(9)
    )

    node, found = read(bomb, "r.yaml")

    assert len(found) == 28
    assert len(str(node.plain())) < 1000


@given(st.text(max_size=60))
def test_whatever_the_text_reading_ends_with_a_node_or_a_problem(text):
    node, found = read(text, "r.yaml")

    assert node is not None or found


@given(
    st.recursive(
        st.text(st.characters(codec="ascii", exclude_categories=["C"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc", min_size=1), inner),
        max_leaves=12,
    )
)
def test_what_yaml_writes_is_read_back_as_text(value):
    import yaml

    node, found = read(yaml.safe_dump({"top": value}, default_style='"'), "r.yaml")

    assert found == []
    assert node.plain() == {"top": value}


def test_a_place_names_file_line_and_column():
    assert str(Place("rules.yaml", 52, 9)) == "rules.yaml:52:9"
    assert Place("rules.yaml", 52, 9).rule == "rules.yaml:52"
    assert str(Problem(Place("rules.yaml", 52, 9), "is odd")) == "rules.yaml:52:9: is odd"


def test_a_key_that_is_indented_deeper_than_its_neighbours_is_told_at_its_place():
    assert problems("a:\n  name: x\n   tags:\n") == [
        "r.yaml:3:4: 'tags' is indented deeper than 'name' above, which has a value already: begin it in column 3"
    ]
    assert problems("- from: x\n    purpose: y\n") == [
        "r.yaml:2:5: 'purpose' is indented deeper than 'from' above, which has a value already: begin it in column 3"
    ]
