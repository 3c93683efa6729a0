"""What a new rules.yaml changes: which rules, who is asked again and why, what needs no consent any more."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum

from proxy.policy.actions import Action
from proxy.policy.model import CookieRule, Policy, Provider, Purpose, TagRule, Undeclared
from proxy.policy.scope import Pair, Scope, scope_of


class ChangeKind(Enum):
    """What became of a thing."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One purpose, provider or rule that is new, gone or different; `detail` says how."""

    what: ChangeKind
    kind: str  # purpose, provider, cookie, tag, request, storage, neutral, header, setting
    name: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.what.value} {self.kind} {self.name}{self.detail and f': {self.detail}'}"


EVERYBODY = "Everybody who answered is asked again"
NOBODY = "Nobody is asked again."


def changes(old: Policy, new: Policy) -> tuple[Change, ...]:
    """Return every difference that visitors or pages can meet, purposes first."""
    before, after = _rules(old, old, new), _rules(new, new, new)
    return (
        *_compared("purpose", _purposes(old, new), _purposes(new, new)),
        *_compared("provider", _providers(old, new), _providers(new, new)),
        *(change for kind in after for change in _compared(kind, before[kind], after[kind])),
        *_compared("setting", _settings(old), _settings(new)),
    )


def asked_again(old: Policy, new: Policy) -> tuple[str, ...]:
    """Return who is asked again under the new rules and why, a sentence for each reason; empty: nobody."""
    names = dict(scope_of(new).former)
    before = Scope(frozenset(names.get(pair, pair) for pair in scope_of(old).pairs))
    after = scope_of(new)
    lacking = sorted(after.missing_from(before).pairs - after.exempt)
    return tuple(dict.fromkeys(_reason(pair, before, old, new) for pair in lacking))


def runs_without_consent(old: Policy, new: Policy) -> tuple[str, ...]:
    """Return what the new rules let load or be stored for everybody and the old ones did not."""
    before = set(_free(old))
    found = [words for words in _free(new) if words not in before]
    loose = [Undeclared.HOLD, Undeclared.DROP, Undeclared.PRESUME, Undeclared.KEEP]
    for name in ("cookies", "tags", "webrtc"):
        was, now = getattr(old, f"undeclared_{name}"), getattr(new, f"undeclared_{name}")
        if loose.index(now) > loose.index(was):
            found.append(f"undeclared {name}: {now.value}, no longer {was.value}")
    always = {name.lower() for rule in new.headers for name in rule.names}
    gone = {name for rule in old.headers for name in rule.names if name.lower() not in always}
    return (*dict.fromkeys(found), *(f"the response header {name} passes" for name in sorted(gone)))


def _reason(pair: Pair, before: Scope, old: Policy, new: Policy) -> str:
    """Return why somebody has to be asked about this pair."""
    provider = new.provider(pair.provider)
    name = f"{pair.provider} ({provider.name})" if provider else pair.provider
    earlier = {p.purpose for p in before.pairs if p.provider == pair.provider}
    if not earlier:
        return f"{EVERYBODY}: {name} is new, for {pair.purpose}.{_renamed_provider(pair.provider, old, new)}"
    if pair.purpose not in before.purposes:
        hint = _renamed_purpose(pair.purpose, before, old, new)
        return f"{EVERYBODY}: the purpose {pair.purpose} is new, with {name}.{hint}"
    left = sorted(earlier - {p.purpose for p in scope_of(new).pairs if p.provider == pair.provider})
    if left:
        return (
            f"Who agreed to {pair.purpose} is asked again: {name} moved there from {' and '.join(left)}."
            f" Nothing of it runs for the others, and they are not asked."
        )
    return f"{EVERYBODY}: {name} is now for {pair.purpose} as well."


def _renamed_provider(id_: str, old: Policy, new: Policy) -> str:
    """Return the way out where a provider that is gone looks like this one."""
    now = new.provider(id_)
    if now is None:
        return ""
    there = {one.id for one in new.providers} | {word for one in new.providers for word in one.was}
    for one in old.providers:
        if one.id not in there and (one.name == now.name or _hosts(one) & _hosts(now)):
            return f" If it is {one.id} under a new key, say `was: {one.id}` in it, and nobody is asked."
    return ""


def _renamed_purpose(id_: str, before: Scope, old: Policy, new: Policy) -> str:
    there = {one.id for one in new.purposes} | {word for one in new.purposes for word in one.was}
    inside = {pair.provider for pair in scope_of(new).pairs if pair.purpose == id_}
    for one in old.purposes:
        had = {pair.provider for pair in before.pairs if pair.purpose == one.id}
        if one.id not in there and had & inside:
            return f" If it is {one.id} under a new key, say `was: {one.id}` in it, and nobody is asked."
    return ""


def _hosts(provider: Provider) -> set[str]:
    return {host for tag in provider.tags for host in tag.hosts}


Words = dict[str, str]
"""What is compared: a name, and all that is said of it."""


def _compared(kind: str, before: Words, after: Words) -> Iterator[Change]:
    for name, words in after.items():
        if name not in before:
            yield Change(ChangeKind.ADDED, kind, name, words)
        elif before[name] != words:
            yield Change(ChangeKind.CHANGED, kind, name, f"{before[name]} -> {words}")
    for name in before:
        if name not in after:
            yield Change(ChangeKind.REMOVED, kind, name)


def _today(id_: str, there: Iterable[Purpose] | Iterable[Provider]) -> str:
    """Return the id that a purpose or provider of the old rules bears in the new ones."""
    return next((one.id for one in there if id_ in one.was), id_)


def _purposes(policy: Policy, new: Policy) -> Words:
    return {_today(one.id, new.purposes): one.basis.value for one in policy.purposes}


def _providers(policy: Policy, new: Policy) -> Words:
    found = {}
    for one in policy.providers:
        said = [one.name, one.country, one.transfers, one.privacy, None if one.enabled else "not enabled"]
        said.append(f"connects to {' '.join(one.connect)}" if one.connect else None)
        found[_today(one.id, new.providers)] = ", ".join(word for word in said if word)
    return found


def _rules(policy: Policy, of: Policy, new: Policy) -> dict[str, Words]:
    """Return the rows and rules of all providers by kind, each with what it needs."""
    found: dict[str, Words] = {
        kind: {} for kind in ("cookie", "tag", "request", "storage", "neutral", "header")
    }

    def purposes(ids: Iterable[str]) -> str:
        return " and ".join(_today(id_, new.purposes) for id_ in ids)

    for one in of.providers:
        id_ = _today(one.id, new.providers)
        for row in one.cookies:
            for name in row.names:
                key = f"{name} on {' '.join(row.domains)} ({id_})"
                found["cookie"].setdefault(key, f"{purposes([row.purpose])}, {row.lasts.text}")
        for tag in one.tags:
            found["tag"].setdefault(
                f"{tag_words(tag)} ({id_})", f"{tag.do.value} for {purposes(tag.purposes)}"
            )
        for rule in one.requests:
            found["request"][f"{' '.join(rule.paths)} ({id_})"] = purposes(rule.purposes)
        for kept in one.storage:
            found["storage"].update({f"{key} ({id_})": purposes([kept.purpose]) for key in kept.keys})
    found["neutral"] = {host: "" for rule in policy.neutral for host in rule.hosts}
    found["header"] = {name: rule.purpose or "always" for rule in policy.headers for name in rule.names}
    return found


def tag_words(tag: TagRule) -> str:
    """Return the conditions of a tag rule in one line."""
    said = [("from", tag.hosts), ("path", tag.paths), ("element", tag.elements), ("id", tag.ids)]
    said += [("class", tag.classes), ("attribute", tuple(f"{n}={v or '*'}" for n, v in tag.attributes))]
    if tag.text:
        said += [("text", tag.text.all), ("any text of", tag.text.any)]
    return ", ".join(f"{name} {' '.join(words)}" for name, words in said if words)


def _settings(policy: Policy) -> Words:
    return {
        "undeclared cookies": policy.undeclared_cookies.value,
        "undeclared tags": policy.undeclared_tags.value,
        "undeclared webrtc": policy.undeclared_webrtc.value,
        "ask_again_after": policy.ask_again_after.text,
        "version": policy.version,
    }


def _free(policy: Policy) -> Iterator[str]:
    """Yield what loads or is stored without consent, in words that two policies can be compared by."""

    def free(purposes: Iterable[str]) -> bool:
        return not any(policy.needs_consent(one) and not policy.is_exempt(one) for one in purposes)

    for rule in policy.neutral:
        yield from (f"{host} loads for everybody" for host in rule.hosts)
    for provider in policy.providers:
        for tag in provider.tags if provider.enabled else ():
            if tag.do is Action.KEEP or (tag.do is not Action.NEVER and free(tag.purposes)):
                yield f"{tag_words(tag)} loads for everybody"
        for row in provider.cookies:
            if free([row.purpose]):
                yield from (f"the cookie {name} on {_on(row)} for everybody" for name in row.names)
        for kept in provider.storage:
            if free([kept.purpose]):
                yield from (f"the storage key {key} for everybody" for key in kept.keys)


def _on(row: CookieRule) -> str:
    return " and ".join(row.domains)
