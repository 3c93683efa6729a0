"""The nouns know of themselves what they say."""

from tests.policy.rules import policy_of

POLICY = policy_of(cookies="- { name: a, domain: .example.com, purpose: functional, lasts: Session, why: x }")


def test_purposes_and_providers_are_found_by_their_id():
    assert POLICY.purpose("functional").id == "functional"
    assert POLICY.purpose("social") is None
    assert POLICY.provider("acme").name == "Acme"
    assert POLICY.provider("other") is None


def test_only_the_basis_decides_whether_consent_is_needed():
    assert POLICY.needs_consent("functional")
    assert not POLICY.needs_consent("necessary")


def test_an_unknown_purpose_needs_consent():
    assert POLICY.needs_consent("social")
