import pytest

from tools.architecture import mermaid, reduced


def test_an_arrow_that_follows_from_two_others_is_left_out():
    edges = {"a": {"b", "c", "d"}, "b": {"c"}, "c": {"d"}, "d": set()}

    assert reduced(edges) == {"a": {"b"}, "b": {"c"}, "c": {"d"}, "d": set()}


def test_two_ways_of_equal_length_both_stay():
    edges = {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}

    assert reduced(edges) == edges


def test_nodes_that_import_each_other_cannot_be_drawn():
    with pytest.raises(ValueError, match="in a circle: b -> a -> b"):
        reduced({"a": {"b"}, "b": {"a"}})


def test_the_same_imports_give_the_same_picture_whatever_their_order():
    one = mermaid({"a": {"c", "b"}, "b": set(), "c": set()}, ["b", "elsewhere"])

    assert one == mermaid({"a": {"b", "c"}, "b": set(), "c": set()}, ["b"])
    assert '  a_["a"]\n  b_["b"]\n  c_["c"]\n  a_ --> b_\n  a_ --> c_' in one
    assert "class b_ pure" in one
