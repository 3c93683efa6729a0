"""First-party collection addresses: requests that only measure, under the site's own name.

Server-side tagging and disguised subdomains (threats T31) look like the site's own
traffic to a browser, so no fence stops them: here the request itself is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes

from proxy.consent.decision import allows
from proxy.filter.patterns import Glob
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.model import NECESSARY, Policy, RequestRule
from proxy.policy.scope import Pair

SLASHES: Final = re.compile(r"/{2,}")


@dataclass(frozen=True, slots=True)
class _Row:
    rule: RequestRule
    globs: tuple[Glob, ...]
    needs: tuple[str, ...]
    replies: tuple[tuple[bytes, ...], ...]


class RequestRules:
    """The `requests:` rows of a policy, compiled once; independent of any decision."""

    def __init__(self, policy: Policy) -> None:
        self.rows = tuple(
            _Row(rule, tuple(map(Glob.of, rule.paths)), _needs(policy, rule), _words(rule))
            for provider in policy.providers
            for rule in provider.requests
        )
        self.by_reply = tuple(row for row in self.rows if row.replies)


def _words(rule: RequestRule) -> tuple[tuple[bytes, ...], ...]:
    return tuple(tuple(word.encode() for word in group) for group in rule.replies)


def refused_request(rules: RequestRules, host: str, target: bytes, grants: frozenset[Pair]) -> Verdict:
    """Return whether a request for that target is relayed, or gets 204.

    `host` is lower-case without port. The first row that matches the address decides.
    """
    if not rules.rows:
        return KEEP
    spellings = _spellings(target)
    for row in rules.rows:
        if _matches(row, host, spellings):
            return _verdict(row, grants)
    return KEEP


def verdict_of_reply(rules: RequestRules, host: str, first: bytes, grants: frozenset[Pair]) -> Verdict | None:
    """Return the verdict on a script of the site's by how it begins; None where it is nobody's."""
    for row in rules.by_reply:
        if any(all(word in first for word in group) for group in row.replies) and _at(row, host):
            return _verdict(row, grants)
    return None


def _verdict(row: _Row, grants: frozenset[Pair]) -> Verdict:
    provider, place = row.rule.provider, row.rule.place
    missing = tuple(p for p in row.needs if not allows(grants, provider, (p,)))
    return Verdict(Does.ANSWER if missing else Does.KEEP, place, provider, missing)


def _matches(row: _Row, host: str, spellings: tuple[str, ...]) -> bool:
    return _at(row, host) and any(glob.matches(text) for glob in row.globs for text in spellings)


def _at(row: _Row, host: str) -> bool:
    named = row.rule.hosts
    return not named or any(host == h or host.endswith("." + h) for h in named)


def _spellings(target: bytes) -> tuple[str, ...]:
    """Return the spellings of this target that a rule may match.

    As received and as a server decodes it (percent-decoded, slashes folded), each with and
    without its query: `/metrics/*` and `/gtm.js?id=GTM-*` both match.
    """
    whole = target.decode("latin-1")
    path, question, query = whole.partition("?")
    plain = SLASHES.sub("/", unquote_to_bytes(path).decode("latin-1"))
    return tuple({whole, path, plain, plain + question + query})


def _needs(policy: Policy, rule: RequestRule) -> tuple[str, ...]:
    return tuple(p for p in rule.purposes if p != NECESSARY and policy.needs_consent(p))
