"""What our own part of a page is for this visitor: between the decision and the banner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proxy.consent.decision import Ask
from proxy.filter.fence import admit
from proxy.filter.html import Injector
from proxy.server.choice import is_path
from proxy.server.passage import FRAMES, Passage


@dataclass(frozen=True, slots=True)
class Dressing:
    """What is put into a page, and the site's own policies with us let in."""

    inject: Injector | None
    policies: tuple[bytes, ...] = ()


def asks(passage: Passage) -> bool:
    """True when the page carries the banner, or the notice in its place."""
    return passage.decision.ask is not Ask.NO and passage.visit.destination not in FRAMES


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
