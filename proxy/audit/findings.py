"""What an audit found: one finding for each name that should not be there, wherever it was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from proxy.audit.observed import When


class Severity(Enum):
    """What a finding means for whoever answers for the site."""

    VIOLATION = "violation"
    DOUBT = "doubt"


class Fact(Enum):
    """The four facts that authorities fine, and what else an audit looks at."""

    BEFORE = "set or loaded before a choice"
    REFUSED = "set or loaded though refused"
    WITHDRAWN = "read, set or loaded after withdrawal"
    NECESSARY = "called necessary without being so"
    UNDECLARED = "nobody was told about it"
    LONGER = "lives longer than promised"
    BANNER = "the banner is not fair"


class FindingKind(Enum):
    """What a finding is about."""

    COOKIE = "cookie"
    KEY = "storage key"
    HOST = "third party"
    BANNER = "banner"


@dataclass(frozen=True, slots=True)
class Objection:
    """What the rules say against something in one state."""

    fact: Fact
    severity: Severity
    why: str
    rule: str = ""
    provider: str = ""
    needs: tuple[str, ...] = ()
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Sight:
    """One place where something was seen."""

    state: str
    side: str  # http | script | jar | storage area | element
    by: str
    when: When


@dataclass(slots=True)
class Finding:
    """One objection to one name, and every place where it was seen."""

    what: FindingKind
    name: str
    where: str  # domain of a cookie, host of a key
    objection: Objection
    sights: list[Sight] = field(default_factory=list)

    @property
    def key(self) -> tuple[str, str, str, str]:
        """What makes it the same finding in another visit."""
        return self.objection.fact.name.lower(), self.what.name.lower(), self.name, self.where

    @property
    def states(self) -> list[str]:
        """The states in which it was seen, in the order of the visit."""
        return list(dict.fromkeys(one.state for one in self.sights))

    @property
    def pages(self) -> list[str]:
        """The pages on which it was seen."""
        return list(dict.fromkeys(one.when.page for one in self.sights))


class Findings:
    """Collects findings: the same objection to the same name is one."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, str, str], Finding] = {}

    def add(self, what: FindingKind, name: str, where: str, objection: Objection, sight: Sight) -> None:
        """Add one sight; the gravest objection stands."""
        finding = Finding(what, name, where, objection)
        known = self._found.setdefault(finding.key, finding)
        if objection.severity is Severity.VIOLATION and known.objection.severity is Severity.DOUBT:
            known.objection = objection
        known.sights.append(sight)

    def all(self) -> list[Finding]:
        """Return them, violations first, by fact and name."""
        order = list(Fact)
        return sorted(
            self._found.values(),
            key=lambda one: (
                one.objection.severity is Severity.DOUBT,
                order.index(one.objection.fact),
                one.what.name,
                one.name,
                one.where,
            ),
        )


EXIT_STATUS = {"clean": 0, "violations": 1, "doubts": 3}
"""By the verdict of a report."""
