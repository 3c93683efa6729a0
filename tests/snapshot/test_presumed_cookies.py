"""What was presumed necessary, kept by name beside the proofs."""

from proxy.filter.headers.cookies import CookieRules
from proxy.snapshot.presumed_cookies import MOST, PresumedCookies
from tests.policy.rules import policy_of

RULES = CookieRules(policy_of())
ROW = "- { name: sid, domain: .example.com, purpose: necessary, lasts: Session, why: Sign-in }"
DAY = 86_400


HOSTS = ["example.com"]


def names(presumed, rules=RULES):
    return [one.name for one in presumed.all(rules, ["example.com"])]


def test_a_name_is_new_once_also_for_the_next_process_and_the_one_beside(tmp_path):
    first, beside = PresumedCookies(tmp_path / "seen"), PresumedCookies(tmp_path / "seen")

    assert first.note(RULES, b"sid=1; HttpOnly", "example.com", 1000).first_seen == 1000
    assert first.note(RULES, b"sid=2; HttpOnly", "example.com", 2000) is None
    assert beside.note(RULES, b"sid=2; HttpOnly", "example.com", 2000) is None
    assert names(beside) == names(PresumedCookies(tmp_path / "seen")) == ["sid"]


def test_what_a_rule_describes_since_is_presumed_no_longer(tmp_path):
    presumed = PresumedCookies(tmp_path / "seen")
    presumed.note(RULES, b"sid=1; HttpOnly", "example.com", 1000)
    described = CookieRules(policy_of(cookies=ROW))

    assert names(presumed, described) == []
    assert presumed.doubt([(RULES, HOSTS)], 1000 + 30 * DAY)
    assert (
        presumed.doubt([(described, HOSTS)], 1000 + 30 * DAY)
        == presumed.doubt([(RULES, HOSTS)], 999 + 30 * DAY)
        == ""
    )


def test_names_are_bounded_and_a_folder_that_cannot_be_written_stops_nothing(tmp_path):
    presumed = PresumedCookies(tmp_path / "none" / "seen")
    for number in range(2 * MOST):
        presumed.note(
            RULES, b"s%s=1; HttpOnly" % bytes([97 + number // 26, 97 + number % 26]), "example.com", 1
        )

    assert len(names(presumed)) == MOST


def test_lines_that_mean_nothing_are_passed_over(tmp_path):
    (tmp_path / "seen").write_text('nonsense\n{"name": "x"}\n[]\n')

    assert names(PresumedCookies(tmp_path / "seen")) == []


def test_under_each_rules_only_what_was_seen_on_their_hosts_is_presumed(tmp_path):
    presumed = PresumedCookies(tmp_path / "seen")
    presumed.note(RULES, b"sid=1; HttpOnly", "example.com", 1000)
    presumed.note(RULES, b"fid=1; HttpOnly", "example.fr", 1000)

    assert [one.names for one in presumed.rows(RULES, ["example.fr"])] == [("fid",)]
    assert "sid" not in presumed.doubt([(RULES, ["example.fr"])], 1000 + 30 * DAY)
