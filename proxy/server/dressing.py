"""What our own part of a page is for this visitor: between the decision and the banner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.consent.decision import Ask
from proxy.filter.fence import admit, takes_files
from proxy.filter.headers import Headers
from proxy.filter.html import Injector
from proxy.server.choice import is_path
from proxy.server.names import Fields
from proxy.server.passage import FRAMES, Passage

_POLICY = b"content-security-policy"
_INTEGRITY = b"integrity-policy"
"""Refuses scripts without a hash of their bytes; with one, no other bytes could stand in for ours."""
_EMBEDDER = b"cross-origin-embedder-policy"
"""Refuses frames, ours too, whose answers do not say the same; and so on inside them."""
_GOVERNING = frozenset({_POLICY, _INTEGRITY, _EMBEDDER})


@dataclass(frozen=True, slots=True)
class Dressing:
    """What is put into a page, and the site's own policies with us let in.

    `name` tells apart what is put into equal pages under equal policies.
    """

    inject: Injector | None
    policies: tuple[bytes, ...] = ()
    name: bytes = b""


def asks(passage: Passage) -> bool:
    """True when the page carries the banner, or the notice in its place."""
    return passage.decision.ask is not Ask.NO and passage.visit.destination not in FRAMES


def is_governed(fields: Fields) -> bool:
    """True when the site's answer says something that our part of the page has to heed."""
    return not _GOVERNING.isdisjoint(fields)


def dress(passage: Passage, headers: Headers) -> Dressing:
    """Return what dresses this page for this visitor; `headers` are those of the site's answer."""
    visit = passage.visit
    policies, inline = _said(headers, asks=passage.decision.ask is not Ask.NO)
    target = visit.target.decode("latin-1")
    injector = passage.site.renderer.injector(
        passage.decision,
        accept=visit.first(b"accept-language"),
        back=target if is_path(target) and visit.method in (b"GET", b"HEAD") else None,
        framed=visit.destination in FRAMES,
        inline=inline,
        authority=visit.authority,
        secure=visit.visitor.secure,
    )
    injector.always = visit.opens
    injector.isolated = _isolates(headers)
    name = b"inline" * inline + b"isolated" * injector.isolated
    if not policies:
        return Dressing(injector, name=name)
    here, ours = visit.authority.decode("latin-1"), injector.head_part
    admission = admit(
        policies,
        _addressed(ours.scripts, here),
        _addressed(ours.styles, here),
        connects=_addressed(ours.connects, here),
        frames=_addressed(ours.frames, here),
        host=visit.host,
        secure=visit.visitor.secure,
    )
    injector.admission = admission
    return Dressing(injector, admission.policies, name)


def _said(headers: Headers, *, asks: bool) -> tuple[list[bytes], bool]:
    """Return the site's policies, and whether they leave us no other place than the page itself."""
    policies: list[bytes] = []
    inline = False
    for name, value in headers:
        match len(name):
            case 23 if name.lower() == _POLICY:
                policies.append(value)
            case 16 if name.lower() == _INTEGRITY:
                inline = True
    return policies, inline or not takes_files(policies, by_script=asks)


def _isolates(headers: Headers) -> bool:
    """True where the site lets nothing into a frame of its page that does not ask for it."""
    said = (value for name, value in headers if len(name) == 28 and name.lower() == _EMBEDDER)
    return any(value.partition(b";")[0].strip() in (b"require-corp", b"credentialless") for value in said)


def _addressed(sources: Iterable[str], here: str) -> list[str]:
    """Return the sources with paths as addresses on the page's own host."""
    return [here + source if source.startswith("/") else source for source in sources]
