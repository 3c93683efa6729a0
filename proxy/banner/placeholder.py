"""What stands in place of a refused embed: who it is, what they would receive, and fair ways on.

Made of inline elements: it may stand inside a paragraph, and holds no form, since it may
stand inside one. Its ways on are links, so they work without script. "Always" leads to that
purpose on the panel; its data say what a post to `choice` would carry: choice=placeholder,
purpose= for every purpose granted so far and for these, provider= the provider.
"""

from __future__ import annotations

from functools import lru_cache

from proxy.banner.markup import Markup, ascii_bytes, escape, external, fill, joined, when
from proxy.banner.words import Words
from proxy.filter.actions import TagFacts
from proxy.filter.verdict import Verdict
from proxy.policy.model import Policy, Provider
from proxy.policy.scope import Scope

_AWAY = 'target="_blank" rel="noopener noreferrer"'


class Placeholders:
    """Makes the placeholders of one policy; equal embeds get equal bytes, so they are kept."""

    def __init__(self, policy: Policy, scope: Scope, path: str) -> None:
        self._policy = policy
        self._scope = scope
        self._path = path
        self._made = lru_cache(maxsize=512)(self._make)

    def of(self, verdict: Verdict, facts: TagFacts, words: Words) -> bytes:
        """Return what stands in place of the element the verdict speaks of."""
        if facts.with_ == "nothing":
            return b""
        return self._made(verdict.provider, verdict.needs, facts.link, words)

    def _make(
        self, provider_id: str | None, needs: tuple[str, ...], address: str | None, words: Words
    ) -> bytes:
        provider = self._policy.provider(provider_id) if provider_id else None
        link = external(address or "")
        if provider is None:
            return ascii_bytes(_plain(link)) if link else b""
        asked = [purpose for purpose in needs if purpose in self._scope.purposes]
        labels = words.listed(words.purpose(purpose, "label") for purpose in asked)
        cookies = self._cookies(provider, asked)
        key = "placeholder.text" if cookies else "placeholder.text_no_cookie"
        ways = [_way(link, words.say("placeholder.open", provider=provider.name))] if link else []
        if asked:
            ways.append(self._always(provider, asked, words.say("placeholder.always", purposes=labels)))
        others = words.listed(self._covered(asked, provider))
        covered = words.say("placeholder.covers", purposes=labels, providers=others)
        return ascii_bytes(
            fill(
                "placeholder",
                lang=words.code,
                dir=words.direction,
                title=words.say("placeholder.title", provider=provider.name),
                text=words.say(key, provider=provider.name, cookies=", ".join(cookies), purposes=labels),
                covers=when(others, Markup(f"<i>{covered}</i>")),
                ways=joined(ways),
            )
        )

    def _cookies(self, provider: Provider, asked: list[str]) -> list[str]:
        rows = [row for row in provider.cookies if row.purpose in asked]
        return list(dict.fromkeys(name for row in rows for name in row.names))

    def _covered(self, asked: list[str], provider: Provider) -> list[str]:
        """Return the names of everybody else whom agreeing to these purposes lets in."""
        ids = {pair.provider for pair in self._scope.pairs if pair.purpose in asked}
        return [p.name for p in self._policy.providers if p.id in ids and p is not provider]

    def _always(self, provider: Provider, asked: list[str], text: Markup) -> Markup:
        address = f"{self._path}#cc-p-{asked[0]}"
        return Markup(
            f'<a class="b" href="{escape(address)}" data-cc-always="{escape(" ".join(asked))}"'
            f' data-cc-provider="{escape(provider.id)}">{text}</a>'
        )


def _way(address: str, text: Markup) -> Markup:
    """Return the way out: a real link that tells the provider nothing of this page."""
    return Markup(
        f'<a class="b" href="{escape(address)}" target="_blank" rel="noopener noreferrer">{text}</a>'
    )


def _plain(address: str) -> Markup:
    return Markup(
        f'<a href="{escape(address)}" target="_blank" rel="noopener noreferrer">{escape(address)}</a>'
    )
