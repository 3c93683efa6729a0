"""Adds the proxy's script, style and addresses to the site's Content-Security-Policy.

Nothing else is loosened: browsers enforce every policy they get, so the site's own is
changed only by the hash of what is injected, or the address of the proxy's file. Where
'unsafe-inline' is in force no hash is added: it would switch that off for the site's own
code. Addresses that the injected code frames or fetches are added if not allowed anyway.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

SCRIPTS = ("script-src-elem", "script-src", "default-src")
STYLES = ("style-src-elem", "style-src", "default-src")
CONNECTS = ("connect-src", "default-src")
FRAMES = ("frame-src", "child-src", "default-src")
FORMS = ("form-action",)

_OWN = {SCRIPTS: "script-src", STYLES: "style-src", CONNECTS: "connect-src", FRAMES: "frame-src"}
"""The specific directive to add, where a wider one decides."""

_WIDER = frozenset({"default-src", "child-src"})

_WORDS = re.compile(
    r"[^\t\n\f\r ]+"
)  # str.split would part at no-break spaces and others as well (CSP3 2.2.1)

_WHOLE = frozenset({"allow-scripts", "allow-forms", "allow-same-origin"})
"""What a sandbox has to allow for the proxy's frames, which inherit it, to work."""


@dataclass(frozen=True, slots=True)
class Admission:
    """The site's policies with our sources added, and what injected code can still do.

    `scripts`, `styles`: injected ones run and apply; `forms`, `connects`, `frames`: the page
    may post to, fetch from and frame our addresses; `trusted_types`: no markup from strings.
    """

    policies: tuple[bytes, ...]
    scripts: bool = True
    styles: bool = True
    forms: bool = True
    connects: bool = True
    frames: bool = True
    trusted_types: bool = False


def takes_files(policies: Sequence[bytes], *, by_script: bool = False) -> bool:
    """True where a file of the page's own host can be allowed, so need not be inline.

    'strict-dynamic' ignores addresses, and a sandbox may leave the page no host of its own.
    `by_script`: it is a script that asks for it, which trusted types refuse.
    """
    refused = _NO_FILES_BY_SCRIPT if by_script else _NO_FILES
    return not any(refused.search(value) for value in policies)


_NO_FILES = re.compile(rb"'strict-dynamic'|\bsandbox\b", re.IGNORECASE)
_NO_FILES_BY_SCRIPT = re.compile(_NO_FILES.pattern + rb"|\brequire-trusted-types-for\b", re.IGNORECASE)


@dataclass(slots=True)
class _Directive:
    """One directive of a policy: `raw` as written, until it is changed."""

    name: str
    tokens: list[str]
    raw: str
    changed: bool = False

    def __str__(self) -> str:
        return " ".join([f"{self._lead()}{self.name}", *self.tokens]) if self.changed else self.raw

    def _lead(self) -> str:
        return self.raw[: len(self.raw) - len(self.raw.lstrip())]


def admit(
    policies: Sequence[bytes],
    scripts: Sequence[str] = (),
    styles: Sequence[str] = (),
    *,
    connects: Sequence[str] = (),
    frames: Sequence[str] = (),
    host: str = "",
    secure: bool = True,
) -> Admission:
    """Return the policies with our sources added, and what injected code can do.

    `scripts` and `styles` are hash sources without quotes (`sha256-...`), or addresses without
    scheme on the page's own host, as all of `connects` and `frames` are. Each value may hold
    several policies; one that needs no change keeps its bytes. `host` is the page's.
    """
    done: list[bytes] = []
    seen: list[list[_Directive]] = []
    wanted = ((SCRIPTS, scripts), (STYLES, styles), (CONNECTS, connects), (FRAMES, frames))
    for value in policies:
        texts = []
        for text in value.decode("latin-1").split(","):  # in a policy a comma is always a separator
            directives = list(_directives(text))
            for names, added in wanted:
                _let_in(directives, names, added, secure=secure)
            seen.append(directives)
            changed = any(directive.changed for directive in directives)
            texts.append(";".join(map(str, directives)) if changed else text)
        done.append(",".join(texts).encode("latin-1"))
    return _admission(tuple(done), seen, dict(wanted), host, secure=secure)


def _admission(
    policies: tuple[bytes, ...],
    seen: list[list[_Directive]],
    wanted: Mapping[tuple[str, ...], Sequence[str]],
    host: str,
    *,
    secure: bool,
) -> Admission:
    """Return what these policies together allow, with the `wanted` sources added."""

    def own(names: tuple[str, ...]) -> bool:
        added = wanted.get(names) or [""]
        in_force = [found for directives in seen if (found := _find(directives, names))]
        return all(set(added) <= set(d.tokens) or _reaches(d, host, secure=secure) for d in in_force)

    boxes = [found for directives in seen if (found := _find(directives, ("sandbox",)))]
    allowed = [{token.lower() for token in box.tokens} for box in boxes]
    return Admission(
        policies,
        scripts=all("allow-scripts" in box for box in allowed),
        # A page of opaque origin posts cross-site, and such a choice is refused (threats T35).
        forms=own(FORMS) and all(box >= {"allow-forms", "allow-same-origin"} for box in allowed),
        connects=own(CONNECTS) and all("allow-same-origin" in box for box in allowed),
        frames=own(FRAMES) and all(box >= _WHOLE for box in allowed),
        trusted_types=any(_find(directives, ("require-trusted-types-for",)) for directives in seen),
    )


def _directives(text: str) -> Iterator[_Directive]:
    for raw in text.split(";"):
        name, *tokens = _WORDS.findall(raw) or [""]
        yield _Directive(name.lower(), tokens, raw)


def _find(directives: list[_Directive], names: tuple[str, ...]) -> _Directive | None:
    """Return the directive in force: the first of these names, and of duplicates the first."""
    for name in names:
        for directive in directives:
            if directive.name == name:
                return directive
    return None


def _let_in(
    directives: list[_Directive], names: tuple[str, ...], added: Sequence[str], *, secure: bool
) -> None:
    """Add these sources; where a wider directive decides, in a specific one.

    It repeats the wider one's sources, so what was allowed stays allowed.
    """
    found, own = _find(directives, names), _OWN[names]
    if found is None:
        return
    inline = _all_inline(found.tokens, strict=own == "script-src")
    files = any(token.lower() in ("'self'", "*", "http:", f"http{'s' * secure}:") for token in found.tokens)
    words = [f"'{word}'" for word in added if _is_hash(word) and not inline]
    words += [word for word in added if not (_is_hash(word) or files)]
    missing = [word for word in words if word not in found.tokens]
    if not missing:
        return
    tokens = [token for token in found.tokens if token.lower() != "'none'"]
    if found.name in _WIDER:
        directives.append(_Directive(own, [*tokens, *missing], " ", changed=True))
    else:
        found.tokens, found.changed = [*tokens, *missing], True


def _is_hash(source: str) -> bool:
    return source.startswith("sha256-")


def _all_inline(tokens: list[str], *, strict: bool) -> bool:
    """True when every inline block may run (CSP3 6.7.3.2): 'unsafe-inline', and nothing that undoes it."""
    words = [token.lower() for token in tokens]
    undone = ("'nonce-", "'sha256-", "'sha384-", "'sha512-", *(("'strict-dynamic'",) if strict else ()))
    return "'unsafe-inline'" in words and not any(word.startswith(undone) for word in words)


def _reaches(directive: _Directive, host: str, *, secure: bool) -> bool:
    """True when the sources cover the page's own host; paths are not looked at, so they never do."""
    schemes = ("https",) if secure else ("http", "https")
    for token in map(str.lower, directive.tokens):
        if token in ("'self'", "*", f"{schemes[0]}:", "http:"):
            return True
        scheme, slashes, name = token.rpartition("://")
        if slashes and scheme not in schemes and scheme != "http":
            continue
        name = name.removesuffix(":*")
        if host and (name == host or (name.startswith("*.") and host.endswith(name[1:]))):
            return True
    return False
