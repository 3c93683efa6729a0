"""What our own part of a page is for this visitor: between the decision and the banner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.consent.decision import Decision
from proxy.filter.fence import admit
from proxy.filter.html import Injector
from proxy.server.choice import is_path
from proxy.server.passage import Passage
from proxy.server.visit import Visit

FRAMES = frozenset({b"iframe", b"frame", b"object", b"embed", b"fencedframe"})
"""Destinations of pages that fill a frame: guarded, without banner and link."""


@dataclass(frozen=True, slots=True)
class Dressing:
    """What is put into a page, and the site's own policies with us let in."""

    inject: Injector | None
    policies: tuple[bytes, ...] = ()


def dress(passage: Passage, policies: Sequence[bytes]) -> Dressing:
    """Return what dresses this page for this visitor."""
    visit = passage.visit
    target = visit.target.decode("latin-1")
    injector = passage.site.renderer.injector(
        passage.decision,
        accept=visit.first(b"accept-language"),
        back=target if is_path(target) and visit.method in (b"GET", b"HEAD") else None,
        framed=visit.destination in FRAMES,
    )
    if not policies:
        return Dressing(injector)
    admission = admit(
        policies, injector.scripts, injector.styles, host=visit.host, secure=visit.visitor.secure
    )
    injector.admission = admission
    return Dressing(injector, admission.policies)


def page_facts(visit: Visit, decision: Decision) -> tuple[object, ...]:
    """Return all, beside grants, rules and address, on which the bytes of a page depend."""
    answer = decision.answer
    return (
        decision.ask,
        decision.new.pairs,
        decision.withheld,
        visit.destination in FRAMES,
        tuple(sorted(answer.since.items())) if answer is not None else (),
        visit.first(b"accept-language"),
    )
