"""What our own part of a page is for this visitor: between the decision and the banner."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from proxy.banner.observer import Observer
from proxy.banner.page_injector import is_path
from proxy.filter.headers.fence import admit, takes_files
from proxy.filter.headers.fields import Headers
from proxy.filter.html.scanner import Injector
from proxy.http.header_names import Fields
from proxy.route.context import FRAMES, SILENT, RequestContext

_POLICY = b"content-security-policy"
_INTEGRITY = b"integrity-policy"
"""Refuses scripts without a hash of their bytes; with one, no other bytes could stand in for ours."""
_EMBEDDER = b"cross-origin-embedder-policy"
"""Refuses frames, ours too, whose responses do not say the same; and so on inside them."""
GOVERNING = frozenset({_POLICY, _INTEGRITY, _EMBEDDER})
"""Fields of an upstream's response that our part of the page has to heed."""


@dataclass(frozen=True, slots=True)
class PageInjection:
    """What is put into a page, and the site's own policies with us let in.

    `name` tells apart what is put into equal pages under equal policies.
    """

    inject: Injector | None
    policies: tuple[bytes, ...] = ()
    name: bytes = b""


def injection_for(
    context: RequestContext, headers: Headers, *, late: bool = False, xml: bool = False
) -> PageInjection:
    """Return what goes into this page for this visitor; `headers` are those of the upstream's response.

    `late`: something stands before its doctype or <html>; a script that fetches it gets a page all the same.
    `xml`: it may be no XHTML, and get the guard alone.
    """
    request = context.request
    policies, inline = _said(headers, asks=context.decision.ask not in SILENT)
    target = request.target.decode("latin-1")
    injector = context.site.renderer.injector(
        context.decision,
        accept=request.fields.get(b"accept-language", (None,))[0],
        back=target if is_path(target) and request.method in (b"GET", b"HEAD") else None,
        framed=request.destination in FRAMES,
        inline=inline,
        authority=request.authority,
        secure=request.visitor.secure,
    )
    injector.always = request.opens or late
    if context.decision.answer is not None:
        injector.saved = context.decision.saved(request.now)
    injector.amp = context.site.config.amp
    injector.asking = context
    injector.isolated = _isolates(headers)
    name = b"inline" * inline + b"isolated" * injector.isolated + b"late" * late
    if not policies:
        return PageInjection(injector, name=name)
    here, ours = request.authority.decode("latin-1"), injector.head_part
    alone = injector.root_part().scripts if xml and injector.root_part else ()
    admission = admit(
        policies,
        _addressed(dict.fromkeys((*ours.scripts, *alone)), here),
        _addressed(ours.styles, here),
        connects=_addressed(ours.connects, here),
        frames=_addressed(ours.frames, here),
        host=request.host,
        secure=request.visitor.secure,
    )
    injector.admission = admission
    return PageInjection(injector, admission.policies, name)


def observe(context: RequestContext, headers: Headers) -> PageInjection:
    """Return the script that only observes, and the site's own policies with it let in."""
    site, request = context.site, context.request
    source = site.renderer.observer
    known = context.snapshot.sightings.known_names.get(site.name, "")
    injector = Observer(source, known, always=request.opens or request.destination in FRAMES)
    policies, _ = _said(headers, asks=False)
    if not policies:
        return PageInjection(injector)
    here = request.authority.decode("latin-1")
    admission = admit(
        policies,
        [here + source],
        connects=[here + site.reports],
        host=request.host,
        secure=request.visitor.secure,
    )
    return PageInjection(injector, admission.policies)


def observes_no_script(fields: Fields) -> bool:
    """True where the site lets no script into its pages but by a hash in their markup."""
    return _INTEGRITY in fields


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
    return policies, inline or bool(policies and not takes_files(policies, by_script=asks))


def _isolates(headers: Headers) -> bool:
    """True where the site lets nothing into a frame of its page that does not ask for it."""
    said = (value for name, value in headers if len(name) == 28 and name.lower() == _EMBEDDER)
    return any(value.partition(b";")[0].strip() in (b"require-corp", b"credentialless") for value in said)


def _addressed(sources: Iterable[str], here: str) -> list[str]:
    """Return the sources with paths as addresses on the page's own host."""
    return [here + source if source.startswith("/") else source for source in sources]


def admitted(headers: Headers, injection: PageInjection) -> Headers:
    """Return the headers with the site's own policies as they are once our script is let in."""
    policies = iter(injection.policies)
    return [
        (name, next(policies, value)) if name.lower() == b"content-security-policy" else (name, value)
        for name, value in headers
    ]
