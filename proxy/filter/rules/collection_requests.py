"""First-party collection addresses: requests that only measure, under the site's own name.

Server-side tagging and disguised subdomains (threats T31) look like the site's own
traffic to a browser, so no fence stops them: here the request itself is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from proxy.consent.decision import allows
from proxy.filter.patterns import Glob
from proxy.filter.verdict import KEEP, Does, Verdict
from proxy.policy.model import NECESSARY, Policy, RequestRule
from proxy.policy.scope import Pair

SLASHES = re.compile(r"/{2,}")


@dataclass(frozen=True, slots=True)
class _Row:
    rule: RequestRule
    globs: tuple[Glob, ...]
    needs: tuple[str, ...]


class RequestRules:
    """The `requests:` rows of a policy, compiled once; independent of any decision."""

    def __init__(self, policy: Policy) -> None:
        self.rows = tuple(
            _Row(rule, tuple(map(Glob.of, rule.paths)), _needs(policy, rule))
            for provider in policy.providers
            for rule in provider.requests
        )


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


def _verdict(row: _Row, grants: frozenset[Pair]) -> Verdict:
    provider, place = row.rule.provider, row.rule.place
    missing = tuple(p for p in row.needs if not allows(grants, provider, (p,)))
    return Verdict(Does.ANSWER if missing else Does.KEEP, place, provider, missing)


def _matches(row: _Row, host: str, spellings: tuple[str, ...]) -> bool:
    named = row.rule.hosts
    if named and not any(host == h or host.endswith("." + h) for h in named):
        return False
    return any(glob.matches(text) for glob in row.globs for text in spellings)


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
