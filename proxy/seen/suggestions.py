"""Rules for what no rule speaks of, as blocks of rules.yaml to paste and to go through.

The catalogue's providers are used by name. Everything else is a guess and says so in a TODO, which
`check` warns of. No guess is granted as necessary. Every word that was seen is written as a quoted
string, and what no rule can say becomes a comment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from proxy.catalogue.public_lists import CookieGuess
from proxy.catalogue.shipped import providers
from proxy.policy.durations import parse_duration
from proxy.policy.hosts import registrable
from proxy.policy.model import NECESSARY, Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.rules_schema import CookieShape, NeutralShape, StorageShape, TagShape
from proxy.policy.used_providers import needed
from proxy.seen.declaration import Whose
from proxy.seen.discovery import Discovery, SeenName
from proxy.seen.names import Kind

_WANTED = {
    "ad": ("marketing", "advertising", "targeting", "performance"),
    "marketing": ("marketing", "advertising", "targeting", "performance"),
    "analytics": ("performance", "analytics", "statistics", "measurement"),
    "tag-manager": ("performance", "analytics", "statistics", "measurement"),
    "social": ("social", "functional"),
    "functional": ("functional", "preferences"),
    "security": ("functional", "preferences"),
    "video": ("functional", "social"),
    "customer-success": ("functional", "preferences"),
    "utility": ("functional", "preferences"),
    "cdn": ("functional", "preferences"),
    "hosting": ("functional", "preferences"),
}
"""By category of the lists: purposes that would fit, the first that the policy has."""


@dataclass(slots=True)
class Block:
    """One provider to add: its lines, under `use:` or under `providers:`."""

    id: str
    lines: list[str]
    used: bool = False  # by name, from the catalogue
    owner: str = ""
    names: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """The lines, as they stand below their heading."""
        return "\n".join(self.lines) + "\n"


class _Domains:
    """Where the rows say that the site's own cookies are."""

    def __init__(self, own: OwnHosts, name: str) -> None:
        self._own = own
        self._base = registrable(own.domain or name) or own.domain or name
        self._several = sum(_is_below(host, self._base) for host in own.hosts) > 1

    def of(self, seen: str) -> str:
        """Return the domain for a cookie that was seen on this one; nobody sees it of a script's.

        A row for the whole domain holds wherever under it the cookie is set: on several hosts of the site,
        by a script that names the domain, and where the site was only tried on this machine.
        """
        tried_here = seen in self._own.hosts and (seen == "localhost" or seen.endswith(".localhost"))
        if not seen or seen == self._base or (tried_here and not _is_below(seen, self._base)):
            return f".{self._base}"
        on_a_host = seen in self._own.hosts and _is_below(seen, self._base)
        return f".{self._base}" if on_a_host and self._several else seen


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)


def suggest(
    found: Discovery, policy: Policy, own: OwnHosts, name: str, taken_ids: Iterable[str] = ()
) -> list[Block]:
    """Return a block for each owner of what was found on the site of that name, none with a taken id."""
    domains = _Domains(own, name)
    groups: dict[str, list[SeenName]] = {}
    for one in (*found.undeclared, *found.presumed):
        groups.setdefault(_group(one), []).append(one)
    taken = {provider.id for provider in policy.providers} | set(providers()) | set(taken_ids)
    has = {provider.id for provider in policy.providers} | set(taken_ids)
    blocks = []
    for group, findings in groups.items():
        known = findings[0].whose.catalogue
        if known and group == known and known not in has:
            blocks.append(_use(known, findings, policy))
        else:
            id_ = _free(findings[0], taken)
            taken.add(id_)
            blocks.append(_provider(id_, findings, policy, domains))
    return blocks


def as_yaml(blocks: Sequence[Block], after: str = "") -> str:
    """Return the blocks below the headings of rules.yaml where they belong.

    `after` is the last key of a file at whose end they are to stand: what belongs there has no heading.
    """
    used = "".join(block.text for block in blocks if block.used)
    rest = "\n".join(block.text for block in blocks if not block.used)
    parts = {"use": used, "providers": rest}
    ordered = sorted(parts.items(), key=lambda part: part[0] != after)
    return "\n".join(f"{'' if key == after else f'{key}:{chr(10)}'}{text}" for key, text in ordered if text)


def purpose_of(policy: Policy, category: str) -> str | None:
    """Return the purpose that a category is likely to need; one that needs consent, or None."""
    asked = [p.id for p in policy.purposes if p.id != NECESSARY and policy.needs_consent(p.id)]
    fitting = next((id_ for id_ in _WANTED.get(category, ()) if id_ in asked), None)
    return fitting or (asked[-1] if asked else None)


def _group(one: SeenName) -> str:
    if one.says.whose in (Whose.PLATFORM, Whose.TRACKER) and not one.whose.catalogue:
        return one.says.id
    return one.whose.catalogue or one.whose.owner


def _free(one: SeenName, taken: set[str]) -> str:
    name = one.whose.owner if one.whose.is_known else "not-known"
    if one.says.whose in (Whose.PLATFORM, Whose.TRACKER):
        name = one.says.id
    id_ = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40].strip("-") or "not-known"
    id_ = id_ if id_[0].isalpha() else f"x-{id_}"
    return next(made for n in range(1, 10_000) if (made := id_ if n == 1 else f"{id_}-{n}") not in taken)


def _use(id_: str, findings: list[SeenName], policy: Policy) -> Block:
    """Return a provider of the catalogue by its name; with other purposes where the policy lacks its own."""
    has = {purpose.id for purpose in policy.purposes}
    lacking = sorted(needed(providers()[id_]) - has)
    line, todo = f"  - {id_}", ""
    if lacking:
        moved = {one: purpose_of(policy, "ad" if one == "marketing" else one) for one in lacking}
        line += f": {{ purpose: {{ {', '.join(f'{old}: {new}' for old, new in moved.items())} }} }}"
        todo = f"TODO: the policy has no purpose {' or '.join(lacking)}; "
    return Block(
        id_,
        [f"{line}   # {todo}{_named(findings)}"],
        used=True,
        owner=findings[0].whose.owner,
        names=[f.name for f in findings],
    )


def _provider(id_: str, findings: list[SeenName], policy: Policy, domains: _Domains) -> Block:
    first = findings[0].whose
    name = first.owner if first.is_known else "Not known"
    lines = [f"  {id_}:", f"    name: {_quoted(name)}   # TODO: {_source(findings)}"]
    if first.homepage:
        lines.append(f"    # TODO: privacy: its privacy notice; its home page is {_quoted(first.homepage)}")
    for heading, rows in (
        ("cookies", [_cookie(one, policy, domains) for one in findings if one.kind is Kind.COOKIE]),
        ("tags", [*_tags([f for f in findings if f.kind is Kind.HOST], policy), *_calls(findings, policy)]),
        ("storage", [_key(one, policy) for one in findings if one.kind is Kind.KEY]),
    ):
        said = [row for row in rows if row]
        if any(not row.startswith("#") for row in said):
            lines.append(f"    {heading}:")
        lines += [f"      {row}" for row in said]
    servers = [f"stun:{one.name}" for one in findings if "webrtc" in one.seen.elements]
    sockets = [one.name for one in findings if "socket" in one.seen.elements and _is_host(one.name)]
    if servers or sockets:
        lines.append(f"    connect: {_quoted([*sockets, *servers])}")
    return Block(id_, lines, owner=name, names=[one.name for one in findings])


def _cookie(one: SeenName, policy: Policy, domains: _Domains) -> str:
    guess, facts = one.whose.guess, one.seen.cookie
    purpose = _purpose(one, policy)
    if purpose is None:
        return _unsaid(one, "the policy asks for no consent")
    lasts = str(facts.get("lasts") or _lasts(guess))
    row = {
        "name": one.name,
        "domain": domains.of(str(facts.get("domain", ""))),
        "purpose": purpose,
        "lasts": lasts,
        "why": guess.why if guess is not None and guess.why else "TODO: what it is for",
        "unpublished": "Seen on the site; the published policy lacks it",
    }
    return _checked(CookieShape, row, one) or f"- {_mapping(row)}   # {_todo(one)}"


def _tags(hosts: list[SeenName], policy: Policy) -> list[str]:
    """Return one rule for all hosts of an owner that can be said; a comment for each that cannot."""
    said: list[SeenName] = []
    rows: list[str] = []
    for one in hosts:
        if "webrtc" in one.seen.elements:
            continue
        row = {"from": [one.name.removeprefix("*.")], "purpose": _purpose(one, policy)}
        wrong = _checked(TagShape, row, one)
        if wrong:
            rows.append(wrong)
        else:
            said.append(one)
    if said:
        names = sorted({one.name.removeprefix("*.") for one in said})
        row = {"from": names, "purpose": _purpose(said[0], policy)}
        rows.insert(0, f"- {_mapping(row)}   # {_todo(said[0])}")
    return rows


def _calls(findings: Iterable[SeenName], policy: Policy) -> list[str]:
    """Return a rule for the snippets of each function that is called."""
    rows = [
        (one, {"text": one.name, "purpose": _purpose(one, policy)})
        for one in findings
        if one.kind is Kind.CALL
    ]
    return [_checked(TagShape, row, one) or f"- {_mapping(row)}   # {_todo(one)}" for one, row in rows]


def _key(one: SeenName, policy: Policy) -> str:
    row = {"key": one.name, "purpose": _purpose(one, policy)}
    return _checked(StorageShape, row, one) or f"- {_mapping(row)}   # {_todo(one)}"


def _purpose(one: SeenName, policy: Policy) -> str | None:
    """Return the purpose of a platform's row, else a guess that needs consent."""
    if one.says.whose is Whose.PLATFORM:
        rows = [row for p in policy.catalogue.platforms if p.id == one.says.id for row in p.cookies]
        found = next((row.purpose for row in rows if one.name in row.names), None)
        if found is not None and any(purpose.id == found for purpose in policy.purposes):
            return found
    return purpose_of(policy, one.whose.category)


def _checked(
    shape: type[CookieShape | TagShape | StorageShape | NeutralShape], row: dict[str, Any], one: SeenName
) -> str:
    """Return a comment that says why no rule can say this; empty where one can."""
    try:
        shape.model_validate(row, by_alias=True)
    except ValidationError as error:
        return _unsaid(one, str(error.errors()[0]["msg"]))
    return ""


def _unsaid(one: SeenName, why: str) -> str:
    return f"# {_quoted(one.name)} cannot be written as a rule: {_quoted(why)}"


def _todo(one: SeenName) -> str:
    if one.says.whose is Whose.PLATFORM:
        return f"TODO: confirm; the catalogue knows it as a cookie of {one.says.id}"
    guess = one.whose.guess
    if guess is not None:
        return f"TODO: a guess; the Open Cookie Database says {_quoted(guess.category)}"
    if one.kind is Kind.COOKIE and one.seen.cookie.get("httponly"):
        return "TODO: presumed necessary today; say purpose: necessary if sign-in or a basket needs it"
    if one.whose.category:
        return f"TODO: a guess; third-party-web says {_quoted(one.whose.category)}"
    return "TODO: the purpose is a guess"


def _source(findings: Iterable[SeenName]) -> str:
    said = {_todo_source(one) for one in findings}
    return "whose this is" + (f"; {' and '.join(sorted(said - {''}))} says so" if said - {""} else "")


def _todo_source(one: SeenName) -> str:
    if one.says.whose in (Whose.PLATFORM, Whose.TRACKER) or one.whose.catalogue:
        return "the catalogue"
    if one.whose.guess is not None:
        return "the Open Cookie Database"
    return "third-party-web" if one.whose.category else ""


def _lasts(guess: CookieGuess | None) -> str:
    said = guess.lasts if guess is not None else ""
    return said if said and parse_duration(said) is not None else "Session"


def _named(findings: Iterable[SeenName]) -> str:
    return ", ".join(_quoted(one.name) for one in findings)


def _is_host(name: str) -> bool:
    return not name.startswith("[") and "*" not in name


def _mapping(row: dict[str, Any]) -> str:
    return "{ " + ", ".join(f"{name}: {_quoted(value)}" for name, value in row.items()) + " }"


def _quoted(value: object) -> str:
    """Return a JSON string or list of strings, which YAML reads alike; ids stay as they are."""
    return json.dumps(value, ensure_ascii=False)
