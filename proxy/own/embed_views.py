"""What placeholders offer: one view of one embed, in a frame of ours that only its own page opens.

"Once" is a choice like any other: recorded before it takes effect. It changes no standing
answer; it gives a ticket for a minute, and the frame that the ticket opens shows the one
thing it names.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from proxy.banner.page_injector import place_of
from proxy.banner.placeholder import PlaceholderPlace
from proxy.banner.words import Words
from proxy.banner.wrapper import Wrapped
from proxy.consent.decision import NOTHING, Ask
from proxy.consent.record import ConsentRecord, NewRecord
from proxy.consent.ticket import Ticket, read_ticket, write_ticket
from proxy.errors import BadRequest, RecordsError
from proxy.filter.headers.csp_admission import admit
from proxy.filter.tags.embeds import Embed, Embeds
from proxy.http.request import Request
from proxy.http.response import Response
from proxy.own.choice import Choice
from proxy.own.consent_commit import CommitOutcome, Committed
from proxy.own.form_relay import ISOLATED
from proxy.own.own_request import OwnRequest
from proxy.own.own_response import OURS
from proxy.policy.scope import Pair, Scope
from proxy.records.store import RecordStore, now_ms

_FRAMES = (b"iframe", b"frame")


@dataclass(frozen=True, slots=True)
class OneView:
    """A view that was agreed to: its proof, and the address of the frame that shows it."""

    answered: Committed
    frame: str | None = None


def spoken(call: OwnRequest, language: str) -> Words:
    """Return the language of the page that a placeholder stands on."""
    languages = call.site.renderer.languages
    return languages.choose(page=language[:35], accept=call.request.first(b"accept-language"))


async def agree_once(store: RecordStore, call: OwnRequest, choice: Choice, path: str) -> OneView:
    """Record the agreement and return where it is shown; BadRequest for what no placeholder offers."""
    embed = Embeds(call.site.policy).read(choice.provider or "", choice.embed)
    if embed is None:
        raise BadRequest("nothing that is offered")
    words = spoken(call, choice.language)
    try:
        # As with an acceptance: a visitor who leaves now has agreed all the same.
        adding = asyncio.ensure_future(store.add(_record(call, choice, embed, words)))
        kept: ConsentRecord = await asyncio.shield(adding)
    except RecordsError:
        return OneView(Committed(CommitOutcome.UNPROVEN, None))
    request = call.request
    ticket = Ticket(request.host, embed.provider, str(embed), words.code)
    word = write_ticket(ticket, call.site.keys, now=request.now)
    return OneView(
        Committed(CommitOutcome.RECORDED, None, kept), f"{path}embed?{urlencode({'ticket': word})}"
    )


def _record(call: OwnRequest, choice: Choice, embed: Embed, words: Words) -> NewRecord:
    """Return the proof of one view: what stands stays as it is, and nothing else was asked."""
    request, site = call.request, call.site
    template = call.decision.answer if call.decision.ask in (Ask.NO, Ask.NEW) else None
    shown = frozenset(Pair(purpose, embed.provider) for purpose in embed.needs)
    asked = template.scope if template is not None else NOTHING
    return NewRecord(
        visitor=template.visitor if template is not None else secrets.token_urlsafe(12),
        time=now_ms(),
        site=request.host,
        language=words.code,
        shown=site.renderer.shown(words),
        scope=Scope((asked.pairs & site.scope.pairs) | shown),
        granted=template.granted if template is not None else frozenset(),
        how=choice.how,
        provider=embed.provider,
    )


async def embed_page(call: OwnRequest) -> Response:
    """Return what a ticket shows, to the frame it was written for."""
    request, site = call.request, call.site
    ticket = read_ticket(_asked(request, "ticket"), site.keys, host=request.host, now=request.now)
    embed = Embeds(site.policy).read(ticket.provider, ticket.embed) if ticket is not None else None
    words = spoken(call, ticket.language if ticket is not None else "")
    if embed is None or not _is_framed(request):
        return _wrapped(site.renderer.wrappers.gone(words), 403)
    return _wrapped(site.renderer.wrappers.once(embed, words, call.decision.grants))


async def offer_part(call: OwnRequest) -> Response:
    """Return the placeholder for what a script of the site wanted to show; 204 without one.

    A frame is asked for by its address; a form by its ids, as placeholders name it. `without` and
    `policy` say what the page cannot do by its headers, and the policies that stand in itself.
    """
    embeds, address = Embeds(call.site.policy), _asked(call.request, "address")
    embed = embeds.of_address(address) if address else embeds.of_any_provider(_asked(call.request, "embed"))
    missing = tuple(p for p in embed.needs if not call.decision.allows(embed.provider, (p,))) if embed else ()
    if embed is None or not missing:
        return Response(204, list(OURS))
    words = spoken(call, _asked(call.request, "language"))
    markup = call.site.renderer.offer(embed, missing, words, _place(call.request))
    # Not as HTML: it is a part of a page, and a link must not make a page of it.
    return Response(200, [(b"Content-Type", b"text/plain; charset=utf-8"), *OURS], markup)


def _place(request: Request) -> PlaceholderPlace:
    """Return what the page that asks lets a placeholder do."""
    without, policy = _asked(request, "without"), _asked(request, "policy")
    said = admit([policy.encode("utf-8", "replace")], host=request.host, secure=request.visitor.secure)
    place = place_of([said])
    return replace(place, once=place.once and not without, relays=place.relays and without != "frames")


async def form_page(call: OwnRequest) -> Response:
    """Return a relayed form, to the page of the site it stands in."""
    request, site = call.request, call.site
    embed = Embeds(site.policy).read(_asked(request, "provider"), _asked(request, "embed"))
    provider = site.policy.provider(embed.provider) if embed is not None else None
    words = spoken(call, _asked(request, "language"))
    if embed is None or provider is None or provider.relay is None or not _is_framed(request):
        return _wrapped(site.renderer.wrappers.gone(words), 403)
    if not embed.is_relayed(provider.relay):
        return _wrapped(site.renderer.wrappers.gone(words), 403)
    shown = _wrapped(site.renderer.wrappers.relayed(embed, provider.relay, words))
    shown.headers.append(ISOLATED)
    return shown


def _asked(request: Request, name: str) -> str:
    try:
        return parse_qs(request.query.decode("ascii"), max_num_fields=8).get(name, [""])[0]
    except ValueError:
        return ""


def _is_framed(request: Request) -> bool:
    """True when a page of this very host opens a frame; a link from anywhere does not (T35)."""
    site, destination = request.first(b"sec-fetch-site"), request.destination
    if site is None and destination is None:  # an older browser, or plain http: the page it came from counts
        referer = request.first(b"referer") or b""
        return referer.decode("latin-1").lower().startswith(f"{request.origin.lower()}/")
    return site == b"same-origin" and destination in _FRAMES


def _wrapped(wrapped: Wrapped, status: int = 200) -> Response:
    headers = [
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Cache-Control", b"no-store"),
        (b"Content-Security-Policy", wrapped.policy),
        (b"X-Frame-Options", b"SAMEORIGIN"),
        # Players refuse to run without knowing the site; the ticket is in no such word.
        (b"Referrer-Policy", b"strict-origin-when-cross-origin"),
        (b"X-Content-Type-Options", b"nosniff"),
    ]
    return Response(status, headers, wrapped.page)
