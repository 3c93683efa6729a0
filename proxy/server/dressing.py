"""What our own part of a page is for this visitor: between the decision and the banner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.consent.decision import Decision
from proxy.filter.html import Injector
from proxy.policy.model import Policy
from proxy.server.config import Config
from proxy.server.passage import Passage
from proxy.server.sites import Variant
from proxy.server.visit import Visit


@dataclass(frozen=True, slots=True)
class Dressing:
    """What is put into a page, and the site's own policies with us let in."""

    inject: Injector | None
    policies: tuple[bytes, ...] = ()


class Wardrobe:
    def __init__(self, config: Config, policy: Policy) -> None:
        self.policy = policy


def page_tag(visit: Visit, variant: Variant, decision: Decision) -> bytes:
    """Return the name of the page this visitor gets, for validators."""
    return variant.tag


def dress(passage: Passage, policies: Sequence[bytes]) -> Dressing:
    return Dressing(None, tuple(policies))
