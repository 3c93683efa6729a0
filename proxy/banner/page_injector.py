"""What goes into a page of a site: style and script into the head, the banner, the permanent link.

Kept in parts that many visitors share; a page only puts them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.banner.banner_markup import Parts
from proxy.banner.markup import Markup, ascii_bytes, escape
from proxy.banner.page_head import ASKS, PageHead
from proxy.banner.placeholder import PlaceholderPlace, Placeholders
from proxy.banner.words import Languages, Words
from proxy.consent.decision import Ask
from proxy.filter.headers.csp_admission import Admission, admit
from proxy.filter.rules.judged_tag import TagFacts
from proxy.filter.tags.injection import PageMetadata
from proxy.filter.verdict import Verdict
from proxy.policy.scope import Scope

_FREE = Admission(())
_ANYWHERE, _IN_A_FRAME = PlaceholderPlace(), PlaceholderPlace(offers=False)
"""Where no policy says anything, as on most pages."""


@dataclass(slots=True)
class PageInjector:
    """Dresses one page for one visitor. Make one per answer: it remembers the page's language.

    What `head_part` wants let into the site's own policies is let in by whoever dresses the page;
    what those leave us is told by setting `admission` before the first byte is filtered, and
    `isolated` where the site lets no provider into a frame that did not ask for it (COEP);
    `always` where a browser opens what comes.
    """

    head_part: PageHead
    parts: Parts
    placeholders: Placeholders
    languages: Languages
    ask: Ask
    new: Scope
    since: str
    accept: bytes | None = None
    back: str | None = None
    framed: bool = False
    offers: bool = True  # placeholders that need our script
    authority: bytes = b""  # host and port, as the visitor names them
    secure: bool = True
    admission: Admission = _FREE
    isolated: bool = False
    always: bool = False  # a browser opens it: it is a page however it begins
    _words: Words | None = None
    _speaks: tuple[Words, str] | None = None
    _page: PageMetadata | None = None
    _placed: tuple[int, PlaceholderPlace] | None = None  # by how many policies the page had in itself by then

    def head(self, page: PageMetadata) -> bytes:
        """Return style and script; they do not depend on the language, since policies name their hash."""
        self._spoken(page)  # placeholders come before the foot, and speak the page's language too
        self._page = page
        place = self._place()
        without = "" if place.once else "once" if place.relays else "frames"
        return self.head_part.bytes(self.since, without if self.head_part.frames else "")

    def body(self, page: PageMetadata) -> bytes:
        """Return the banner where the visitor is asked."""
        if self.framed or self.ask not in ASKS:
            return b""
        forms = self.admission.forms and (not page.meta_csp or admit(_said(page)).forms)
        before, behind = self.parts.banner(
            *self._spoken(page), self.ask, self.new, forms=forms, layered=self.admission.styles
        )
        if self.back is None:
            return self._based(page, before + behind)
        hidden = Markup(f'<input type="hidden" name="return" value="{escape(self.back)}"/>')
        return self._based(page, before) + ascii_bytes(hidden) + self._based(page, behind)

    def foot(self, page: PageMetadata) -> bytes:
        """Return the permanent link."""
        if self.framed:
            return b""
        return self._based(page, self.parts.foot(*self._spoken(page)))

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return what stands in place of a refused embed, in the page's language."""
        words = self._words or self.languages.choose(accept=self.accept)
        made = self.placeholders.of(verdict, facts, words, self._place())
        return self._based(self._page, made) if self._page is not None else made

    def _place(self) -> PlaceholderPlace:
        """Return what the site's policies, and those seen in the page so far, let a placeholder do."""
        seen = len(self._page.meta_csp) if self._page is not None else 0
        if self._placed is None or self._placed[0] != seen:  # every placeholder of a page asks
            self._placed = seen, self._find_place()
        return self._placed[1]

    def _find_place(self) -> PlaceholderPlace:
        found = [self.admission]
        if self._page is not None and self._page.meta_csp:
            host = self.authority.decode("latin-1").lower().partition(":")[0]
            found.append(admit(_said(self._page), host=host, secure=self.secure))
        elif self.admission is _FREE and not self.isolated:
            return _ANYWHERE if self.offers else _IN_A_FRAME
        place = place_of(found, isolated=self.isolated)
        return replace(place, offers=self.offers, sized=not self.admission.policies)

    def _based(self, page: PageMetadata, ours: bytes) -> bytes:
        """Return our markup with whole addresses where a <base> leads every other one astray."""
        if not (page.is_moved and self.authority):
            return ours
        here = b"http%b://%b" % (b"s" * self.secure, escape(self.authority.decode("latin-1")).encode())
        path = self.parts.path.encode("ascii")
        return ours.replace(b'="' + path, b'="' + here + path)

    def _spoken(self, page: PageMetadata) -> tuple[Words, str]:
        """Return the page's language, and the panel's address in it.

        The address names the language only where the visitor's browser would ask for another.
        """
        if self._speaks is None:
            asked = self.languages.choose(accept=self.accept)
            words = self._words = self.languages.choose(page=page.lang, accept=self.accept)
            query = "" if asked is words else f"?language={words.code}"
            self._speaks = words, self.parts.path + query
        return self._speaks


def place_of(found: Iterable[Admission], *, isolated: bool = False) -> PlaceholderPlace:
    """Return whether all of these let our script ask and our frames stand.

    `isolated`: the site's Cross-Origin-Embedder-Policy holds inside our frames, too. Our own
    forms say that they obey it; no provider's page can be made to.
    """
    all_ = tuple(found)
    frames = all(one.frames for one in all_)
    asks = all(one.scripts and one.connects for one in all_)
    return PlaceholderPlace(once=frames and asks and not isolated, relays=frames)


def _said(page: PageMetadata) -> list[bytes]:
    return [text.encode() for text in page.meta_csp]
