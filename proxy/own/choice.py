"""Parses a submitted choice, and checks that it comes from the site (threats T35, T39)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from proxy.banner.page_injector import is_path
from proxy.consent.answer import How, Surface
from proxy.consent.decision import Ask, Decision
from proxy.errors import BadRequest
from proxy.http.request import Request
from proxy.policy.scope import Scope

_FIELDS = 128


@dataclass(frozen=True, slots=True)
class SubmittedChoice:
    """A choice as it was submitted: by which control, for which purposes, and where to return."""

    how: How
    granted: frozenset[str]
    back: str
    provider: str | None = None
    embed: str = ""  # the embed that a placeholder is to show once, as text
    language: str = ""  # of the page the control stood on
    surface: Surface | None = None  # where the control stood, as far as the form says
    asked: Scope | None = None  # the scope that was asked about, where it was not the whole one

    @property
    def is_view(self) -> bool:
        """True when it asks for one view of an embed, and leaves the answer as it is."""
        return self.how is How.ONCE


def is_from_site(request: Request, is_configured: Callable[[str], bool]) -> bool:
    """True when a choice comes from a page of the configured sites, by the browser's headers.

    Sec-Fetch-Site same-origin; or same-site with an Origin host of the configuration; or,
    without that header, no Origin or one of a configured host. Everything else is not.
    """
    site = request.fields.get(b"sec-fetch-site")
    origins = request.fields.get(b"origin", [])
    known = len(origins) == 1 and (host := origin_host(origins[0])) is not None and is_configured(host)
    if site is None:
        return known or not origins
    if site == [b"same-origin"]:
        return True
    return site == [b"same-site"] and known


def origin_host(origin: bytes) -> str | None:
    """Return the host an Origin names, whatever scheme and port; None for `null` and nonsense."""
    try:
        parts = urlsplit(origin.decode("ascii"))
        return (
            parts.hostname.removesuffix(".") if parts.scheme in {"http", "https"} and parts.hostname else None
        )
    except ValueError:
        return None


def read_choice(request: Request, body: bytes, scope: Scope) -> SubmittedChoice:
    """Return the choice in a form's body; BadRequest for unknown values.

    Purposes that are not asked (any more) are ignored: a page may be older than the rules.
    """
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=_FIELDS)
    except ValueError:
        raise BadRequest("the form cannot be read") from None
    fields: dict[str, list[str]] = {}
    for name, value in pairs:
        fields.setdefault(name, []).append(value)
    how = _how(fields)
    match how:
        case How.ACCEPT:
            granted = scope.purposes
        case How.REFUSE:
            granted = frozenset()
        case _:
            granted = scope.purposes & frozenset(fields.get("purpose", ()))
    back = fields["return"][0] if "return" in fields else None
    known = {pair.provider for pair in scope.pairs}
    provider = next((id_ for id_ in fields.get("provider", ()) if id_ in known), None)
    embed, language = (fields.get(name, [""])[0] for name in ("embed", "language"))
    if how is How.ONCE and not (provider and embed):
        raise BadRequest("once names a provider and what of it is shown")
    return SubmittedChoice(
        how, granted, return_path(request, back), provider, embed, language, _surface(how, fields)
    )


def _surface(how: How, fields: Mapping[str, list[str]]) -> Surface | None:
    """Return where a form stood: the panel says so, banner and placeholders name their language."""
    if how in (How.ONCE, How.PLACEHOLDER):
        return Surface.PLACEHOLDER
    if fields.get("surface") == [Surface.PANEL.value]:
        return Surface.PANEL
    return Surface.BANNER if "language" in fields else None


def merge_placeholder_choice(choice: SubmittedChoice, decision: Decision, scope: Scope) -> SubmittedChoice:
    """Return a placeholder's choice merged with the visitor's valid answer; other choices unchanged.

    Only the purposes that it named count as asked: a new provider of another purpose was not
    shown, so the visitor is still asked about it.
    """
    valid = decision.answer if decision.ask in (Ask.NO, Ask.NEW) else None
    if choice.how is not How.PLACEHOLDER:
        return choice
    if valid is None:  # what is on without consent stays on
        exempt = {pair.purpose for pair in decision.grants & scope.exempt}
        return replace(choice, granted=choice.granted | exempt)
    asked = Scope((valid.scope.pairs & scope.pairs) | scope.granted(choice.granted))
    return replace(choice, granted=choice.granted | valid.granted, asked=asked)


def _how(fields: dict[str, list[str]]) -> How:
    values = fields.get("choice", [])
    known = {how.value: how for how in (How.ACCEPT, How.REFUSE, How.SAVE, How.PLACEHOLDER, How.ONCE)}
    if len(values) != 1 or values[0] not in known:
        raise BadRequest("choice is accept, refuse or save")
    return known[values[0]]


def return_path(request: Request, wanted: str | None) -> str:
    """Return the path to redirect to: the wanted one, else the Referer's, else `/`."""
    if wanted is None:
        referer = request.first(b"referer")
        wanted = _path_of_referer(request, referer.decode("latin-1")) if referer else "/"
    return wanted if is_path(wanted) else "/"


def _path_of_referer(request: Request, referer: str) -> str:
    try:
        parts = urlsplit(referer)
    except ValueError:
        return "/"
    if f"{parts.scheme}://{parts.netloc}".lower() != request.origin.lower():
        return "/"
    return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
