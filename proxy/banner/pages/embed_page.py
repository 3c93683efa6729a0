"""The pages that show one embed of one provider inside a frame, each under its own fence.

Shown once: a page of the provider's framed, or its form or post run by its own script, with
that provider's hosts open and nobody else's. Relayed: its form, where only our own address can
be reached. Forms stand in a sandbox without an origin.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from proxy.banner.assets import css_hash, guard, script
from proxy.banner.markup import Markup, escape, fill, when
from proxy.banner.words import Words
from proxy.filter.headers.fence import ALWAYS, fence
from proxy.filter.headers.guard_table import GuardTable, guard_table
from proxy.filter.tags.embeds import BOXES, Embed, EmbedKind
from proxy.policy.model import Policy, RelayRule, Undeclared
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair

FRAME = "html,body,iframe{margin:0;border:0;display:block;width:100%;height:100%}"
FORM = (
    "body{margin:0;padding:1px 1px 12px;font:16px/1.5 system-ui,sans-serif}"
    "@media(prefers-color-scheme:dark){body{padding:12px}}"
)
"""A form is dark on white, as its provider styles it: on a dark page it stands on a white card."""

SANDBOX = "allow-scripts allow-forms"
"""What a form may do; without allow-same-origin it has no origin, no cookie, no storage.

Neither does the page around it reach into it, nor its provider's script out of it. A post's frames need
the origins of their own, which a sandbox would take from them too.
"""

WINDOWS = "allow-popups allow-popups-to-escape-sandbox"
"""What its links need besides."""

RELAYED = "default-src 'self' 'unsafe-inline' data:; form-action 'self'; base-uri 'none'"
"""The fence of a relayed form, with which nothing at all reached the provider but through us."""

_BOX = "cc-form"


@dataclass(frozen=True, slots=True)
class EmbedPage:
    """A page for a frame, and the Content-Security-Policy it is served with."""

    page: bytes
    policy: bytes


class EmbedPages:
    """Makes these pages for one policy; `path` are our addresses (consent.path)."""

    def __init__(self, policy: Policy, own: OwnHosts, path: str, cookie: str) -> None:
        self._policy = policy
        self._own = own
        self._path = path
        self._cookie = cookie

    def once(self, embed: Embed, words: Words, grants: frozenset[Pair]) -> EmbedPage:
        """Return the page that shows this once; `grants` is what holds for the visitor anyway."""
        sources = self._sources(embed)
        if embed.kind is EmbedKind.FRAME:
            content = fill("wrapped_frame", address=embed.address, title=self._title(embed, words))
            parts = ["default-src 'none'", f"style-src '{css_hash(FRAME)}'", f"frame-src {sources}"]
            parts += ["base-uri 'none'", "form-action 'none'", "frame-ancestors 'self'"]
            return EmbedPage(self._page(embed, words, FRAME, Markup(), content), _policy(parts))
        parts = [f"default-src {ALWAYS} {sources}", "base-uri 'none'", f"form-action 'self' {sources}"]
        if embed.is_form:
            code, content = script("sandboxed"), _form(embed, embed.address)
            parts.append(f"sandbox {SANDBOX} {WINDOWS}")
        else:
            code, content = guard(self._table(grants)), _post(embed)
        head = Markup(f"<script>{code}{script('embed_page')}</script>")
        page = self._page(embed, words, FORM, head, content)
        return EmbedPage(page, _policy([*parts, "frame-ancestors 'self'"]))

    def _table(self, grants: frozenset[Pair]) -> GuardTable:
        reports = f"{self._path}reports"
        return guard_table(self._policy, grants, self._own, consent_cookie=self._cookie, reports=reports)

    def relayed(self, embed: Embed, rule: RelayRule, words: Words) -> EmbedPage:
        """Return the page of a form that reaches its provider through our relay alone."""
        relay = f"{self._path}relay/"
        literals = ",".join(json.dumps(value).replace("<", "\\u003c") for value in (list(rule.hosts), relay))
        code = script("relayed").replace("(HOSTS)", f"({literals})")
        code += script("sandboxed") + script("embed_page")
        form = _form(embed, relay + embed.address.removeprefix("https://"))
        page = self._page(embed, words, FORM, Markup(f"<script>{code}</script>"), form)
        parts = [RELAYED, "frame-ancestors 'self'", f"sandbox {SANDBOX}"]
        return EmbedPage(page, _policy(parts))

    def gone(self, words: Words) -> EmbedPage:
        """Return the page for an expired or invalid ticket."""
        return self._message(words, "placeholder.gone")

    def failed(self, words: Words) -> EmbedPage:
        """Return the page for a form whose provider could not be reached when it was sent."""
        return self._message(words, "placeholder.failed")

    @staticmethod
    def _message(words: Words, key: str) -> EmbedPage:
        text = words.plain(key)
        page = fill(
            "wrapped",
            lang=words.code,
            dir=words.direction,
            title=text,
            style=Markup(FORM),
            head="",
            content=Markup(f"<p>{escape(text)}</p>"),
            noscript="",
            failed="",
        ).encode()
        parts = ["default-src 'none'", f"style-src '{css_hash(FORM)}'", "base-uri 'none'"]
        return EmbedPage(page, _policy([*parts, "frame-ancestors 'self'"]))

    def _page(self, embed: Embed, words: Words, style: str, head: Markup, content: Markup) -> bytes:
        frames = embed.kind is EmbedKind.FRAME
        failed = words.say("placeholder.failed" if embed.is_form else "placeholder.unreachable")
        return fill(
            "wrapped",
            lang=words.code,
            dir=words.direction,
            title=self._title(embed, words),
            style=Markup(style),
            head=head,
            content=content,
            noscript=words.plain("placeholder.needs_script") if embed.is_form else "",
            failed=when(not frames, Markup(f'<p role="status" hidden="">{failed}</p>')),
        ).encode()

    def _title(self, embed: Embed, words: Words) -> str:
        provider = self._policy.provider(embed.provider)
        return words.say("placeholder.title", provider=provider.name if provider else embed.provider)

    def _sources(self, embed: Embed) -> str:
        """Return the hosts of that provider which its purposes open, as sources."""
        provider = self._policy.provider(embed.provider)
        alone = replace(
            self._policy,
            providers=(provider,) if provider else (),
            neutral=(),
            undeclared_tags=Undeclared.HOLD,
        )
        grants = frozenset(Pair(purpose, embed.provider) for purpose in embed.needs)
        words = fence(alone, OwnHosts(frozenset()), grants).decode("ascii").partition(";")[0]
        return f"https://{embed.host}{words.removeprefix(f'default-src {ALWAYS}')}"


def _form(embed: Embed, script_address: str) -> Markup:
    """Return the box of a form and the script that fills it. Its ids were checked when it was read."""
    region, portal, form = embed.words
    if embed.kind in BOXES:
        box = BOXES[embed.kind]
        return fill(
            "wrapped_new_form", box=box, region=region, portal=portal, form=form, script=script_address
        )
    options = {"region": region, "portalId": portal, "formId": form, "target": f"#{_BOX}"}
    call = Markup(json.dumps(options).replace("<", "\\u003c"))
    return fill("wrapped_form", box=_BOX, script=script_address, options=call)


def _post(embed: Embed) -> Markup:
    """Return a post as its network's script looks for it: a box with a link to it."""
    network = embed.network
    box = network.box if network is not None else ""
    return fill("wrapped_post", box=box, address=embed.words[0], script=embed.address)


def _policy(parts: Iterable[str]) -> bytes:
    return "; ".join(parts).encode("ascii")


def frame_markup(address: str, title: str, height: int) -> Markup:
    """Return the frame of a relayed form as it stands in a page of the site."""
    return Markup(
        f'<iframe src="{escape(address)}" title="{escape(title)}" data-cc-frame="" sandbox="{SANDBOX}"'
        f' loading="lazy" height="{height}"></iframe>'
    )
