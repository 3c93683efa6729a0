"""What new rules change: which rules, who is asked again and why, what needs no consent any more."""

import pytest

from proxy.consent.answer import Answer
from proxy.consent.cookie import read_answers, write_answer
from proxy.consent.decision import Ask, decide
from proxy.errors import PolicyError
from proxy.policy.changes import asked_again, changes, runs_without_consent
from proxy.policy.load import load_policy
from proxy.policy.model import DAY
from proxy.policy.scope import scope_of
from tests.policy.rules import HEAD

KEYS = (b"k" * 32,)
NOW = 1_795_428_000

RULES = f"""{HEAD}providers:
  shop:
    name: Shop
    cookies: [{{ name: cart, domain: .example.com, purpose: necessary, lasts: Session, why: Basket }}]
  film:
    name: Film
    tags: [{{ from: film.org, purpose: functional }}]
  count:
    name: Count
    tags: [{{ from: count.org, purpose: performance }}, {{ from: pixel.count.org, purpose: performance }}]
"""
FILM, COUNT = "  film:\n", "  count:\n"


def rules(*edits):
    text = RULES
    for old, new in edits:
        assert old in text
        text = text.replace(old, new, 1)
    return load_policy(text)


def ask(new, *granted):
    """Return whether a visitor who answered under RULES is asked under the new ones, and what runs."""
    old = scope_of(rules())
    answer = Answer("v", NOW - DAY, frozenset(granted), old, "1")
    value = write_answer(answer, KEYS, old)
    scope = scope_of(new)
    read = read_answers([value], KEYS, scope, now=NOW).answer
    decision = decide(scope, read, now=NOW, ask_again_after=180 * DAY)
    return decision.ask, {f"{pair.provider} {pair.purpose}" for pair in decision.grants}


BOTH = {"film functional", "count performance"}


def test_a_typo_in_words_asks_nobody():
    new = rules(("name: Film", "name: Films"), ("why: Basket", "why: The basket"))

    assert asked_again(rules(), new) == ()
    assert [str(one) for one in changes(rules(), new)] == ["changed provider film: Film -> Films"]
    assert ask(new, "functional", "performance") == (Ask.NO, BOTH)


def test_a_renamed_key_asks_everybody_and_the_way_out_is_told():
    new = rules((FILM, "  movie:\n"))

    (why,) = asked_again(rules(), new)
    assert why.startswith("Everybody who answered is asked again: movie (Film) is new, for functional.")
    assert "say `was: film` in it, and nobody is asked" in why
    assert ask(new, "functional")[0] is Ask.NEW


def test_a_key_that_says_what_it_was_keeps_its_identity():
    new = rules((FILM, "  movie:\n    was: film\n"))

    assert asked_again(rules(), new) == ()
    assert changes(rules(), new) == ()
    assert ask(new, "functional", "performance") == (Ask.NO, {"movie functional", "count performance"})
    assert ask(new) == (Ask.NO, set())


def test_a_purpose_that_says_what_it_was_keeps_its_identity():
    edits = (("  functional: {", "  comfort: {"), ("purpose: functional", "purpose: comfort"))
    renamed = rules(*edits)
    named = rules(*edits, ("comfort: { basis: consent }", "comfort: { basis: consent, was: functional }"))

    assert "say `was: functional` in it" in asked_again(rules(), renamed)[0]
    assert ask(renamed, "functional")[0] is Ask.NEW
    assert asked_again(rules(), named) == ()
    assert changes(rules(), named) == ()
    assert ask(named, "functional") == (Ask.NO, {"film comfort"})


def test_both_can_be_renamed_at_once_and_a_long_scope_too():
    many = "".join(
        f"  p{n}: {{ name: P{n}, tags: [{{ from: p{n}.org, purpose: functional }}] }}\n" for n in range(120)
    )
    old = load_policy(RULES + many)
    new = load_policy((RULES + many).replace("  p7: {", "  q7: { was: p7,"))
    answer = Answer("v", NOW, frozenset({"functional"}), scope_of(old), "1")
    value = write_answer(answer, KEYS, scope_of(old))
    read = read_answers([value], KEYS, scope_of(new), now=NOW).answer

    assert read is not None
    assert scope_of(new).missing_from(read.scope).pairs == frozenset()


def test_a_provider_moved_to_another_purpose_asks_whom_it_concerns():
    new = rules(("from: film.org, purpose: functional", "from: film.org, purpose: performance"))
    moved = "Who agreed to performance is asked again: film (Film) moved there from functional."

    assert asked_again(rules(), new) == (
        f"{moved} Nothing of it runs for the others, and they are not asked.",
    )
    assert ask(new, "performance", "functional") == (Ask.NEW, {"count performance"})
    assert ask(new, "performance") == (Ask.NEW, {"count performance"})
    assert ask(new, "functional") == (Ask.NO, set())
    assert ask(new) == (Ask.NO, set())


def test_a_new_provider_asks_everybody_also_who_refused():
    new = rules((FILM, "  map: { name: Map, tags: [{ from: map.org, purpose: functional }] }\n" + FILM))

    assert asked_again(rules(), new) == (
        "Everybody who answered is asked again: map (Map) is new, for functional.",
    )
    assert ask(new) == (Ask.NEW, set())


def test_a_provider_with_one_more_purpose_asks_everybody():
    new = rules(
        ("{ from: pixel.count.org, purpose: performance }", "{ from: pixel.count.org, purpose: functional }")
    )

    assert asked_again(rules(), new) == (
        "Everybody who answered is asked again: count (Count) is now for functional as well.",
    )
    assert ask(new)[0] is Ask.NEW


def test_a_new_purpose_asks_everybody():
    new = rules(
        ("  performance: {", "  social: { basis: consent }\n  performance: {"),
        ("from: pixel.count.org, purpose: performance", "from: pixel.count.org, purpose: social"),
    )

    assert "the purpose social is new, with count (Count)" in asked_again(rules(), new)[0]


def test_what_goes_asks_nobody():
    assert asked_again(rules(), rules((", { from: pixel.count.org, purpose: performance }", ""))) == ()
    assert asked_again(rules(), load_policy(RULES[: RULES.index(COUNT)])) == ()


def test_rows_and_rules_that_come_go_or_change_are_named():
    new = rules(("lasts: Session", "lasts: 1 day"), ("from: film.org", "from: film.example.org"))

    assert [str(one) for one in changes(rules(), new)] == [
        "changed cookie cart on .example.com (shop): necessary, Session -> necessary, 1 day",
        "added tag from film.example.org (film): hold for functional",
        "removed tag from film.org (film)",
    ]


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (
            ("from: film.org, purpose: functional", "from: film.org, purpose: necessary"),
            "from film.org loads for everybody",
        ),
        (
            ("from: film.org, purpose: functional", "from: film.org, purpose: functional, do: keep"),
            "from film.org loads",
        ),
        (("providers:", "neutral: [{ from: cdn.org, why: x }]\nproviders:"), "cdn.org loads for everybody"),
        (("providers:", "undeclared: { tags: keep }\nproviders:"), "undeclared tags: keep, no longer hold"),
        (
            ("providers:", "undeclared: { cookies: keep }\nproviders:"),
            "undeclared cookies: keep, no longer presume",
        ),
        (("name: cart", "name: [cart, more]"), "the cookie more on .example.com for everybody"),
        (
            ("performance: { basis: consent }", "performance: { basis: legitimate interest }"),
            "from count.org loads",
        ),
    ],
)
def test_what_more_runs_without_consent_is_named(edit, words):
    found = runs_without_consent(rules(), rules(edit))

    assert any(words in one for one in found), found
    assert runs_without_consent(rules(edit), rules()) == ()


def test_what_never_runs_does_not_run_without_consent():
    never = rules(("from: film.org, purpose: functional", "from: film.org, purpose: necessary, do: never"))

    assert runs_without_consent(rules(), never) == ()


def test_a_response_header_that_is_no_longer_taken_away_is_named():
    old = rules(("providers:", "headers: [{ name: Set-Login }]\nproviders:"))

    assert runs_without_consent(old, rules()) == ("the response header Set-Login passes",)


def test_was_must_name_what_is_gone():
    with pytest.raises(PolicyError, match=r"providers.film.was names 'count', which is an id of today"):
        rules((FILM, "  film:\n    was: count\n"))


def test_two_cannot_both_have_been_called_the_same():
    with pytest.raises(PolicyError, match=r"providers.count.was names 'likes', which another 'was' names"):
        rules((FILM, "  film:\n    was: likes\n"), (COUNT, "  count:\n    was: likes\n"))
