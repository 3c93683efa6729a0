"""The panel: what was answered, every purpose with its providers and cookies, and the way to change it.

A page of its own that works without script. Withdrawing takes as many clicks as agreeing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proxy.banner.cookie_table import stacked_table
from proxy.banner.markup import Markup, escape, external, fill, joined
from proxy.banner.pages.page_shell import FORGET, Shell, link
from proxy.banner.words import Words
from proxy.consent.decision import Ask, Decision
from proxy.policy.model import CookieRule, Policy, Provider, Purpose
from proxy.policy.scope import Pair, Scope, scope_of

_COLUMNS = ("name", "domain", "why", "lasts")


@dataclass(frozen=True, slots=True)
class _Line:
    """One row under a provider, as it is read."""

    names: tuple[str, ...]
    domains: tuple[str, ...]
    why: str
    lasts: str

    @property
    def cells(self) -> tuple[str, ...]:
        """The cells, in the order of _COLUMNS."""
        return ", ".join(self.names), ", ".join(self.domains), self.why, self.lasts


@dataclass(frozen=True)
class Panel:
    """One policy's panel in one language."""

    shell: Shell
    words: Words
    scope: Scope

    @classmethod
    def of(cls, shell: Shell, words: Words) -> Panel:
        """Return the panel of the shell's policy."""
        return cls(shell, words, scope_of(shell.policy))

    @property
    def policy(self) -> Policy:
        """The policy it speaks of."""
        return self.shell.policy

    def page(
        self,
        decision: Decision,
        *,
        back: str,
        host: str,
        problem: str | None,
        presumed: Sequence[CookieRule] = (),
    ) -> bytes:
        """Return the page on which somebody sees and changes their answer.

        `presumed` are cookies that pass although no rule describes them.
        """
        said = self.words.plain
        content = fill(
            "panel",
            path=self.shell.path,
            lang=self.words.code,
            alert=fill("alert", text=said(problem)) if problem else "",
            answer_title=said("panel.answer"),
            answer=self.answer(decision),
            choose=said("panel.choose"),
            back=back,
            purposes=joined(self.purpose(purpose, decision, presumed) for purpose in self._asked()),
            fixed=joined(self.fixed(purpose, presumed) for purpose in self.policy.purposes),
            save=said("buttons.save"),
            refuse=said("buttons.refuse"),
            accept=said("buttons.accept"),
            links=self._links(decision, back),
            languages=self.shell.language_links(self.words, ""),
            forget=Markup(FORGET),
        )
        return self.shell.page(self.words, title=said("panel.title"), content=content, host=host)

    def _links(self, decision: Decision, back: str) -> Markup:
        own = (
            [(self.shell.at("receipt", self.words), self.words.plain("panel.receipt"))]
            if decision.answer
            else []
        )
        return self.shell.links(self.words, back=back, without="panel", more=own)

    def answer(self, decision: Decision) -> Markup:
        """Return what this visitor said, when, and when they are asked again."""
        answer, say = decision.answer, self.words.say
        signal = [say("panel.signal")] if decision.signal else []
        if answer is None:
            return _paragraphs(signal or [say("panel.none")])
        date = self.words.date
        if decision.ask in (Ask.EXPIRED, Ask.SIGNAL):
            return _paragraphs([say("panel.expired", date=date(answer.at)), *signal])
        time = self.words.time(answer.at)
        version = Markup(f"<bdi>{escape(answer.policy_version)}</bdi>")  # not broken at its hyphens
        life = self.policy.ask_again_after.seconds or 0
        lines = [
            say(
                "panel.given", what=self._content(decision), date=date(answer.at), time=time, version=version
            ),
            say("panel.again", date=date(answer.at + life)),
        ]
        if decision.new.pairs:
            lines.append(say("panel.new", new=self.names(decision.new)))
        if decision.signal:
            lines.append(say("panel.outranks"))
        if decision.grants:
            lines.append(say("panel.withdraw"))
        return _paragraphs(lines)

    def _content(self, decision: Decision) -> Markup:
        answer = decision.answer
        here = answer.granted & self.scope.purposes if answer else ()
        granted = [p.id for p in self.policy.purposes if p.id in here]
        if answer is None or not granted:
            return self.words.say("panel.refused")
        if Scope(answer.scope.pairs & self.scope.pairs).purposes <= set(granted):
            return self.words.say("panel.accepted")
        labels = self.words.listed(self.words.purpose(id_, "label") for id_ in granted)
        return self.words.say("panel.mixed", purposes=labels)

    def names(self, scope: Scope) -> Markup:
        """Return what a scope holds, as `HubSpot (Functional)`, in the order of the rules."""
        return self.words.listed(
            f"{provider.name} ({self.words.purpose(purpose.id, 'label')})"
            for purpose in self.policy.purposes
            for provider in self.policy.providers
            if Pair(purpose.id, provider.id) in scope.pairs
        )

    def _asked(self) -> Iterable[Purpose]:
        """Give the purposes that have a switch."""
        return (purpose for purpose in self.policy.purposes if purpose.id in self.scope.purposes)

    def purpose(self, purpose: Purpose, decision: Decision, presumed: Sequence[CookieRule] = ()) -> Markup:
        """Return one purpose: its switch, and behind it consequence of refusing, basis, providers."""
        words = self.words
        switch = fill(
            "panel_switch",
            id=purpose.id,
            checked=self._checked(purpose, decision),
            allow=words.say("panel.allow", label=words.purpose(purpose.id, "label")),
        )
        return fill(
            "panel_purpose",
            id=purpose.id,
            switch=switch,
            sentence=words.purpose(purpose.id, "sentence"),
            details=words.plain("panel.details"),
            names=self.words.names(provider.name for provider in self._providers(purpose)),
            facts=words.sentence([words.purpose(purpose.id, "refusing"), self._basis(purpose)]),
            providers=self._each_provider(purpose, presumed),
        )

    def fixed(self, purpose: Purpose, presumed: Sequence[CookieRule] = ()) -> Markup:
        """Return one purpose that is always on, folded; nothing for those that need consent."""
        if self.policy.needs_consent(purpose.id):
            return Markup()
        words = self.words
        parts = (words.purpose(purpose.id, "sentence"), words.purpose(purpose.id, "refusing"))
        return fill(
            "panel_fixed",
            id=purpose.id,
            label=words.purpose(purpose.id, "label"),
            always_on=words.plain("panel.always_on"),
            sentence=words.sentence([*parts, self._basis(purpose)]),
            providers=self._each_provider(purpose, presumed),
        )

    def _basis(self, purpose: Purpose) -> Markup:
        return self.words.say("panel.basis", basis=self.words.basis(purpose.basis))

    def _each_provider(self, purpose: Purpose, presumed: Sequence[CookieRule]) -> Markup:
        found = [self.provider(purpose, provider) for provider in self._providers(purpose)]
        return joined([*found, self._presumed(purpose, presumed)])

    def _checked(self, purpose: Purpose, decision: Decision) -> Markup:
        """A tick says what holds now: a purpose that a new provider joined is not wholly agreed to."""
        asked = {pair for pair in self.scope.pairs if pair.purpose == purpose.id}
        return Markup(' checked="checked"') if asked <= decision.grants else Markup()

    def _providers(self, purpose: Purpose) -> Iterable[Provider]:
        for provider in self.policy.providers:
            has_rows = any(row.purpose == purpose.id for row in provider.cookies)
            if provider.enabled and (has_rows or Pair(purpose.id, provider.id) in self.scope.pairs):
                yield provider

    def provider(self, purpose: Purpose, provider: Provider) -> Markup:
        """Return one provider of a purpose: recipient, transfers, and its cookies."""
        chosen = self._lines(purpose, provider)
        count = len(chosen)  # a row's names are one cookie's, or those of one platform of several
        domains = dict.fromkeys(domain for line in chosen for domain in line.domains)
        summary = [
            self.words.count("provider.cookies", count),
            *([self.words.names(domains)] if domains else []),
        ]
        return fill(
            "panel_provider",
            name=provider.name,
            summary=" \u00b7 ".join(summary),
            facts=self._facts(purpose, provider, has_rows=bool(chosen)),
            table=stacked_table(_COLUMNS, (line.cells for line in chosen), self.words) if chosen else "",
        )

    def _presumed(self, purpose: Purpose, presumed: Sequence[CookieRule]) -> Markup:
        """Return what passes for that purpose and is not yet described, as if of one provider."""
        rows = tuple(row for row in presumed if row.purpose == purpose.id)
        if not rows:
            return Markup()
        chosen = self._lines(purpose, Provider("presumed", "", rows[0].place, rows))
        return fill(
            "panel_provider",
            name=self.words.plain("provider.presumed"),
            summary=self.words.count("provider.cookies", len(chosen)),
            facts=self.words.plain("provider.presumed_facts"),
            table=stacked_table(_COLUMNS, (line.cells for line in chosen), self.words),
        )

    def _lines(self, purpose: Purpose, provider: Provider) -> list[_Line]:
        """Return the rows that a visitor can tell apart: a leading dot tells them nothing."""
        lines = (
            _Line(
                row.names,
                tuple(dict.fromkeys(domain.removeprefix(".") for domain in row.domains)),
                self.words.phrase(row.why),
                self.words.duration(row.lasts),
            )
            for row in provider.cookies
            if row.purpose == purpose.id
        )
        return list(dict.fromkeys(lines))

    def _facts(self, purpose: Purpose, provider: Provider, *, has_rows: bool) -> Markup:
        """Return who receives data, where, under which safeguards, and their own notice."""
        words, name = self.words, provider.name
        keys = words.names(
            key for rule in provider.storage if rule.purpose == purpose.id for key in rule.keys
        )
        loads = "provider.loads" if self.policy.needs_consent(purpose.id) else "provider.loads_always"
        where = words.phrase(provider.country or "")
        safe = words.phrase(provider.transfers or "")
        text = words.sentence(
            [
                words.say(
                    "provider.country" if where else "provider.recipient", provider=name, country=where
                ),
                words.say("provider.transfers", transfers=safe) if safe else "",
                words.say("provider.storage", keys=keys) if keys else "",
                "" if has_rows else words.plain(loads),
            ]
        )
        address = external(provider.privacy or "")
        notice = link(address, words.say("provider.privacy", provider=name)) if address else None
        return Markup(f"{text} {notice}") if notice else text


def _paragraphs(lines: Iterable[Markup]) -> Markup:
    return joined(Markup(f"<p>{escape(line)}</p>") for line in lines)
