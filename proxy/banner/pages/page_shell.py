"""The shell of the proxy's own pages, and the cookie table, receipt and error page in it.

Complete without script, and nothing of anybody else in them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proxy.banner.assets import css_hash, style
from proxy.banner.cookie_table import COLUMNS, presumed_rows, rows, stacked_table
from proxy.banner.markup import Markup, escape, fill, joined, when
from proxy.banner.stored_pages import forget_stored
from proxy.banner.words import Languages, Words
from proxy.config.banner_colours import Look
from proxy.consent.answer import How
from proxy.consent.tools.known import TOOLS
from proxy.policy.model import CookieRule, Policy

FORGET = forget_stored()
"""The panel's one script. Without it all works, but a service worker may show pages of an old answer."""

_PARTS = ("base", "buttons", "text", "page")


@dataclass(frozen=True)
class Shell:
    """What all of the proxy's own pages share under one policy."""

    policy: Policy
    path: str
    style: str
    languages: Mapping[str, str] = field(default_factory=dict)  # by code, the name in itself

    @classmethod
    def of(cls, policy: Policy, look: Look, path: str, languages: Languages | None = None) -> Shell:
        """Return the shell, its style sheet made once."""
        names = {code: words.plain("language") for code, words in languages.all.items()} if languages else {}
        return cls(policy, path, style(_PARTS, look, layered=False), names)

    @property
    def csp(self) -> bytes:
        """The policy under which our pages are shown; no form-action, since redirects may lead on."""
        style, script = css_hash(self.style), css_hash(FORGET)
        sources = f"style-src '{style}'; script-src '{script}'"
        return f"default-src 'none'; {sources}; base-uri 'none'; frame-ancestors 'none'".encode()

    def at(self, name: str, words: Words) -> str:
        """Return the address of a page of ours, in the language of the page that links to it."""
        return f"{self.path}{name}?language={words.code}"

    def page(self, words: Words, *, title: str, content: Markup, wide: bool = False, host: str = "") -> bytes:
        """Return a whole page of ours."""
        return fill(
            "page",
            lang=words.code,
            dir=words.direction,
            title=f"{title} \u2013 {host}" if host else title,
            heading=title,
            style=Markup(self.style),
            wide=" w" if wide else "",
            content=content,
        ).encode()

    def language_links(self, words: Words, page: str) -> Markup:
        """Return links to the same page in the other languages, each in its own words."""
        return joined(
            (
                Markup(
                    f'<a href="{escape(self.path + page)}?language={escape(code)}" lang="{escape(code)}" '
                    f'hreflang="{escape(code)}">{escape(name)}</a>'
                )
                for code, name in self.languages.items()
                if code != words.code
            ),
            " ",
        )

    def links(
        self,
        words: Words,
        *,
        back: str | None = None,
        without: str = "",
        more: Sequence[tuple[str, str]] = (),
    ) -> Markup:
        """Return the links at the foot of every page of ours."""
        known = [
            (back, words.plain("panel.back")),
            (None if without == "panel" else self.at("", words), words.plain("panel.title")),
            (None if without == "policy" else self.at("policy", words), words.plain("panel.policy")),
            *more,
            (self.policy.page, words.plain("banner.policy")),
            (self.policy.privacy, words.plain("banner.privacy")),
            (f"mailto:{self.policy.contact}", self.policy.contact),
        ]
        return joined((link(address, text) for address, text in known if address), " ")

    def table(
        self, words: Words, *, back: str | None, host: str, presumed: Sequence[CookieRule] = ()
    ) -> bytes:
        """Return the whole cookie table as a page."""
        title = words.plain("table.title")
        shown = rows(self.policy)
        shown += presumed_rows(self.policy, presumed, words.plain("provider.presumed"))
        machine = [(self.at("policy.json", words), words.plain("table.json"))]
        content = fill(
            "policy",
            title=title,
            version=words.say("table.version", version=self.policy.version),
            table=stacked_table(COLUMNS, (row.cells(words) for row in shown), words),
            links=self.links(words, back=back, without="policy", more=machine),
        )
        return self.page(words, title=title, content=content, wide=True, host=host)

    def receipt(
        self,
        words: Words,
        receipt: Mapping[str, Any] | None,
        *,
        back: str | None,
        host: str,
        earlier: Sequence[Mapping[str, Any]] = (),
        erased: bool = False,
    ) -> bytes:
        """Return the visitor's own proofs as a page, newest first, and the way to have them erased.

        `erased`: they have just been.
        """
        proofs = [] if receipt is None else [proof(words, one) for one in (receipt, *earlier)]
        erase = fill(
            "erase",
            action=f"{self.path}receipt",
            text=words.plain("receipt.erasing"),
            lang=words.code,
            erase=words.plain("receipt.erase"),
            confirm=words.plain("receipt.confirm"),
        )
        content = fill(
            "receipt",
            text=words.plain("receipt.text" if receipt else "receipt.erased" if erased else "receipt.none"),
            facts=joined([*proofs, erase] if receipt else [], Markup("<hr/>")),
            links=self.links(words, back=back),
        )
        return self.page(words, title=words.plain("receipt.title"), content=content, host=host)

    def error(self, words: Words, status: int, *, reference: str, host: str) -> bytes:
        """Return the error page, with the site's permanent link."""
        text = words.of.get(f"errors.{status}", words.plain("errors.other"))
        where = words.say("errors.reference", id=reference) if reference else ""
        manage = link(self.at("", words), words.plain("buttons.manage"))
        content = fill(
            "error", text=text, reference=where, links=when(host, Markup(f'<p class="f">{manage}</p>'))
        )
        return self.page(words, title=words.plain("errors.title"), content=content, host=host)


def proof(words: Words, receipt: Mapping[str, Any], *, names: Mapping[str, str] | None = None) -> Markup:
    """Return a receipt in words, and as JSON to copy; with `names` of providers those instead."""

    def purposes(name: str) -> Markup:
        known = [words.purpose(id_, "label") for id_ in receipt.get(name) or ()]
        return words.listed(known) if known else words.say("receipt.nothing")

    how, scope, tool = receipt.get("how"), receipt.get("scope") or {}, receipt.get("declared_by")
    button = (
        receipt.get("control") if how == How.WITHDRAW.value else how
    )  # what was withdrawn has its own line
    asked = dict.fromkeys(provider for providers in scope.values() for provider in providers)
    lines = facts(
        words,
        "receipt",
        [
            ("id", receipt.get("id")),
            ("time", _moment(words, receipt.get("declared_at" if tool else "time"))),
            ("site", receipt.get("site")),
            ("version", receipt.get("policy_version")),
            (
                "how",
                "" if tool else words.of.get(f"how.{button}", words.of.get(f"how.{how}", how)),
            ),  # no button of ours
            ("declared", words.say("receipt.declared_text", tool=_tool(tool)) if tool else ""),
            ("declared_at", _moment(words, receipt.get("time") if tool else None)),
            ("granted", purposes("granted")),
            ("refused", purposes("refused")),
            ("withdrawn", purposes("withdrawn") if receipt.get("withdrawn") else ""),
            ("asked", words.names(names.get(one, one) for one in asked) if names is not None else ""),
            ("previous", receipt.get("previous")),
        ],
    )
    if names is not None:
        return Markup(f"<dl>{lines}</dl>")
    copy = json.dumps(receipt, indent=2, ensure_ascii=False)
    return fill("proof", facts=lines, title=words.plain("receipt.json"), json=copy)


def _tool(id_: str) -> str:
    """Return the name of the consent tool that was answered, where it was not us."""
    return TOOLS[id_].name if id_ in TOOLS else id_


def facts(words: Words, group: str, pairs: Iterable[tuple[str, object]]) -> Markup:
    """Return names and what they are, as they stand in a <dl>; the names are words of that group."""
    return joined(
        Markup(f"<dt>{escape(words.plain(f'{group}.{key}'))}</dt><dd>{escape(value)}</dd>")
        for key, value in pairs
        if value
    )


def _moment(words: Words, written: str | None) -> Markup:
    """Return a record's moment as it is read, with the written one for machines."""
    if not written:
        return Markup()
    at = int(datetime.fromisoformat(written).timestamp())
    text = words.say("grammar.moment", date=words.date(at), time=words.time(at))
    return Markup(f'<time datetime="{escape(written)}">{text}</time>')


def link(address: str, text: object) -> Markup:
    """Return a link; the address is one that we vouch for."""
    return Markup(f'<a href="{escape(address)}">{escape(text)}</a>')
