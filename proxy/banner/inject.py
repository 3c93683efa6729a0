"""What goes into a page of a site: style and script into the head, the banner, the permanent link.

Kept in parts that many visitors share; a page only puts them together.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.banner.markup import Markup, ascii_bytes, escape, fill, joined, when
from proxy.banner.placeholder import Place, Placeholders
from proxy.banner.words import Languages, Words
from proxy.consent.decision import Ask
from proxy.filter.actions import TagFacts
from proxy.filter.admit import Admission, admit
from proxy.filter.injection import PageSeen
from proxy.filter.verdict import Verdict
from proxy.policy.model import Policy
from proxy.policy.scope import Scope, scope_of

ASKS = frozenset({Ask.FIRST, Ask.EXPIRED, Ask.NEW, Ask.SIGNAL})


@dataclass(frozen=True, slots=True)
class Head:
    """The head's part for everybody with the same grants and the same question."""

    before: bytes  # up to the place of the visitor's own days
    behind: bytes
    scripts: tuple[str, ...]  # hash sources, for the site's own policies
    styles: tuple[str, ...]

    def bytes(self, since: str) -> bytes:
        """Return the head's bytes for a visitor with these days."""
        return self.before + ascii_bytes(escape(since)) + self.behind


@dataclass(frozen=True)
class Parts:
    """Banner and link of one policy, kept by language and question."""

    policy: Policy
    path: str
    placeholders: Placeholders
    _kept: dict[tuple[object, ...], bytes] = field(default_factory=dict)

    def banner(
        self, words: Words, ask: Ask, new: Scope, *, forms: bool, layered: bool
    ) -> tuple[bytes, bytes]:
        """Return the banner before and behind the place of `return`."""
        key = (words.code, ask, new.pairs, forms, layered)
        made = self._kept.get(key)
        if made is None:
            if len(self._kept) > 512:
                self._kept.clear()
            made = self._kept[key] = ascii_bytes(self._banner(words, ask, new, forms=forms, layered=layered))
        before, _, behind = made.partition(_SLOT)
        return before, behind

    def foot(self, words: Words, *, spacer: bool) -> bytes:
        """Return the permanent link, and behind it room for the card that lies over the page."""
        key = (words.code, spacer)
        if key not in self._kept:
            say = words.plain
            nav = fill(
                "foot",
                lang=words.code,
                dir=words.direction,
                path=self.path,
                label=say("foot.label"),
                stale=say("foot.stale"),
                reload=say("foot.reload"),
                manage=say("buttons.manage"),
            )
            room = Markup('<div id="cc-s" class="cc" aria-hidden="true"></div>')
            self._kept[key] = ascii_bytes(nav + when(spacer, room))
        return self._kept[key]

    def _banner(self, words: Words, ask: Ask, new: Scope, *, forms: bool, layered: bool) -> Markup:
        say = words.plain
        notice = ask is Ask.SIGNAL
        text = words.say("notice.text") if notice else self._text(words, ask, new)
        if not forms:
            text = words.sentence([text, say("banner.customize_here")])
        return fill(
            "banner",
            lang=words.code,
            dir=words.direction,
            path=self.path,
            popover=Markup(' popover="manual"') if layered else "",
            back=Markup(_SLOT.decode()),
            title=say("notice.title" if notice else "banner.title"),
            text=text,
            buttons=self._buttons(words, notice=notice) if forms else self._elsewhere(words),
        )

    def _text(self, words: Words, ask: Ask, new: Scope) -> Markup:
        """Return what the first layer says: purposes, providers, refusing, withdrawing, whom to ask."""
        asked = [p.id for p in self.policy.purposes if p.id in scope_of(self.policy).purposes]
        purposes = words.listed(_named(words, id_) for id_ in asked)
        without = words.listed(text for id_ in asked if (text := words.purpose(id_, "without")))
        first = {
            Ask.NEW: lambda: words.say("banner.new", new=self._new(words, new)),
            Ask.EXPIRED: lambda: words.say("banner.expired"),
        }.get(ask, Markup)()
        main = words.say(
            "banner.text",
            providers_link=_link(f"{self.path}#providers", words.plain("banner.providers_link")),
            purposes=purposes,
            without=without,
            period=words.duration(self.policy.ask_again_after),
        )
        return words.sentence([first, main, self._links(words)])

    def _new(self, words: Words, new: Scope) -> Markup:
        return words.listed(
            f"{provider.name} ({', '.join(words.purpose(p.purpose, 'label') for p in pairs)})"
            for provider in self.policy.providers
            if (pairs := sorted(pair for pair in new.pairs if pair.provider == provider.id))
        )

    def _links(self, words: Words) -> Markup:
        links = [
            _link(self.policy.page, words.plain("banner.policy")),
            _link(self.policy.privacy, words.plain("banner.privacy")),
            _link(f"mailto:{self.policy.contact}", words.plain("banner.contact")),
        ]
        return joined(links, " \u00b7 ")

    def _buttons(self, words: Words, *, notice: bool) -> Markup:
        say = words.plain
        pair = fill("buttons", refuse=say("buttons.refuse"), accept=say("buttons.accept"))
        customize = fill(
            "customize",
            customize=say("buttons.customize"),
            save=say("buttons.save"),
            purposes=self._purposes(words),
        )
        return customize if notice else joined([pair, customize])

    def _elsewhere(self, words: Words) -> Markup:
        """Return the way to the panel where a site's policy lets no form of its pages be sent."""
        return Markup(
            f'<a class="b" href="{escape(self.path)}">{escape(words.plain("buttons.customize"))}</a>'
        )

    def _purposes(self, words: Words) -> Markup:
        rows = []
        for purpose in self.policy.purposes:
            ids = {pair.provider for pair in scope_of(self.policy).pairs if pair.purpose == purpose.id}
            names = ", ".join(p.name for p in self.policy.providers if p.id in ids)
            sentence, refusing = (words.purpose(purpose.id, part) for part in ("sentence", "refusing"))
            label = words.purpose(purpose.id, "label")
            if ids:
                text = words.sentence([sentence, f"({names})"])
                row = {"id": purpose.id, "label": label, "text": text}
                then = Markup(f" <span>{escape(refusing)}</span>")
                rows.append(fill("purpose", **row, space=" ", refusing=when(refusing, then)))
            elif not self.policy.needs_consent(purpose.id):
                text = words.sentence([sentence, words.plain("banner.always_on")])
                rows.append(Markup(f"<p><b>{escape(label)}.</b> {text}</p>"))
        return joined(rows)


@dataclass(slots=True)
class PageInjector:
    """Dresses one page for one visitor. Make one per answer: it remembers the page's language.

    `scripts` and `styles` are the hashes to let into the site's own policies; what those leave
    us is told by setting `admission` before the first byte is filtered.
    """

    head_part: Head
    parts: Parts
    languages: Languages
    ask: Ask
    new: Scope
    since: str
    accept: bytes | None = None
    back: str | None = None
    framed: bool = False
    offers: bool = True  # placeholders that need our script
    admission: Admission = field(default_factory=lambda: Admission(()))
    _words: Words | None = None

    @property
    def scripts(self) -> tuple[str, ...]:
        """Hash sources of our inline script."""
        return self.head_part.scripts

    @property
    def styles(self) -> tuple[str, ...]:
        """Hash sources of our inline style."""
        return self.head_part.styles

    def head(self, page: PageSeen) -> bytes:  # noqa: ARG002 (Injector's shape)
        """Return style and script; they do not depend on the language, since policies name their hash."""
        return self.head_part.bytes(self.since)

    def body(self, page: PageSeen) -> bytes:
        """Return the banner where the visitor is asked."""
        if self.framed or self.ask not in ASKS:
            return b""
        forms = self.admission.forms and admit([text.encode() for text in page.meta_csp]).forms
        before, behind = self.parts.banner(
            self._spoken(page), self.ask, self.new, forms=forms, layered=self.admission.styles
        )
        if self.back is None:
            return before + behind
        hidden = Markup(f'<input type="hidden" name="return" value="{escape(self.back)}"/>')
        return before + ascii_bytes(hidden) + behind

    def foot(self, page: PageSeen) -> bytes:
        """Return the permanent link."""
        if self.framed:
            return b""
        return self.parts.foot(self._spoken(page), spacer=self.ask in ASKS)

    def placeholder(self, verdict: Verdict, facts: TagFacts) -> bytes:
        """Return what stands in place of a refused embed, in the page's language."""
        words = self._words or self.languages.choose(accept=self.accept)
        place = Place(offers=self.offers, sized=not self.admission.policies)
        return self.parts.placeholders.of(verdict, facts, words, place)

    def _spoken(self, page: PageSeen) -> Words:
        if self._words is None:
            self._words = self.languages.choose(page=page.lang, accept=self.accept)
        return self._words


_SLOT = b"<!--return-->"


def _named(words: Words, id_: str) -> Markup:
    """Return a purpose as the banner names it: its label, and what it is in a few words."""
    label = Markup(f"<b>{escape(words.purpose(id_, 'label'))}</b>")
    hint = words.purpose(id_, "hint")
    return Markup(f"{label} ({escape(hint)})") if hint else label


def _link(address: str, text: str) -> Markup:
    return Markup(f'<a href="{escape(address)}">{escape(text)}</a>')
