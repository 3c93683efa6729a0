"""The head of a page: the injected style and script, inline or as files.

A page that asks has them inline: nothing is fetched before paint. Once the visitor has
answered they are files, immutable and named by their hash, and the page has two
addresses, the visitor's days of consent and the consent signals for providers.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, replace

from proxy.banner.assets import css_hash, guard, script, style
from proxy.banner.box_selectors import box_selector, loader_selector
from proxy.banner.markup import Markup, ascii_bytes, escape
from proxy.banner.observer import observer_script
from proxy.banner.provider_signals import signals, stand_ins
from proxy.config.banner_colours import Look
from proxy.consent.decision import Ask, Decision, allows
from proxy.filter.cache import Cache
from proxy.filter.headers.guard_table import GUARD_SCRIPT, GuardTable, guard_table
from proxy.policy.actions import Action
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import Pair

ASKS = frozenset({Ask.FIRST, Ask.EXPIRED, Ask.NEW, Ask.SIGNAL})

MAX_CACHED = 512
"""Heads cached: grants x questions of one site, and scopes in transition."""

CALLED_AT_ONCE = "//# allFunctionsCalledOnLoad\n"
"""Asks V8 to compile a script's functions with it: one by one, as they are called, they are parsed twice."""

_LEAVES = ";document.currentScript.remove()"
"""Styles and scripts of a drawing may count its elements."""

_NAME = re.compile(r"(page|frame|offers)\.[0-9a-f]{16}\.(js|css)")


@dataclass(frozen=True, slots=True)
class File:
    """A script or style sheet of the proxy, named by the hash of its bytes."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class PageHead:
    """The head's part for everybody with the same grants and the same question.

    `scripts` and `styles` are what the site's own policies have to let in: hashes of what is
    in the page, paths of what is not. `connects` and `frames` are the paths that the script
    asks, and that a placeholder may frame.
    """

    before: bytes  # up to the place of the visitor's own days
    behind: bytes
    scripts: tuple[str, ...]
    styles: tuple[str, ...]
    files: tuple[File, ...] = ()
    connects: tuple[str, ...] = ()
    frames: tuple[str, ...] = ()
    offers: bool = False  # placeholders may stand in such pages

    def bytes(self, since: str, without: str = "") -> bytes:
        """Return the head's bytes for a visitor with these days, on a page that can do `without` that."""
        more = b'" data-without="%b' % without.encode("ascii") if without else b""
        return self.before + ascii_bytes(escape(since)) + more + self.behind


class PageHeads:
    """Makes and caches the heads of one policy's pages, with their files."""

    def __init__(self, policy: Policy, own: OwnHosts, look: Look, path: str, cookie: str) -> None:
        self._policy = policy
        self._own = own
        self._look = look
        self._path = path
        self._cookie = cookie
        self._cache: Cache[tuple[frozenset[Pair], Ask, bool, bool, bool, bool], PageHead] = Cache(MAX_CACHED)
        self._rows: Cache[frozenset[Pair], str] = Cache(MAX_CACHED)
        self._loaders = loader_selector(policy)
        arguments = f"({_whole(path)},{_literal(box_selector(policy))})"
        self._ways = script("offers").replace("(PATH,BOXES)", arguments)
        self._offers = _file("offers", "js", self._ways)
        observer = observer_script(path)
        self.observer = File(observer.name, observer.body)
        self._lasting = {one.name: one for one in (self._offers, self.observer)}
        self._files: dict[str, File] = dict(self._lasting)

    def of(
        self, decision: Decision, *, framed: bool = False, inline: bool = False, bare: bool = False
    ) -> PageHead:
        """Return the head for this decision; `inline` where a page's policies let no file of ours in.

        `bare`: what a document of other XML than XHTML gets: the guard, which takes itself out.
        """
        key = (decision.grants, decision.ask, framed, decision.withheld, inline, bare)
        head = self._cache.get(key)
        if head is None:
            made = self._make(decision, framed=framed or bare, inline=inline or bare, bare=bare)
            head = self._cache.store(key, made)
            if len(self._cache) == 1:  # it was full, and began anew
                self._files = dict(self._lasting)
            self._files |= {file.name: file for file in head.files}
        return head

    def style(self, ask: Ask) -> str:
        """Return the style sheet of a page that puts that question."""
        return style(self._style_parts(frozenset(), ask), self._look)

    def named(self, decision: Decision) -> list[str]:
        """Return the paths of the files that pages name once this is decided."""
        return [self._path + file.name for file in self.of(decision).files]

    def file(self, name: str, decision: Decision) -> File | None:
        """Return the file of that name, or in its stead what this visitor's pages carry now.

        A page may be older than this process, or made by another one with other rules: its
        guard is then that of today's rules and of what the visitor agrees to today.
        """
        if name in self._files:
            return self._files[name]
        found = _NAME.fullmatch(name)
        if found is None:
            return None
        head = self.of(replace(decision, ask=Ask.NO, withheld=False), framed=found[1] == "frame")
        files = (self._offers,) if found[1] == "offers" else head.files
        return next((file for file in files if file.name.endswith(found[2])), None)

    def _make(self, decision: Decision, *, framed: bool, inline: bool, bare: bool) -> PageHead:
        grants = decision.grants
        look = "" if framed else style(self._style_parts(grants, decision.ask), self._look)
        granted = " ".join(sorted({pair.purpose for pair in grants}))
        attributes = f'data-granted="{escape(granted)}" {made_for(decision)}'
        space = 'xmlns="http://www.w3.org/1999/xhtml" ' if bare else ""
        opening = Markup(f'<script {space}data-cfasync="false" {attributes} data-since="')
        asks, alone = decision.ask in ASKS, framed or decision.withheld
        later = asks and not inline
        page = "" if alone else page_code(asks=asks) + self._offers_or_loader(grants, later=later)
        code = self._guard(grants), signals(self._policy, grants), _LEAVES if bare else page
        if inline or decision.withheld or asks:
            head = self._inline(look, opening, "".join(code))
        else:
            head = self._linked(look, opening, code, kind="frame" if framed else "page")
        head = replace(
            head, scripts=(*head.scripts, css_hash(GUARD_SCRIPT))
        )  # in a srcdoc its policies hold, too
        return head if alone else self._reaching(head, grants, asks=asks)

    def _reaching(self, head: PageHead, grants: frozenset[Pair], *, asks: bool) -> PageHead:
        """Return the head with what such a page asks and frames at our addresses."""
        relays = any(provider.relay is not None for provider in self._policy.providers)
        offers = self._may_replace(grants)
        connects = ("choice", "state", *(("offer",) if offers else ()))
        # a submitted form navigates its frame to the relay's response
        frames = ("choice", *(("embed", *(("form", "relay/") if relays else ())) if offers else ()))
        if not (offers or asks):
            frames = ()
        return replace(
            head,
            connects=tuple(self._path + name for name in connects),
            frames=tuple(self._path + name for name in frames),
            offers=offers,
        )

    def _inline(self, look: str, opening: Markup, code: str) -> PageHead:
        """Return a head with all code inline, but what is fetched on demand."""
        sheet = f"<style>{look}</style>" if look else ""
        later = self._path + self._offers.name
        files = (self._offers,) if later in code else ()
        return PageHead(
            ascii_bytes(Markup(sheet + opening)),
            code.join(('">', "</script>")).encode("ascii"),
            (css_hash(code), *((later,) if files else ())),
            (css_hash(look),) if look else (),
            files,
        )

    def _linked(self, look: str, opening: Markup, code: tuple[str, str, str], *, kind: str) -> PageHead:
        """Return a head that links files.

        The consent signals stay inline: should the file fail to load, no provider runs without.
        """
        guarding, consent, page = code
        code_file, sheet = _file(kind, "js", guarding + page), _file(kind, "css", look)
        link = f'<link rel="stylesheet" href="{self._path}{sheet.name}"/>' if look else ""
        behind = f'" src="{self._path}{code_file.name}"></script>'
        if consent:
            behind += f'<script data-cfasync="false">{consent}</script>'
        return PageHead(
            ascii_bytes(Markup(link + opening)),
            behind.encode("ascii"),
            (self._path + code_file.name, *((css_hash(consent),) if consent else ())),
            (self._path + sheet.name,) if look else (),
            (code_file, sheet) if look else (code_file,),
        )

    def _table(self, grants: frozenset[Pair]) -> GuardTable:
        reports = f"{self._path}reports"
        return guard_table(self._policy, grants, self._own, consent_cookie=self._cookie, reports=reports)

    def _guard(self, grants: frozenset[Pair]) -> str:
        return (
            CALLED_AT_ONCE + guard(self._table(grants)) + script("frames") + stand_ins(self._policy, grants)
        )

    def cookie_rows(self, grants: frozenset[Pair]) -> str:
        """Return the rows by which cookies are judged, and whether undeclared ones are kept, as arguments."""
        found = self._rows.get(grants)
        return found if found is not None else self._rows.store(grants, self._table(grants).cookies)

    def _offers_or_loader(self, grants: frozenset[Pair], *, later: bool) -> str:
        """Return offers.js, or with `later` its loader; nothing where no placeholder can be."""
        if not self._may_replace(grants):
            return ""
        file = _whole(self._path + self._offers.name)
        ahead = script("ahead").replace("(FILE,LOADERS)", f"({file},{_literal(self._loaders)})")
        return ahead if later else self._ways

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
            and not allows(grants, provider.id, [p for p in rule.purposes if self._policy.needs_consent(p)])
            for provider in self._policy.providers
            for rule in provider.tags
        )


def page_code(*, asks: bool) -> str:
    """Return banner.js for pages that ask, or for those that do not."""
    return script("banner", *(("asking",) if asks else ()))


def _whole(path: str) -> str:
    """Return a script's argument that is a whole address: a <base> may lead paths elsewhere."""
    return f"new URL({json.dumps(path)},location).href"


def _literal(text: str) -> str:
    """Return a text as JavaScript that reads the same in HTML and in XML."""
    return "".join(f"\\u{ord(c):04x}" if c in "<>&" else c for c in json.dumps(text))


def made_for(decision: Decision) -> str:
    """Return what pages made for this decision say of it, and no others."""
    return f'data-state="{state_of(decision.grants)}" data-ask="{decision.ask.value}"'


def _file(kind: str, sort: str, text: str) -> File:
    body = text.encode("ascii")
    return File(f"{kind}.{hashlib.blake2b(body, digest_size=8).hexdigest()}.{sort}", body)


def state_of(grants: frozenset[Pair]) -> str:
    """Return a short name of these grants; tabs compare it. Nothing granted has none."""
    names = "\n".join(sorted(f"{pair.purpose} {pair.provider}" for pair in grants))
    return hashlib.blake2b(names.encode(), digest_size=4).hexdigest() if grants else ""
