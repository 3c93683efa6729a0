"""`signals:` of a purpose or provider: the words in which providers are told what was agreed to.

A word is granted while everybody who claims it is granted; what nobody claims stays denied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from proxy.policy.model import Policy
from proxy.policy.scope import Pair, scope_of

GOOGLE = (
    "ad_storage",
    "ad_user_data",
    "ad_personalization",
    "analytics_storage",
    "functionality_storage",
    "personalization_storage",
    "security_storage",
)
"""The types of Google's Consent Mode v2."""

HUBSPOT = ("hubspot.analytics", "hubspot.advertisement", "hubspot.functionality")
CLARITY = ("clarity.ad_Storage", "clarity.analytics_Storage")
WORDPRESS = tuple(
    f"wp.{one}" for one in ("functional", "preferences", "statistics", "statistics-anonymous", "marketing")
)
UET, META, TIKTOK = "uet.ad_storage", "meta", "tiktok"
WORDS = (*GOOGLE, *HUBSPOT, UET, *CLARITY, META, TIKTOK, *WORDPRESS)
EVENT = re.compile(r"event:([A-Za-z0-9_.-]{1,60})")
"""`event:NAME` puts { event: NAME } into the data layer on each page of who agreed."""


def signal_states(policy: Policy, grants: frozenset[Pair]) -> Mapping[str, bool]:
    """Return each word that somebody claims, and whether all who claim it are granted."""
    states: dict[str, bool] = {}
    for word, granted in _claims(policy, grants):
        states[word] = states.get(word, True) and granted
    return states


def _claims(policy: Policy, grants: frozenset[Pair]) -> Iterator[tuple[str, bool]]:
    agreed = {pair.purpose for pair in grants}
    for purpose in policy.purposes:
        for word in purpose.signals:
            yield word, purpose.id in agreed or not policy.needs_consent(purpose.id)
    speaking = [provider for provider in policy.providers if provider.signals and provider.enabled]
    asked = scope_of(policy).pairs if speaking else frozenset()
    for provider in speaking:
        needed = {pair for pair in asked if pair.provider == provider.id}
        for word, one in provider.signals:
            free = one is not None and not policy.needs_consent(one)
            yield word, free or (needed if one is None else {Pair(one, provider.id)}) <= grants
