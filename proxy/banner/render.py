"""Everything a visitor sees of us, made from policy, words and look: one Renderer for all requests.

It is built once per reload and shared; what depends on a visitor comes in as parameters.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from proxy.banner.assets import css_hash, source, style
from proxy.banner.inject import ASKS, Head, PageInjector
from proxy.banner.look import Look
from proxy.banner.markup import Markup, ascii_bytes, escape
from proxy.banner.page import Shell
from proxy.banner.panel import Panel
from proxy.banner.parts import Parts
from proxy.banner.placeholder import Placeholders
from proxy.banner.signals import signals
from proxy.banner.table import as_json, rows
from proxy.banner.words import Languages, Words, load_languages
from proxy.banner.wrapper import Wrappers
from proxy.consent.decision import Ask, Decision, allows
from proxy.consent.record import Shown
from proxy.filter.cookies import CONSENT_COOKIE
from proxy.filter.embeds import Embed
from proxy.filter.guard import guard_code, guard_table, since_attribute
from proxy.filter.squeeze import squeeze
from proxy.policy.model import Action, Policy
from proxy.policy.own import OwnHosts
from proxy.policy.scope import Pair, scope_of

KEPT = 512
"""Heads kept: grants x questions of one site, with room for scopes in transition."""

_PART = re.compile(r"// only (with|without) asking\n(.*?)// end\n", re.DOTALL)


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
        self.languages = languages or load_languages()
        self.scope = scope_of(policy)
        self._look = look or Look()
        self._own = own
        self._path = path
        self._cookie = cookie
        self._shell = Shell.of(policy, self._look, path)
        self._panels = {code: Panel.of(self._shell, words) for code, words in self.languages.all.items()}
        self.wrappers = Wrappers(policy, own, path, cookie)
        self._parts = Parts(policy, path)
        self._placeholders = Placeholders(policy, self.scope, path)
        self._heads: dict[tuple[frozenset[Pair], Ask, bool, bool], Head] = {}
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
    ) -> PageInjector:
        """Return what dresses one page. `accept` is Accept-Language, `back` the page's path and query.

        `framed`: the page fills a frame: the guard only. A decision whose cookie may have been
        withheld asks nothing, and neither tells other tabs nor follows them.
        """
        since = since_attribute(self.policy, decision.answer.since) if decision.answer else ""
        return PageInjector(
            self._head(decision, framed=framed),
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
        )

    def _head(self, decision: Decision, *, framed: bool) -> Head:
        key = (decision.grants, decision.ask, framed, decision.withheld)
        head = self._heads.get(key)
        if head is None:
            if len(self._heads) >= KEPT:
                self._heads.clear()
            head = self._heads[key] = self._make_head(decision, framed=framed)
        return head

    def _make_head(self, decision: Decision, *, framed: bool) -> Head:
        grants, asks = decision.grants, decision.ask in ASKS
        look = "" if framed else style(self._style_parts(grants, decision.ask), self._look)
        table = guard_table(
            self.policy, grants, self._own, consent_cookie=self._cookie, reports=f"{self._path}reports"
        )
        code = guard_code(source("guard.js"), table) + signals(self.policy, grants)
        if not (framed or decision.withheld):
            code += page_code(asks=asks)
            if self._may_replace(grants):
                code += squeeze(source("offers.js")).replace("(PATH)", f"({json.dumps(self._path)})")
        granted = " ".join(sorted({pair.purpose for pair in grants}))
        facts = {"granted": granted, "state": _state(grants), "ask": decision.ask.value}
        attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in facts.items())
        sheet = f"<style>{look}</style>" if look else ""
        return Head(
            ascii_bytes(Markup(f'{sheet}<script data-cfasync="false"{attributes} data-since="')),
            code.join(('">', "</script>")).encode("ascii"),
            (css_hash(code),),
            (css_hash(look),) if look else (),
        )

    def _style_parts(self, grants: frozenset[Pair], ask: Ask) -> list[str]:
        parts = ["base"]
        replaces = self._may_replace(grants)
        if ask in ASKS or replaces:
            parts.append("buttons")
        if ask in ASKS:
            parts += ["text", "banner"]
        if ask is Ask.SIGNAL:
            parts.append("notice")
        return [*parts, "link", *(["placeholder"] if replaces else [])]

    def _may_replace(self, grants: frozenset[Pair]) -> bool:
        """True when some rule that shows a placeholder is refused."""
        return any(
            rule.do in (Action.REPLACE, Action.RELAY)
            and not allows(grants, provider.id, [p for p in rule.purposes if self.policy.needs_consent(p)])
            for provider in self.policy.providers
            for rule in provider.tags
        )

    def offer(self, embed: Embed, missing: tuple[str, ...], words: Words) -> bytes:
        """Return the placeholder for what a script of the site wanted to show."""
        return self._placeholders.one(embed, missing, words)

    # -- pages of our own ---------------------------------------------------------------------------------

    @property
    def csp(self) -> bytes:
        """The Content-Security-Policy under which every page of ours is shown."""
        return self._shell.csp

    def panel(
        self, words: Words, decision: Decision, *, back: str = "/", host: str = "", problem: str | None = None
    ) -> bytes:
        """Return the panel; `problem` is the key of a sentence (`panel.unproven`, `panel.busy`)."""
        return self._panels[words.code].page(decision, back=back, host=host, problem=problem)

    def table(self, words: Words, *, back: str | None = None, host: str = "") -> bytes:
        """Return the cookie table as a page."""
        return self._shell.table(words, back=back, host=host)

    def table_json(self, words: Words) -> Mapping[str, Any]:
        """Return the cookie table for machines."""
        if words.code not in self._tables:
            self._tables[words.code] = as_json(self.policy, rows(self.policy), words.code)
        return self._tables[words.code]

    def receipt(
        self,
        words: Words,
        receipt: Mapping[str, Any] | None,
        *,
        earlier: Sequence[Mapping[str, Any]] = (),
        back: str | None = None,
        host: str = "",
    ) -> bytes:
        """Return the visitor's own proofs as a page; `receipt` and `earlier` are of Receipt.to_json()."""
        return self._shell.receipt(words, receipt, earlier=earlier, back=back, host=host)

    def error(self, words: Words, status: int, *, reference: str = "", host: str = "") -> bytes:
        """Return the page shown in place of one that cannot be: nothing of anybody else in it."""
        return self._shell.error(words, status, reference=reference, host=host)

    def shown(self, words: Words) -> Shown:
        """Return what a visitor who reads this language had before them, for the proofs."""
        if words.code not in self._shown:
            wording = json.dumps({"code": words.code, **words.of}, ensure_ascii=False, sort_keys=True)
            self._shown[words.code] = Shown(self.policy.version, self.policy.text, wording)
        return self._shown[words.code]


def page_code(*, asks: bool) -> str:
    """Return banner.js for pages that ask, or for those that do not."""
    wanted = "with" if asks else "without"
    text = _PART.sub(lambda part: part[2] if part[1] == wanted else "", source("banner.js"))
    return squeeze(text)


def _state(grants: frozenset[Pair]) -> str:
    """Return a short name of these grants; tabs compare it. Nothing granted has none."""
    names = "\n".join(sorted(f"{pair.purpose} {pair.provider}" for pair in grants))
    return hashlib.blake2b(names.encode(), digest_size=4).hexdigest() if grants else ""
