"""What becomes different under new rules: for the subjects of the tests of both files, and for pages."""

from proxy.filter.changed_outcomes import ChangedOutcome, changed_outcomes, changed_page
from tests.policy.rules import policy_of

HELD = policy_of(
    tags="- { from: stats.example, purpose: performance }",
    tests="""
- it: holds
  html: <img src="https://stats.example/p">
  expect: { refused: hold }
- it: keeps
  html: <p>
  expect: { refused: keep }
""",
)
FREED = policy_of(tags="- { from: stats.example, purpose: necessary }")
PAGE = b'<p>same</p>\n<img src="https://stats.example/p">\n'


def test_what_neither_changes_is_not_told():
    assert changed_outcomes(HELD, HELD) == ()
    assert list(changed_page(HELD, HELD, PAGE, "index.html")) == []


def test_a_subject_of_either_file_is_tried_under_both_and_told_once():
    [one] = changed_outcomes(HELD, FREED)
    [other] = changed_outcomes(FREED, HELD)

    assert str(one) == 'html <img src="https://stats.example/p">: hold, now keep'
    assert (one.freed, other.freed) == (True, False)
    assert (other.before, other.after) == ("keep", "hold")


def test_freed_is_what_was_refused_and_passes_now_be_it_with_a_shorter_life():
    ways = [("drop", "cap to 13 months"), ("hold", "replace"), ("cap to 1 day", "keep"), ("keep", "drop")]

    assert [ChangedOutcome("cookie", "a=1", *way).freed for way in ways] == [True, False, False, False]


def test_a_page_is_told_for_each_visitor_who_gets_it_differently():
    [(visitor, lines)] = changed_page(HELD, FREED, PAGE, "index.html")

    assert visitor == "refused"
    assert lines[:2] == ["--- index.html (refused), old rules", "+++ index.html (refused), new rules"]
    assert [line[:1] for line in lines[2:]] == ["@", "-", "+"]
    assert lines[-1] == '+<img src="https://stats.example/p">'


def test_who_accepted_gets_the_page_of_who_granted_all():
    asked = policy_of(tags="- { from: stats.example, purpose: [functional, performance] }")
    gone = policy_of(tags="- { from: other.example, purpose: performance }")

    assert [visitor for visitor, _ in changed_page(asked, gone, PAGE, "p")] == ["refused", "accepted"]
