"""The same objection to the same name is one finding, wherever it was seen."""

from proxy.audit.findings import Fact, Finding, FindingKind, Findings, Objection, Severity, Sight
from proxy.audit.observed import When


def objection(fact=Fact.REFUSED, severity=Severity.VIOLATION, why="x"):
    return Objection(fact, severity, why)


def sight(state, page="a.io/"):
    return Sight(state, "http", "", When(page, 1, decided=True))


def test_the_same_objection_in_two_states_is_one_finding_with_every_place():
    findings = Findings()
    for state, page in (("refuse", "a.io/b"), ("functional", "a.io/"), ("refuse", "a.io/")):
        findings.add(FindingKind.COOKIE, "_id", "a.io", objection(), sight(state, page))
    [one] = findings.all()

    assert (one.states, one.pages) == (["refuse", "functional"], ["a.io/b", "a.io/"])
    assert one.key == ("refused", "cookie", "_id", "a.io")


def test_another_fact_kind_or_place_is_another_finding():
    findings = Findings()
    findings.add(FindingKind.COOKIE, "_id", "a.io", objection(), sight("refuse"))
    findings.add(FindingKind.COOKIE, "_id", "a.io", objection(Fact.LONGER), sight("refuse"))
    findings.add(FindingKind.KEY, "_id", "a.io", objection(), sight("refuse"))
    findings.add(FindingKind.COOKIE, "_id", "b.io", objection(), sight("refuse"))

    assert len(findings.all()) == 4


def test_the_gravest_objection_stands_whichever_came_first():
    doubt, violation = objection(severity=Severity.DOUBT, why="maybe"), objection(why="surely")
    for order in ([doubt, violation], [violation, doubt]):
        findings = Findings()
        for one in order:
            findings.add(FindingKind.HOST, "ads.example", "ads.example", one, sight("refuse"))

        assert [one.objection.why for one in findings.all()] == ["surely"]


def test_violations_come_first_then_facts_in_their_order_then_names():
    findings = Findings()
    for name, one in (
        ("d", objection(Fact.BEFORE, Severity.DOUBT)),
        ("c", objection(Fact.LONGER)),
        ("b", objection(Fact.BEFORE)),
        ("a", objection(Fact.LONGER)),
    ):
        findings.add(FindingKind.COOKIE, name, "a.io", one, sight("none"))

    assert [one.name for one in findings.all()] == ["b", "a", "c", "d"]
    assert all(isinstance(one, Finding) for one in findings.all())
