"""What the filter does differently under new rules: with the subjects of their tests, and with pages."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import unified_diff

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.inline_tests import RuleTester, own_hosts
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.policy.model import Example, Policy
from proxy.policy.scope import scope_of


@dataclass(frozen=True, slots=True)
class ChangedOutcome:
    """A subject of a test that a visitor who refused gets differently now."""

    kind: str
    subject: str
    before: str
    after: str

    @property
    def freed(self) -> bool:
        """True when it was held or dropped before, and passes now."""
        return self.before.split()[0] not in ("keep", "cap") and self.after.split()[0] in ("keep", "cap")

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}: {self.before}, now {self.after}"


def changed_outcomes(old: Policy, new: Policy) -> tuple[ChangedOutcome, ...]:
    """Return what a visitor who refused gets differently, of all that the tests of both files try."""
    before, after = RuleTester(old), RuleTester(new)
    tried: dict[tuple[str, str, str | None], Example] = {}
    for example in (*old.examples, *new.examples):
        tried.setdefault((example.kind, example.subject, example.host), example)
    rows = (
        ChangedOutcome(
            example.kind,
            example.subject,
            before.outcome(example, "refused").words,
            after.outcome(example, "refused").words,
        )
        for example in tried.values()
    )
    return tuple(row for row in rows if row.before != row.after)


VISITORS = ("refused", "accepted")


def changed_page(old: Policy, new: Policy, page: bytes, name: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each visitor whose page differs, with the lines that do (as `diff -u` prints them)."""
    for visitor in VISITORS:
        before, after = (_rewritten(policy, page, visitor) for policy in (old, new))
        if before != after:
            old_lines, new_lines = (text.decode("utf-8", "replace").splitlines() for text in (before, after))
            lines = unified_diff(
                old_lines,
                new_lines,
                f"{name} ({visitor}), old rules",
                f"{name} ({visitor}), new rules",
                n=0,
                lineterm="",
            )
            yield visitor, list(lines)


def _rewritten(policy: Policy, page: bytes, visitor: str) -> bytes:
    scope = scope_of(policy)
    grants = scope.pairs if visitor == "accepted" else frozenset()
    html = HtmlFilter(judge_for(compile_rules(policy, own_hosts(policy)), grants))
    return html.feed(page) + html.close()
