"""The renderer: everything a visitor sees of the proxy, made from policy, words and colours.

It is built once per reload and shared; what depends on a visitor comes in as parameters.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from proxy.banner import cookie_table
from proxy.banner.cookie_table import presumed_rows, rows
from proxy.banner.markup import Markup, fill
from proxy.banner.page_head import File, PageHeads
from proxy.banner.page_injector import BannerMarkup, PageInjector
from proxy.banner.pages.embed_page import EmbedPages
from proxy.banner.pages.letter import letter
from proxy.banner.pages.page_shell import Shell
from proxy.banner.pages.panel import Panel
from proxy.banner.placeholder import PlaceholderPlace, Placeholders
from proxy.banner.stored_pages import WorkerPage, worker_lines
from proxy.banner.words import Languages, Words
from proxy.config.banner_colours import Look, as_json
from proxy.consent.decision import Ask, Decision
from proxy.consent.record import Shown
from proxy.filter.headers.cookies import CONSENT_COOKIE
from proxy.filter.headers.guard_table import since_attribute
from proxy.filter.rules.judge import Judge
from proxy.filter.tags.embeds import Embed
from proxy.filter.tags.injection import PageMetadata
from proxy.policy.model import CookieRule, Duration, Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from proxy.version import VERSION


class Renderer:
    """Renders for one policy. `own` are the site's hosts, `path` our addresses (consent.path)."""

    def __init__(
        self,
        policy: Policy,
        languages: Languages | None = None,
        look: Look | None = None,
        *,
        own: OwnHosts,
        path: str = "/.consent/",
        cookie: str = CONSENT_COOKIE,
    ) -> None:
        self.policy = policy
        self.languages = languages or _read_languages()
        self.scope = scope_of(policy)
        self._look = look or Look()
        self._own = own
        self._path = path
        self._cookie = cookie
        self._shell = Shell.of(policy, self._look, path, self.languages)
        self._panels = {code: Panel.of(self._shell, words) for code, words in self.languages.all.items()}
        self.wrappers = EmbedPages(policy, own, path, cookie)
        self._parts = BannerMarkup(policy, path)
        self._placeholders = Placeholders(policy, self.scope, path)
        self._heads = PageHeads(policy, own, self._look, path, cookie)
        self._tables: dict[str, dict[str, Any]] = {}
        self._shown: dict[str, Shown] = {}

    # -- into pages of the site ---------------------------------------------------------------------------

    def injector(
        self,
        decision: Decision,
        *,
        accept: bytes | None = None,
        back: str | None = None,
        framed: bool = False,
        inline: bool = False,
        authority: bytes = b"",
        secure: bool = True,
    ) -> PageInjector:
        """Return the injector for one page. `accept` is Accept-Language, `back` the page's path and query.

        `framed`: the page fills a frame: the guard only. `inline`: its policies let no file of
        ours in. `authority` and `secure` say where the visitor sees the page. A decision whose
        cookie may have been withheld asks nothing, and neither tells other tabs nor follows them.
        """
        since = since_attribute(self.policy, decision.answer.since) if decision.answer else ""
        return PageInjector(
            self._heads.of(decision, framed=framed, inline=inline),
            self._parts,
            self._placeholders,
            self.languages,
            decision.ask,
            decision.new,
            since,
            accept,
            back,
            framed,
            offers=not (framed or decision.withheld),
            authority=authority,
            secure=secure,
            root_part=partial(self._heads.of, decision, bare=True),
        )

    def files(self, decision: Decision) -> list[str]:
        """Return the paths of what pages name once this is decided."""
        return self._heads.named(decision)

    @property
    def observer(self) -> str:
        """The path of the script that `observe: page` puts into pages."""
        return self._parts.path + self._heads.observer.name

    def file(self, name: str, decision: Decision) -> File | None:
        """Return a script or style of ours that pages name, or what they would name today."""
        return self._heads.file(name, decision)

    def worker_lines(self, decision: Decision, fence: bytes, *, accept: bytes | None = None) -> bytes:
        """Return what a service worker of the site is given to do for this decision."""
        page, known = self.injector(decision, accept=accept), PageMetadata()
        frame = self.injector(replace(decision, ask=Ask.NO), framed=True)
        made = WorkerPage(
            fence,
            head=page.head(known),
            foot=page.body(known) + page.foot(known),
            frame=frame.head(known),
            rows=self._heads.cookie_rows(decision.grants),
        )
        return worker_lines(decision, self._parts.path, made)

    def offer(
        self, embed: Embed, missing: tuple[str, ...], words: Words, place: PlaceholderPlace | None = None
    ) -> bytes:
        """Return the placeholder for what a script of the site wanted to show, as that page allows."""
        return self._placeholders.one(embed, missing, words, place)

    def offer_for_tag(self, judge: Judge, tag: str, words: Words, place: PlaceholderPlace) -> bytes:
        """Return the placeholder that this start tag gets from the rules; nothing where it gets none."""
        return self._placeholders.of_tag(judge, tag, words, place)

    # -- pages of our own ---------------------------------------------------------------------------------

    @property
    def csp(self) -> bytes:
        """The Content-Security-Policy under which every page of ours is shown."""
        return self._shell.csp

    def panel(
        self,
        words: Words,
        decision: Decision,
        *,
        back: str = "/",
        host: str = "",
        problem: str | None = None,
        presumed: Sequence[CookieRule] = (),
    ) -> bytes:
        """Return the panel; `problem` is the key of a sentence (`panel.unproven`, `panel.busy`)."""
        panel = self._panels[words.code]
        return panel.page(decision, back=back, host=host, problem=problem, presumed=presumed)

    def question(self, words: Words, decision: Decision) -> bytes:
        """Return the banner or notice on an empty page: what a visitor with this decision is asked."""
        before, behind = self._parts.banner(
            words, self._path, decision.ask, decision.new, forms=True, layered=False
        )
        return fill(
            "question",
            lang=words.code,
            dir=words.direction,
            title=words.plain("banner.title"),
            style=Markup(self._heads.style(decision.ask)),
            banner=Markup((before + behind).decode("ascii")),
            foot=Markup(self._parts.foot(words, self._path).decode("ascii")),
        ).encode()

    def letter(
        self, words: Words, receipts: Sequence[Mapping[str, Any]], *, visitor: str, keep: Duration, now: int
    ) -> bytes:
        """Return the answer to a request for access, to print; `receipts` oldest first."""
        return letter(self._shell, words, receipts, visitor=visitor, keep=keep, now=now)

    def table(
        self,
        words: Words,
        *,
        back: str | None = None,
        host: str = "",
        presumed: Sequence[CookieRule] = (),
    ) -> bytes:
        """Return the cookie table as a page."""
        return self._shell.table(words, back=back, host=host, presumed=presumed)

    def table_json(self, words: Words, presumed: Sequence[CookieRule] = ()) -> Mapping[str, Any]:
        """Return the cookie table for machines."""
        if presumed:
            name = words.plain("provider.presumed")
            shown = (*rows(self.policy), *presumed_rows(self.policy, presumed, name))
            return cookie_table.as_json(self.policy, shown, words)
        if words.code not in self._tables:
            self._tables[words.code] = cookie_table.as_json(self.policy, rows(self.policy), words)
        return self._tables[words.code]

    def receipt(
        self,
        words: Words,
        receipt: Mapping[str, Any] | None,
        *,
        earlier: Sequence[Mapping[str, Any]] = (),
        back: str | None = None,
        host: str = "",
        erased: bool = False,
    ) -> bytes:
        """Return the visitor's own proofs as a page; `receipt` and `earlier` are of Receipt.to_json()."""
        return self._shell.receipt(words, receipt, earlier=earlier, back=back, host=host, erased=erased)

    def error(self, words: Words, status: int, *, reference: str = "", host: str = "") -> bytes:
        """Return the page shown in place of one that cannot be: nothing of anybody else in it."""
        return self._shell.error(words, status, reference=reference, host=host)

    def shown(self, words: Words) -> Shown:
        """Return what a visitor who reads this language had before them, for the proofs."""
        if words.code not in self._shown:
            wording: dict[str, Any] = {"code": words.code, **words.of}
            wording |= {"phrases": dict(words.phrases), "look": as_json(self._look), "program": VERSION}
            table = self.table_json(words)
            self._shown[words.code] = Shown(
                self.policy.version, self.policy.text, _kept_text(wording), _kept_text(table)
            )
        return self._shown[words.code]


def _read_languages() -> Languages:
    from proxy.banner.word_files import load_languages  # noqa: PLC0415 - YAML and Babel: not where we serve

    return load_languages()


def _kept_text(value: Mapping[str, Any]) -> str:
    """Return what was shown as the text under whose digest it is kept."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True)
