"""Injects into one page of a site: style and script, the banner, the permanent link.

The parts are cached and shared by many visitors; a page only joins them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from proxy.banner.markup import Markup, ascii_bytes, escape, fill, joined, when
from proxy.banner.page_head import ASKS, PageHead
from proxy.banner.placeholder import PlaceholderPlace, Placeholders
from proxy.banner.words import Languages, Words
from proxy.consent.decision import Ask
from proxy.filter.cache import Cache
from proxy.filter.headers.csp_admission import Admission, admit
from proxy.filter.rules.judge import TagFacts
from proxy.filter.tags.injection import Asking, PageMetadata
from proxy.filter.verdict import Verdict
from proxy.policy.model import Policy
from proxy.policy.scope import Scope, scope_of

BANNERS = 512
"""Banners kept: languages x questions x scopes in transition."""


@dataclass(frozen=True)
class BannerMarkup:
    """Banner and link of one policy. `panel` is the panel's address, as that page links to it."""

    policy: Policy
    path: str
    _cache: dict[tuple[object, ...], bytes] = field(default_factory=dict)
    _banners: Cache[tuple[object, ...], tuple[bytes, bytes]] = field(default_factory=lambda: Cache(BANNERS))

    def banner(
        self, words: Words, panel: str, ask: Ask, new: Scope, *, forms: bool, layered: bool
    ) -> tuple[bytes, bytes]:
        """Return the banner before and behind the place of `return`."""
        key = (words.code, panel, ask, new.pairs, forms, layered)
        made = self._banners.get(key)
        if made is None:
            markup = self._banner(words, panel, ask, new, forms=forms, layered=layered)
            before, _, behind = ascii_bytes(markup).partition(_SLOT)
            made = self._banners.store(key, (before, behind))
        return made

    def foot(self, words: Words, panel: str, said: str = "") -> bytes:
        """Return the permanent link, behind what is said of an answer that was given just now."""
        key = (words.code, panel)
        if said:
            return self._foot(words, panel, said)
        if key not in self._cache:
            self._cache[key] = self._foot(words, panel, "")
        return self._cache[key]

    @staticmethod
    def _foot(words: Words, panel: str, said: str) -> bytes:
        nav = fill(
            "foot",
            lang=words.code,
            dir=words.direction,
            panel=panel,
            more=" n" if said else "",
            said=said,
            label=words.plain("foot.label"),
            manage=words.plain("buttons.manage"),
        )
        return ascii_bytes(nav)

    def _banner(
        self, words: Words, panel: str, ask: Ask, new: Scope, *, forms: bool, layered: bool
    ) -> Markup:
        say = words.plain
        notice = ask is Ask.SIGNAL
        text = words.say("notice.text") if notice else self._text(words, panel, ask, new)
        elsewhere = escape(say("banner.customize_here"))
        return fill(
            "banner",
            lang=words.code,
            dir=words.direction,
            path=self.path,
            popover=Markup(' popover="manual"') if layered else "",
            back=Markup(_SLOT.decode()),
            title=say("notice.title" if notice else "banner.title"),
            text=_paragraphs(text),
            elsewhere=when(not forms, Markup(f"<div>{elsewhere}</div>")),
            buttons=self._buttons(words, ask) if forms else _elsewhere(words, panel),
        )

    def _text(self, words: Words, panel: str, ask: Ask, new: Scope) -> Markup:
        """Return what the first layer says: purposes, how many third parties, refusing, withdrawing."""
        scope = scope_of(self.policy)
        consented = {pair.purpose for pair in scope.pairs - scope.exempt}
        asked = [p.id for p in self.policy.purposes if p.id in consented]
        purposes = words.listed(_named(words, id_) for id_ in asked)
        without = words.listed(text for id_ in asked if (text := words.purpose(id_, "without")))
        first = {
            Ask.NEW: lambda: words.say("banner.new", new=self._new(words, new)),
            Ask.EXPIRED: lambda: words.say("banner.expired"),
        }.get(ask, Markup)()
        main = words.say(
            "banner.text",
            providers_link=_link(f"{panel}#providers", self._third_parties(words)),
            purposes=purposes,
            without=without,
            period=words.duration(self.policy.ask_again_after),
        )
        return joined([first, words.sentence([main, self._links(words)])], "\n" if first else "")

    def _third_parties(self, words: Words) -> Markup:
        """Return how many others are asked for: a provider that nothing is loaded from is the site itself."""
        scope = scope_of(self.policy)
        asked = {pair.provider for pair in scope.pairs - scope.exempt}
        count = sum(1 for provider in self.policy.providers if provider.id in asked and provider.tags)
        return words.count("banner.third_parties", count)

    def _new(self, words: Words, new: Scope) -> Markup:
        return words.listed(
            f"{provider.name} ({words.names(words.purpose(p.purpose, 'label') for p in pairs)})"
            for provider in self.policy.providers
            if (pairs := sorted(pair for pair in new.pairs if pair.provider == provider.id))
        )

    def _links(self, words: Words) -> Markup:
        links = [
            _link(self.policy.page, words.plain("banner.policy")),
            _link(self.policy.privacy, words.plain("banner.privacy")),
        ]
        return joined(links, " \u00b7 ")

    def _buttons(self, words: Words, ask: Ask) -> Markup:
        say = words.plain
        pair = fill("buttons", refuse=say("buttons.refuse"), accept=say("buttons.accept"))
        customize = fill(
            "customize",
            customize=say("buttons.customize"),
            save=say("buttons.save"),
            purposes=self._purposes(words, first=ask is Ask.FIRST),
        )
        return customize if ask is Ask.SIGNAL else joined([pair, customize])

    def _purposes(self, words: Words, *, first: bool) -> Markup:
        """Return the switches; what is on without consent is ticked where nobody can have objected yet."""
        rows, always = [], []
        for purpose in self.policy.purposes:
            ids = {pair.provider for pair in scope_of(self.policy).pairs if pair.purpose == purpose.id}
            names = words.names(p.name for p in self.policy.providers if p.id in ids)
            sentence = words.purpose(purpose.id, "sentence")
            label = words.purpose(purpose.id, "label")
            if ids:
                text = words.sentence([sentence, f"({names})"])
                on = first and self.policy.is_exempt(purpose.id)
                checked = Markup(' checked="checked"') if on else Markup()
                row = {"id": purpose.id, "label": label, "text": text, "checked": checked}
                rows.append(fill("purpose", **row, space=" "))
            elif not self.policy.needs_consent(purpose.id):
                text = words.sentence([sentence, words.plain("banner.always_on")])
                always.append(Markup(f"<p><b>{escape(label)}.</b> {text}</p>"))
        return joined([*rows, *always])


_SLOT = b"<!--return-->"


def _paragraphs(text: Markup) -> Markup:
    """Return each line of the text as a paragraph.

    The largest contentful paint is the largest element whose text is painted: one long paragraph would
    be it on many a page, and the page's own content never measured.
    """
    return joined(Markup(f"<p>{line}</p>") for line in text.split("\n"))


def _named(words: Words, id_: str) -> Markup:
    """Return a purpose as the banner names it: its label, and what it is in a few words."""
    label = Markup(f"<b>{escape(words.purpose(id_, 'label'))}</b>")
    hint = words.purpose(id_, "hint")
    return Markup(f"{label} ({escape(hint)})") if hint else label


def _link(address: str, text: object) -> Markup:
    return Markup(f'<a href="{escape(address)}">{escape(text)}</a>')


def _elsewhere(words: Words, panel: str) -> Markup:
    """Return the way to the panel where a site's policy lets no form of its pages be sent."""
    return Markup(f'<a class="b s" href="{escape(panel)}">{escape(words.plain("buttons.customize"))}</a>')


_UNSAFE = re.compile(r"[\x00-\x20\x7f\\]|^//")
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
    saved: int | None = None  # where the answer was given just now, how many cookies it deleted
    amp: bool = False  # AMP pages of this site get nothing
    root_part: Callable[[], PageHead] | None = None
    asking: Asking | None = None  # is told the language of the banner
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
        words, panel = self._language(page)
        if self.asking is not None:
            self.asking.language = words.code
        before, behind = self.parts.banner(
            words, panel, self.ask, self.new, forms=forms, layered=self.admission.styles
        )
        if self.back is None:
            return self._absolute(page, before + behind)
        hidden = Markup(f'<input type="hidden" name="return" value="{escape(self.back)}"/>')
        return self._absolute(page, before) + ascii_bytes(hidden) + self._absolute(page, behind)

    def foot(self, page: PageMetadata) -> bytes:
        """Return the permanent link; behind an answer the word that it is saved."""
        if self.framed:
            return b""
        words, panel = self._language(page)
        said = "" if self.saved is None else words.saved(self.saved)
        return self._absolute(page, self.parts.foot(words, panel, said))

    def root(self) -> bytes:
        """Return the guard alone."""
        return self.root_part().bytes(self.since) if self.root_part else b""

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
            chosen = self.languages.chosen
            asked = chosen["", self.accept]
            words = self._words = chosen[page.lang, self.accept]
            query = "" if asked is words else f"?language={words.code}"
            self._chosen = words, self.parts.path + query
        return self._chosen


def is_path(text: str) -> bool:
    """True when text is a path on this very host, however a browser reads it (threats T39)."""
    return text.startswith("/") and text.isascii() and not _UNSAFE.search(text) and len(text) <= 2048


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
