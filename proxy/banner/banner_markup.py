"""The markup of the banner and the permanent link, by language and question.

Kept by all that they depend on; a page only puts them together (inject.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.banner.markup import Markup, ascii_bytes, escape, fill, joined, when
from proxy.banner.words import Words
from proxy.consent.decision import Ask
from proxy.filter.cache import Cache
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

    def foot(self, words: Words, panel: str) -> bytes:
        """Return the permanent link."""
        key = (words.code, panel)
        if key not in self._cache:
            say = words.plain
            nav = fill(
                "foot",
                lang=words.code,
                dir=words.direction,
                panel=panel,
                label=say("foot.label"),
                manage=say("buttons.manage"),
            )
            self._cache[key] = ascii_bytes(nav)
        return self._cache[key]

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
            text=text,
            elsewhere=when(not forms, Markup(f"<p>{elsewhere}</p>")),
            buttons=self._buttons(words, notice=notice) if forms else _elsewhere(words, panel),
        )

    def _text(self, words: Words, panel: str, ask: Ask, new: Scope) -> Markup:
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
            providers_link=_link(f"{panel}#providers", words.plain("banner.providers_link")),
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


_SLOT = b"<!--return-->"


def _named(words: Words, id_: str) -> Markup:
    """Return a purpose as the banner names it: its label, and what it is in a few words."""
    label = Markup(f"<b>{escape(words.purpose(id_, 'label'))}</b>")
    hint = words.purpose(id_, "hint")
    return Markup(f"{label} ({escape(hint)})") if hint else label


def _link(address: str, text: str) -> Markup:
    return Markup(f'<a href="{escape(address)}">{escape(text)}</a>')


def _elsewhere(words: Words, panel: str) -> Markup:
    """Return the way to the panel where a site's policy lets no form of its pages be sent."""
    return Markup(f'<a class="b s" href="{escape(panel)}">{escape(words.plain("buttons.customize"))}</a>')
