"""Tools that store plain words: each service or category with its own, and never half of them."""

import pytest

from proxy.consent.tools.tool_answer import Silence, ToolAnswer
from proxy.consent.tools.word_lists import read_complianz, read_cookieyes, read_tarteaucitron


def answer(granted="", refused="") -> ToolAnswer:
    return ToolAnswer(frozenset(granted.split()), frozenset(refused.split()))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("!youtube=true!matomo=false", answer("youtube", "matomo")), ("!a=false", answer("", "a")), ("", Silence.OPEN), ("!a=true!b=wait", Silence.OPEN),
        ("a=true", Silence.UNREADABLE), ("!a=true!", Silence.UNREADABLE), ("!a=true!a=true", Silence.UNREADABLE), ("!a=maybe", Silence.UNREADABLE), ("x!a=true", Silence.UNREADABLE),
    ],
)  # fmt: skip
def test_tarteaucitron_says_every_service(value, said):
    assert read_tarteaucitron({"tarteaucitron": value}, 0) == said
    assert read_tarteaucitron({}, 0) is Silence.OPEN


DONE = {"cmplz_banner-status": "dismissed"}


@pytest.mark.parametrize(
    ("cookies", "said"),
    [
        (DONE | {"cmplz_statistics": "allow", "cmplz_marketing": "deny"}, answer("statistics", "marketing")), ({"cmplz_choice": "set", "cmplz_marketing": "deny"}, answer("", "marketing")),
        (DONE | {"cmplz_functional": "allow", "cmplz_policy_id": "7", "cmplz_marketing": "deny"}, answer("", "marketing")), ({"cmplz_statistics": "allow"}, Silence.OPEN), ({"cmplz_banner-status": "show"}, Silence.OPEN),
        (DONE, Silence.UNREADABLE), (DONE | {"cmplz_statistics": "perhaps"}, Silence.UNREADABLE), (DONE | {"cmplz_a": "allow", "cmplz_b": ""}, Silence.UNREADABLE),
    ],
)  # fmt: skip
def test_complianz_has_a_cookie_for_each_category(cookies, said):
    assert read_complianz(cookies, 0) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("consentid:x,consent:yes,action:yes,necessary:yes,analytics:no,ads:yes", answer("ads", "analytics")), ("consentid:x%2Cconsent:no%2Caction:yes%2Canalytics:no", answer("", "analytics")), ("consentid:x,action:yes,consent:yes,lastRenewedDate:1700000000,a:yes", answer("a")),
        ("consentid:x,consent:,action:,analytics:no", Silence.OPEN), ("", Silence.OPEN), ("consent:yes,action:yes,a:yes", Silence.UNREADABLE), ("consentid:x,action:yes,consent:no,a:yes", Silence.UNREADABLE),
        ("consentid:x,action:yes,consent:yes", Silence.UNREADABLE), ("consentid:x,action:yes,consent:yes,a:perhaps", Silence.UNREADABLE), ("consentid:x,action:yes,a:no,a:yes", Silence.UNREADABLE), ("consentid:x,action:yes,a", Silence.UNREADABLE), ("%FF", Silence.UNREADABLE),
    ],
)  # fmt: skip
def test_cookieyes_counts_once_somebody_acted(value, said):
    assert read_cookieyes({"cookieyes-consent": value}, 0) == said
    assert read_cookieyes({}, 0) is Silence.OPEN
