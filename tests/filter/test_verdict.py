"""A verdict says what is done and by which rule, and is told apart by nothing else."""

from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.problems import Place

PLACE = Place("rules.yaml", 52, 9)


def test_only_keep_lets_the_bytes_pass_unchanged():
    assert [does for does in Does if Verdict(does).keeps] == [Does.KEEP]
    assert Verdict(Does.KEEP) == KEEP


def test_its_words_are_those_that_tests_in_rules_expect():
    expected = ["keep", "hold", "replace", "remove", "drop", "cap", "answer 204"]

    assert [does.value for does in Does] == expected


def test_it_prints_what_it_does_and_the_line_of_its_rule():
    assert str(Verdict(Does.HOLD, PLACE)) == "hold (rules.yaml:52)"
    assert str(Verdict(Does.ANSWER)) == "answer 204"


def test_the_note_is_printed_where_it_says_the_cap():
    assert str(Verdict(Does.CAP, PLACE, note="to 13 months")) == "cap to 13 months (rules.yaml:52)"
    assert str(Verdict(Does.DROP, PLACE, note="undeclared")) == "drop (rules.yaml:52)"


def test_two_that_differ_in_host_and_element_alone_are_equal():
    one = Verdict(Does.HOLD, PLACE, "acme", ("performance",), host="a.example", element="img")

    assert one == Verdict(Does.HOLD, PLACE, "acme", ("performance",), host="b.example", element="script")
    assert len({one, Verdict(Does.HOLD, PLACE, "acme", ("performance",))}) == 1
    assert one != Verdict(Does.HOLD, PLACE, "acme", ("functional",))
    assert one != Verdict(Does.HOLD, PLACE, "acme", ("performance",), presumed=True)


def test_one_is_made_without_interpreted_code_where_the_filter_is_compiled():
    """What dataclasses write is compiled from a string at run time, and stays interpreted."""
    written = getattr(Verdict.__init__, "__code__", None)

    assert written is None or written.co_filename != "<string>"


def test_two_that_differ_in_host_and_element_alone_are_one():
    one = Verdict(Does.HOLD, PLACE, "many", ("performance",), "a note")

    assert one.noted("a note", "many.example", "script") == one
    assert len({one, one.noted("a note", "many.example", "img"), one.noted("b", "many.example", "img")}) == 2
