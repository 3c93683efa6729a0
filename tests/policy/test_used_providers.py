"""`use:` of rules.yaml: providers of the catalogue, what may be different, and what is wrong with one."""

import pytest

from proxy.errors import PolicyError
from proxy.filter.inline_tests import run_examples, untested
from proxy.policy.load import load_policy
from proxy.policy.model import Catalogue, CatalogueBlock
from proxy.policy.scope import Pair, scope_of
from tests.policy.rules import HEAD

FILM = """\
film:
  name: Film
  kind: player
  country: France
  checked: { on: 2026-11-30, how: read, at: "https://film.test/cookies" }
  shares: [other]
  cookies:
    - { name: seen, domain: .film.example.org, purpose: social, lasts: 6 months, why: Player }
    - { name: _film, domain: self, purpose: performance, lasts: 1 day, why: Player }
  tags:
    - { element: iframe, from: film.org, purpose: social, do: replace }
    - { from: [film.org, film.example.org], purpose: [social, performance] }
  storage:
    - { key: "film_*", purpose: performance }
  tests:
    - it: shows a placeholder
      html: <iframe src="https://film.org/1"></iframe>
      expect: { refused: replace, social: keep }
    - { it: knows its cookie, cookie: _film=1, expect: { refused: drop, performance: keep } }
    - { it: knows its cookie there, host: film.example.org, cookie: seen=1; Domain=.film.example.org, expect: { refused: drop } }
    - it: needs both
      url: https://film.org/1.js
      expect: { refused: hold, social: hold, social+performance: keep }
"""
CATALOGUE = Catalogue(blocks=(CatalogueBlock("film", "catalogue/film.yaml", FILM),))
SOCIAL = f"{HEAD}  social: {{ basis: consent }}\n"


def policy(text):
    return load_policy(text, catalogue=CATALOGUE)


def told(text):
    with pytest.raises(PolicyError) as caught:
        policy(text)
    return [str(problem) for problem in caught.value.problems]


def film(text):
    (found,) = policy(text).providers
    return found


def test_a_used_provider_is_as_if_its_block_stood_in_the_file():
    found = film(SOCIAL + "use: [film]\n")

    assert (found.id, found.name, found.country) == ("film", "Film", "France")
    assert (found.place.file, found.place.line) == ("rules.yaml", 12)
    assert [tag.place.rule for tag in found.tags] == ["catalogue/film.yaml:11", "catalogue/film.yaml:12"]
    assert [row.domains for row in found.cookies] == [(".film.example.org",), (".example.com",)]


def test_the_tests_of_its_block_are_tried_with_the_rules_own():
    rules = policy(SOCIAL + "use: film\n")

    assert [example.place.rule for example in rules.examples] == [
        "catalogue/film.yaml:16",
        "catalogue/film.yaml:19",
        "catalogue/film.yaml:20",
        "catalogue/film.yaml:21",
    ]
    assert run_examples(rules) == ()
    assert untested(rules) == ()
    wrong = FILM.replace("{ refused: replace, social: keep }", "{ refused: hold }")
    catalogue = Catalogue(blocks=(CatalogueBlock("film", "catalogue/film.yaml", wrong),))
    (problem,) = run_examples(load_policy(SOCIAL + "use: [film]\n", catalogue=catalogue))
    assert problem.place.rule == "catalogue/film.yaml:18"


def test_the_rules_own_blocks_speak_before_the_catalogues():
    text = "use: [film]\nproviders:\n  own: { name: Own, tags: [{ from: film.org, purpose: functional }] }\n"

    assert [one.id for one in policy(SOCIAL + text).providers] == ["own", "film"]


def test_a_key_beside_the_name_replaces_the_blocks():
    found = film(SOCIAL + "use:\n  - film: { name: Films, country: Ireland, connect: [api.film.org] }\n")

    assert (found.name, found.country, found.connect) == ("Films", "Ireland", ("api.film.org",))
    assert found.tags


def test_all_that_needs_consent_moves_to_another_purpose_with_its_tests():
    rules = policy(HEAD + "use: [{ film: { purpose: functional } }]\n")

    assert scope_of(rules).pairs == {Pair("functional", "film")}
    assert rules.examples[-1].expect[1][:2] == ("functional", "keep")
    assert run_examples(rules) == ()


def test_each_purpose_of_a_block_can_move_alone():
    rules = policy(HEAD + "use: [{ film: { purpose: { social: functional } } }]\n")

    assert scope_of(rules).pairs == {Pair("functional", "film"), Pair("performance", "film")}
    assert run_examples(rules) == ()


def test_a_name_with_nothing_under_it_is_a_name():
    assert film(SOCIAL + "use:\n  - film:\n").name == "Film"


def test_own_cookies_have_the_domains_that_the_rules_give():
    found = film(SOCIAL + "use: [{ film: { domain: [.example.fr, example.de] } }]\n")

    assert found.cookies[1].domains == (".example.fr", "example.de")


def test_replaced_tag_rules_leave_the_blocks_tests_out():
    rules = policy(SOCIAL + "use: [{ film: { tags: [{ from: film.org, purpose: performance }] } }]\n")

    assert rules.examples == ()
    assert rules.providers[0].tags[0].place.rule == "rules.yaml:12"


def test_a_proof_holds_what_use_meant_and_can_be_read_again():
    rules = policy(SOCIAL + "use: [film]\n")

    assert "# film:\n#   name: Film\n" in rules.text
    assert policy(rules.text).providers == rules.providers
    assert rules.digest != policy(SOCIAL + "use: [film]\n# x\n").digest


def test_a_block_that_changed_changes_the_digest():
    newer = CatalogueBlock("film", "catalogue/film.yaml", FILM.replace("6 months", "7 months"))

    after = load_policy(SOCIAL + "use: [film]\n", catalogue=Catalogue(blocks=(newer,)))

    assert after.digest != policy(SOCIAL + "use: [film]\n").digest


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            HEAD + "use: [film]\n",
            "rules.yaml:11:7: use.film is for the purpose 'social', which 'purposes' does not list",
        ),
        (
            SOCIAL + "use: [flim]\n",
            "rules.yaml:12:7: use.flim is no provider of the catalogue; did you mean 'film'?",
        ),
        (SOCIAL + "use: [zzz]\n", "`consent-proxy catalogue list` names all"),
        (SOCIAL + "use: [film, film]\n", "rules.yaml:12:13: use names 'film' twice: first in line 12"),
        (
            SOCIAL + "use: film, other\n",
            "rules.yaml:12:6: use names 'film, other'; several names are a list: [film, other]",
        ),
        (SOCIAL + "use: film other\n", "several names are a list: [film, other]"),
        (SOCIAL + "use: [My Film]\n", "use.My Film is no provider of the catalogue; did you mean 'film'?"),
        (
            SOCIAL + "use:\n  - film { purpose: social }\n",
            "rules.yaml:13:5: use names 'film { purpose'; a name needs ': ' after it: 'film: { purpose: ... }'",
        ),
        (
            SOCIAL + "use: [{ film: { purpose social } }]\n",
            "a key needs ': ' (colon and space) after it: 'purpose: social'",
        ),
        (
            SOCIAL + "use: [{ film: { purpose:social } }]\n",
            "a key needs ': ' (colon and space) after it: 'purpose: social'",
        ),
        (
            SOCIAL + "use:\n  - film:\n    purpose: social\n",
            "rules.yaml:14:5: use has 'purpose' beside a name, not under it",
        ),
        (
            SOCIAL + "use:\n  - film\n      purpose: social\n",
            "rules.yaml:14:7: 'purpose' belongs to 'film' above, which needs a ':'",
        ),
        (SOCIAL + "use: [[film]]\n", "use holds something that is no name"),
        (
            SOCIAL + "use: [{ film: { countri: x } }]\n",
            "use.film has no key 'countri'; did you mean 'country'?",
        ),
        (SOCIAL + "use: [{ film: x }]\n", "use.film is the text 'x', and must be keys with values"),
        (SOCIAL + "use: [{ film: { purpose: socal } }]\n", "did you mean 'social'?"),
        (
            SOCIAL + "use: [{ film: { purpose: { socal: functional } } }]\n",
            "which is no purpose of the catalogue; did you",
        ),
        (
            SOCIAL + "use: [{ film: { tags: [{ from: film.org, purpose: social, do: relay }] } }]\n",
            "do: relay",
        ),
        (SOCIAL + "use: [film]\nproviders: { film: { name: F } }\n", "'providers' has a block of that name"),
    ],
)
def test_what_is_wrong_with_use_is_told_with_its_place(text, problem):
    assert any(problem in one for one in told(text)), told(text)


def test_what_is_wrong_with_several_is_told_at_once():
    assert len(told(HEAD + "use: [film]\nproviders: { acme: { name: A, tags: [{ purpose: x }] } }\n")) >= 1
    assert len(told(SOCIAL + "use: [flim, { film: { countri: x } }]\n")) == 2
