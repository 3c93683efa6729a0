"""Injects into one page of a site: style and script, the banner, the permanent link.

The parts are cached and shared by many visitors; a page only joins them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.banner.banner_markup import BannerMarkup
from proxy.banner.markup import Markup, ascii_bytes, escape
from proxy.banner.page_head import ASKS, PageHead
from proxy.banner.placeholder import PlaceholderPlace, Placeholders
from proxy.banner.words import Languages, Words
from proxy.consent.decision import Ask
from proxy.filter.headers.csp_admission import Admission, admit
from proxy.filter.rules.judge import TagFacts
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.verdict import Verdict
from proxy.policy.scope import Scope

_NO_POLICY = Admission(())
_ANYWHERE, _IN_A_FRAME = PlaceholderPlace(), PlaceholderPlace(offers=False)
"""For pages without a Content-Security-Policy, as most are."""


@dataclass(slots=True)
class PageInjector:
    """Injects into one page for one visitor. Make one per response: it keeps the page's language.

    The caller admits the sources of `head_part` to the site's own policies, and sets
    `admission` to the result before the first byte is filtered; `isolated` where the site's
    COEP forbids frames of providers; `always` where a browser opens the response.
    """

    head_part: PageHead
    parts: BannerMarkup
    placeholders: Placeholders
    languages: Languages
    ask: Ask
    new: Scope
    since: str
    accept: bytes | None = None
    back: str | None = None
    framed: bool = False
    offers: bool = True  # placeholders that need the injected script
    authority: bytes = b""  # host and port, as the visitor names them
    secure: bool = True
    admission: Admission = _NO_POLICY
    isolated: bool = False
    always: bool = False  # opened by a browser: a page however it begins
    amp: bool = False  # AMP pages of this site get nothing
    _words: Words | None = None
    _chosen: tuple[Words, str] | None = None
    _page: PageMetadata | None = None
    _known_place: tuple[int, PlaceholderPlace] | None = None  # by the number of <meta> policies seen so far

    def head(self, page: PageMetadata) -> bytes:
        """Return style and script; they do not depend on the language, since policies name their hash."""
        self._language(page)  # chosen here, as placeholders need it before the foot
        self._page = page
        place = self._place()
        without = "" if place.once else "once" if place.relays else "frames"
        return self.head_part.bytes(self.since, without if self.head_part.offers else "")

    def body(self, page: PageMetadata) -> bytes:
        """Return the banner where the visitor is asked."""
        if self.framed or self.ask not in ASKS:
            return b""
        forms = self.admission.forms and (not page.meta_csp or admit(_meta_policies(page)).forms)
        before, behind = self.parts.banner(
            *self._language(page), self.ask, self.new, forms=forms, layered=self.admission.styles
        )
        if self.back is None:
            return self._absolute(page, before + behind)
        hidden = Markup(f'<input type="hidden" name="return" value="{escape(self.back)}"/>')
        return self._absolute(page, before) + ascii_bytes(hidden) + self._absolute(page, behind)

    def foot(self, page: PageMetadata) -> bytes:
        """Return the permanent link."""
        if self.framed:
            return b""
        return self._absolute(page, self.parts.foot(*self._language(page)))

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return the placeholder for a refused embed, in the page's language."""
        words = self._words or self.languages.choose(accept=self.accept)
        made = self.placeholders.of(verdict, facts, words, self._place())
        return self._absolute(self._page, made) if self._page is not None else made

    def _place(self) -> PlaceholderPlace:
        """Return what the policies of the site and of the page let a placeholder do."""
        seen = len(self._page.meta_csp) if self._page is not None else 0
        if self._known_place is None or self._known_place[0] != seen:  # every placeholder of a page asks
            self._known_place = seen, self._find_place()
        return self._known_place[1]

    def _find_place(self) -> PlaceholderPlace:
        found = [self.admission]
        if self._page is not None and self._page.meta_csp:
            host = self.authority.decode("latin-1").lower().partition(":")[0]
            found.append(admit(_meta_policies(self._page), host=host, secure=self.secure))
        elif self.admission is _NO_POLICY and not self.isolated:
            return _ANYWHERE if self.offers else _IN_A_FRAME
        place = place_of(found, isolated=self.isolated)
        return replace(place, offers=self.offers, sized=not self.admission.policies)

    def _absolute(self, page: PageMetadata, markup: bytes) -> bytes:
        """Return the markup with absolute addresses where a <base> changes relative ones."""
        if not (page.is_moved and self.authority):
            return markup
        here = b"http%b://%b" % (b"s" * self.secure, escape(self.authority.decode("latin-1")).encode())
        path = self.parts.path.encode("ascii")
        return markup.replace(b'="' + path, b'="' + here + path)

    def _language(self, page: PageMetadata) -> tuple[Words, str]:
        """Return the page's language, and the panel's address in it.

        The address names the language only where the visitor's browser would ask for another.
        """
        if self._chosen is None:
            asked = self.languages.choose(accept=self.accept)
            words = self._words = self.languages.choose(page=page.lang, accept=self.accept)
            query = "" if asked is words else f"?language={words.code}"
            self._chosen = words, self.parts.path + query
        return self._chosen


def place_of(found: Iterable[Admission], *, isolated: bool = False) -> PlaceholderPlace:
    """Return what all of these let a placeholder do.

    `isolated`: the site's Cross-Origin-Embedder-Policy holds inside our frames, too. Our own
    forms say that they obey it; no provider's page can be made to.
    """
    all_ = tuple(found)
    frames = all(one.frames for one in all_)
    asks = all(one.scripts and one.connects for one in all_)
    return PlaceholderPlace(once=frames and asks and not isolated, relays=frames)


def _meta_policies(page: PageMetadata) -> list[bytes]:
    return [text.encode() for text in page.meta_csp]
