"""What placeholders offer: one view of an embed ("load this once"), and relayed forms.

One view is a choice like any other: recorded before it takes effect. The visitor's answer
stays as it is; a ticket, valid for a minute, opens a frame that shows only that embed.
"""

from __future__ import annotations

import asyncio
import re
import secrets
from dataclasses import dataclass, replace
from urllib.parse import parse_qs, urlencode

from proxy.banner.page_injector import place_of
from proxy.banner.pages.embed_page import EmbedPage
from proxy.banner.placeholder import PlaceholderPlace
from proxy.banner.words import Words
from proxy.consent.answer import Gesture
from proxy.consent.decision import NOTHING, Ask
from proxy.consent.embed_ticket import Ticket, read_ticket, write_ticket
from proxy.consent.record import ConsentRecord, NewRecord
from proxy.errors import BadRequest, RecordsError
from proxy.filter.headers.csp_admission import admit
from proxy.filter.tags.embeds import Embed, Embeds
from proxy.http.request import Request
from proxy.http.response import Response
from proxy.own.choice import SubmittedChoice
from proxy.own.consent_commit import CommitOutcome, Committed
from proxy.own.form_relay import ISOLATED
from proxy.own.own_request import OwnRequest
from proxy.own.own_response import OWN_HEADERS
from proxy.policy.scope import Pair, Scope
from proxy.records.store import RecordStore, now_ms

_FRAMES = (b"iframe", b"frame")
_START_TAG = re.compile(
    r"<([a-z][a-z0-9.-]{0,60})(?: [A-Za-z_:][\w:.-]{0,100}=\"[^<>\"]{0,2000}\"){0,40}>(?:</\1>)?", re.ASCII
)
"""An empty element as offers.js writes it: whatever else somebody sends is judged by nobody."""


@dataclass(frozen=True, slots=True)
class OneView:
    """A granted view: its record, and the address of the frame that shows it."""

    committed: Committed
    frame: str | None = None


def page_language(own: OwnRequest, language: str) -> Words:
    """Return the texts in the language of the page that a placeholder is on."""
    languages = own.site.renderer.languages
    return languages.choose(page=language[:35], accept=own.request.first(b"accept-language"))


async def grant_one_view(
    store: RecordStore, own: OwnRequest, choice: SubmittedChoice, path: str, gesture: Gesture
) -> OneView:
    """Record one view and return its frame address; BadRequest for what no placeholder offers."""
    embed = Embeds(own.site.policy).read(choice.provider or "", choice.embed)
    if embed is None:
        raise BadRequest("nothing that is offered")
    words = page_language(own, choice.language)
    try:
        # As with an acceptance: a visitor who disconnects now has agreed all the same.
        adding = asyncio.ensure_future(store.add(_record(own, choice, embed, words, gesture)))
        kept: ConsentRecord = await asyncio.shield(adding)
    except RecordsError:
        return OneView(Committed(CommitOutcome.UNPROVEN, None))
    request = own.request
    ticket = Ticket(request.host, embed.provider, str(embed), words.code)
    signed = write_ticket(ticket, own.site.keys, now=request.now)
    return OneView(
        Committed(CommitOutcome.RECORDED, None, kept), f"{path}embed?{urlencode({'ticket': signed})}"
    )


def _record(
    own: OwnRequest, choice: SubmittedChoice, embed: Embed, words: Words, gesture: Gesture
) -> NewRecord:
    """Return the record of one view: the answer unchanged, nothing else asked."""
    request, site = own.request, own.site
    valid = own.decision.answer if own.decision.ask in (Ask.NO, Ask.NEW) else None
    shown = frozenset(Pair(purpose, embed.provider) for purpose in embed.needs)
    asked = valid.scope if valid is not None else NOTHING
    return NewRecord(
        visitor=(valid.visitor if valid is not None else "") or secrets.token_urlsafe(12),
        time=now_ms(),
        site=request.host,
        language=words.code,
        shown=site.renderer.shown(words),
        scope=Scope((asked.pairs & site.scope.pairs) | shown),
        granted=valid.granted & site.scope.purposes if valid is not None else frozenset(),
        how=choice.how,
        provider=embed.provider,
        gesture=gesture,
        control=choice.how,
        asked=own.decision.ask,
        surface=choice.surface,
    )


def is_for_frame(request: Request) -> bool:
    """True for what a browser opens in a frame."""
    return request.destination in _FRAMES


def failed_frame(own: OwnRequest, status: int, language: str) -> Response:
    """Return what a frame shows in which a choice was sent that has no effect."""
    return _frame_response(own.site.renderer.wrappers.gone(page_language(own, language)), status)


def failed_form(own: OwnRequest, status: int) -> Response:
    """Return what a frame shows in which a relayed form was sent in vain."""
    shown = _frame_response(own.site.renderer.wrappers.failed(page_language(own, "")), status)
    shown.headers.append(ISOLATED)
    return shown


async def embed_page(own: OwnRequest) -> Response:
    """Return the page that shows a ticket's embed, in a frame of the site."""
    request, site = own.request, own.site
    ticket = read_ticket(_parameter(request, "ticket"), site.keys, host=request.host, now=request.now)
    embed = Embeds(site.policy).read(ticket.provider, ticket.embed) if ticket is not None else None
    words = page_language(own, ticket.language if ticket is not None else "")
    if embed is None or not _is_framed(request):
        return _frame_response(site.renderer.wrappers.gone(words), 403)
    return _frame_response(site.renderer.wrappers.once(embed, words, own.decision.grants))


async def offer_part(own: OwnRequest) -> Response:
    """Return the placeholder for an embed that a script of the site inserts; 204 without one.

    An element is named by its start tag, which the rules judge as if it stood in the page; a frame
    by its address, a form by its ids. `without` and `policy` are what the page's headers and its
    own CSP meta tags forbid.
    """
    if tag := _parameter(own.request, "tag"):
        return _offer_for_tag(own, tag)
    embeds, address = Embeds(own.site.policy), _parameter(own.request, "address")
    embed = (
        embeds.of_address(address) if address else embeds.of_any_provider(_parameter(own.request, "embed"))
    )
    missing = tuple(p for p in embed.needs if not own.decision.allows(embed.provider, (p,))) if embed else ()
    if embed is None or not missing:
        return Response(204, list(OWN_HEADERS))
    words = page_language(own, _parameter(own.request, "language"))
    return _fragment(own.site.renderer.offer(embed, missing, words, _place(own.request)))


def _offer_for_tag(own: OwnRequest, tag: str) -> Response:
    """Return the placeholder that a page with this start tag would have got."""
    if _START_TAG.fullmatch(tag) is None:
        return Response(204, list(OWN_HEADERS))
    words = page_language(own, _parameter(own.request, "language"))
    judge = own.site.variant(own.decision.grants, secure=own.request.visitor.secure).judge
    tag = tag[: tag.index(">") + 1]
    return _fragment(own.site.renderer.offer_for_tag(judge, tag, words, _place(own.request)))


def _fragment(markup: bytes) -> Response:
    if not markup:
        return Response(204, list(OWN_HEADERS))
    # Not text/html: it is a fragment, and a link to it must not open as a page.
    return Response(200, [(b"Content-Type", b"text/plain; charset=utf-8"), *OWN_HEADERS], markup)


def _place(request: Request) -> PlaceholderPlace:
    """Return what the requesting page's CSP lets a placeholder do."""
    without, policy = _parameter(request, "without"), _parameter(request, "policy")
    admitted = admit([policy.encode("utf-8", "replace")], host=request.host, secure=request.visitor.secure)
    place = place_of([admitted])
    return replace(place, once=place.once and not without, relays=place.relays and without != "frames")


async def form_page(own: OwnRequest) -> Response:
    """Return the frame page of a relayed form, for a page of the site."""
    request, site = own.request, own.site
    embed = Embeds(site.policy).read(_parameter(request, "provider"), _parameter(request, "embed"))
    provider = site.policy.provider(embed.provider) if embed is not None else None
    words = page_language(own, _parameter(request, "language"))
    if embed is None or provider is None or provider.relay is None or not _is_framed(request):
        return _frame_response(site.renderer.wrappers.gone(words), 403)
    if not embed.is_relayed(provider.relay):
        return _frame_response(site.renderer.wrappers.gone(words), 403)
    shown = _frame_response(site.renderer.wrappers.relayed(embed, provider.relay, words))
    shown.headers.append(ISOLATED)
    return shown


def _parameter(request: Request, name: str) -> str:
    try:
        return parse_qs(request.query.decode("ascii"), max_num_fields=8).get(name, [""])[0]
    except ValueError:
        return ""


def _is_framed(request: Request) -> bool:
    """True when a page of this host opens a frame; False for a link from anywhere (T35)."""
    site, destination = request.first(b"sec-fetch-site"), request.destination
    if site is None and destination is None:  # an older browser, or plain http: the page it came from counts
        referer = request.first(b"referer") or b""
        return referer.decode("latin-1").lower().startswith(f"{request.origin.lower()}/")
    return site == b"same-origin" and destination in _FRAMES


def _frame_response(wrapped: EmbedPage, status: int = 200) -> Response:
    headers = [
        (b"Content-Type", b"text/html; charset=utf-8"),
        (b"Cache-Control", b"no-store"),
        (b"Content-Security-Policy", wrapped.policy),
        (b"X-Frame-Options", b"SAMEORIGIN"),
        # Players refuse to run without a referrer; the origin does not contain the ticket.
        (b"Referrer-Policy", b"strict-origin-when-cross-origin"),
        (b"X-Content-Type-Options", b"nosniff"),
    ]
    return Response(status, headers, wrapped.page)
