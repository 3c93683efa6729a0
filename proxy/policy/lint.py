"""Warnings about valid rules: shadowed rules, unused purposes, promises no rule keeps.

Everything here is certain: a warning is never raised on a guess.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from proxy.policy.actions import Action
from proxy.policy.hosts import covers, glob_covers, registrable
from proxy.policy.model import NECESSARY, OWN, CookieRule, Policy, Provider, TagRule, Undeclared
from proxy.policy.signals import GOOGLE
from proxy.problems import Place, Problem

LONGEST = 395 * 86_400
"""13 months, the longest life that the CNIL's guidance has for a tracer."""

Covers = Callable[[str, str], bool]


def lint(policy: Policy) -> tuple[Problem, ...]:
    """Return warnings about valid but doubtful rules, in the order of the file."""
    found = [
        *_empty_providers(policy),
        *_unused_purposes(policy),
        *_shadowed_tags(policy),
        *_shadowed_rows(policy),
        *_shadowed_neutral(policy),
        *_shadowed_patterns(policy),
        *_long_lives(policy),
        *_silent_transfers(policy),
        *_unreached_domains(policy),
        *_cheap_tags(policy),
        *_kept_anyway(policy),
        *_pings_before_consent(policy),
        *_silent_tags(policy),
        *_held_in_the_page_only(policy),
        *_unsaid_patterns(policy),
        *_unfenced(policy),
    ]
    return tuple(sorted(found))


_TODO = re.compile(r"(?:^|\s)#.*?\bTODO\b:?\s*+(.*)")


def left_to_do(text: str, file: str) -> list[Problem]:
    """Return a warning for each line with a TODO, as `discover --suggest` writes them."""
    return [
        Problem(Place(file, number, found.start() + 1), f"left to do: {found[1].strip()}", warning=True)
        for number, line in enumerate(text.splitlines(), 1)
        if (found := _TODO.search(line)) is not None
    ]


def unfounded(policy: Policy) -> tuple[Problem, ...]:
    """Return a fault for each purpose that stores or loads by legitimate interest, `necessary` aside.

    What is not strictly necessary needs consent, whatever else its basis may be (ePrivacy directive, 5(3)).
    """
    found = []
    for purpose in policy.purposes:
        if purpose.id == NECESSARY or policy.needs_consent(purpose.id):
            continue
        used = [row.place for row in _rows(policy) if row.purpose == purpose.id]
        used += [tag.place for tag in _tags(policy) if purpose.id in tag.purposes]
        for provider in policy.providers:
            used += [rule.place for rule in provider.storage if rule.purpose == purpose.id]
            used += [rule.place for rule in provider.requests if purpose.id in rule.purposes]
        if used:
            where = _line(min(used), purpose.place)
            text = (
                f"purposes.{purpose.id} stores or loads by legitimate interest ({where}): only what is"
                " strictly necessary may, and belongs to 'necessary'; the rest needs 'basis: consent'"
            )
            found.append(Problem(purpose.place, text))
    return (*found, *_beyond_the_exemption(policy))


def _beyond_the_exemption(policy: Policy) -> Iterator[Problem]:
    """Yield a fault for each cookie of an exempt purpose that the exemption does not allow."""
    for row in _rows(policy):
        if not policy.is_exempt(row.purpose):
            continue
        strange = next((d for d in row.domains if not _is_own(policy, d.removeprefix("."))), None)
        if strange is not None:
            text = (
                f"'{row.purpose}' is exempt, which is for one site alone, and this cookie is on '{strange}'"
            )
            yield Problem(row.place, f"{text}: it needs consent")
        elif row.lasts.seconds is not None and row.lasts.seconds > LONGEST:
            text = f"'{row.purpose}' is exempt, and this cookie lives '{row.lasts.text}': 13 months at most"
            yield Problem(row.place, text)


def _tags(policy: Policy) -> list[TagRule]:
    return [tag for provider in policy.providers for tag in provider.tags]


def _rows(policy: Policy) -> list[CookieRule]:
    return [row for provider in policy.providers for row in provider.cookies]


def _line(other: Place, here: Place) -> str:
    """Return where another rule stands, as a message about this one says it."""
    return f"line {other.line}" if other.file == here.file else other.rule


def _apart(one: Place, other: Place) -> bool:
    """True for rules of two blocks of the catalogue: each is checked by itself, and says what it shares."""
    return one.file != other.file and all(p.file.startswith("catalogue/") for p in (one, other))


def _empty_providers(policy: Policy) -> Iterator[Problem]:
    for provider in policy.providers:
        if not (provider.cookies or provider.tags or provider.requests or provider.storage):
            text = (
                f"providers.{provider.id} names no cookie, no tag, no request and no storage: it does nothing"
            )
            yield Problem(provider.place, text, warning=True)


def _is_free(policy: Policy, provider: Provider) -> bool:
    """True for a provider that has something and nothing that a visitor is asked about."""
    purposes = {row.purpose for row in provider.cookies} | {rule.purpose for rule in provider.storage}
    purposes.update(one for tag in provider.tags for one in tag.purposes)
    purposes.update(one for rule in provider.requests for one in rule.purposes)
    return bool(purposes) and not any(policy.needs_consent(one) for one in purposes)


def _unused_purposes(policy: Policy) -> Iterator[Problem]:
    if not policy.headers and all(_is_free(policy, one) for one in policy.providers):
        place = min((purpose.place for purpose in policy.purposes), default=Place("rules.yaml", 1))
        text = (
            "no provider is described yet that visitors are asked about: the undeclared is held;"
            " serve with `mode: observe`, then `consent-proxy discover --suggest` prints blocks to add"
        )
        yield Problem(place, text, warning=True)
        return
    used = {NECESSARY} | {row.purpose for row in _rows(policy)}
    used |= {purpose for tag in _tags(policy) for purpose in tag.purposes}
    for provider in policy.providers:
        used |= {purpose for rule in provider.requests for purpose in rule.purposes}
        used |= {rule.purpose for rule in provider.storage}
    used |= {rule.purpose for rule in policy.headers if rule.purpose}
    for purpose in policy.purposes:
        if purpose.id not in used:
            text = f"purposes.{purpose.id} is used by no rule: visitors are not asked about it"
            yield Problem(purpose.place, text, warning=True)


def _shadowed_tags(policy: Policy) -> Iterator[Problem]:
    tags = _tags(policy)
    for at, tag in enumerate(tags):
        first = next((earlier for earlier in tags[:at] if shadows(earlier, tag)), None)
        if first is not None:
            text = f"this tag rule can never win: {_line(first.place, tag.place)} matches all that it matches"
            yield Problem(tag.place, text, warning=True)


def shadows(first: TagRule, later: TagRule) -> bool:
    """True when every element that `later` matches is surely matched by `first`."""
    return (
        _includes(first.hosts, later.hosts, covers)
        and _includes(first.paths, later.paths, glob_covers)
        and _includes(first.elements, later.elements, str.__eq__)
        and _includes(first.ids, later.ids, glob_covers)
        and _includes(first.classes, later.classes, glob_covers)
        and _attributes_include(first, later)
        and _text_includes(first, later)
    )


def _includes(wide: tuple[str, ...], narrow: tuple[str, ...], one: Covers) -> bool:
    """True when no condition stands in `wide`, or each alternative of `narrow` is in it."""
    if not wide:
        return True
    return bool(narrow) and all(any(one(a, b) for a in wide) for b in narrow)


def _attributes_include(first: TagRule, later: TagRule) -> bool:
    return all(
        any(
            name == other and (glob is None or (value is not None and glob_covers(glob, value)))
            for other, value in later.attributes
        )
        for name, glob in first.attributes
    )


def _text_includes(first: TagRule, later: TagRule) -> bool:
    if first.text is None:
        return True
    if later.text is None:
        return False
    required, alternatives = later.text.all, later.text.any
    if not all(any(word in longer for longer in required) for word in first.text.all):
        return False
    if not first.text.any or any(word in longer for word in first.text.any for longer in required):
        return True
    return bool(alternatives) and all(
        any(word in longer for word in first.text.any) for longer in alternatives
    )


def _shadowed_rows(policy: Policy) -> Iterator[Problem]:
    rows = _rows(policy)
    for at, row in enumerate(rows):
        known = (earlier for earlier in rows[:at] if not _apart(earlier.place, row.place))
        first = next((earlier for earlier in known if _row_shadows(earlier, row)), None)
        if first is not None:
            text = (
                f"this cookie row can never win: {_line(first.place, row.place)} speaks of the same cookies"
            )
            yield Problem(row.place, text, warning=True)


def _row_shadows(first: CookieRule, later: CookieRule) -> bool:
    return _includes(first.names, later.names, glob_covers) and _includes(
        first.domains, later.domains, _domain_covers
    )


def _domain_covers(wide: str, narrow: str) -> bool:
    if not wide.startswith("."):
        return wide == narrow
    bare = narrow.removeprefix(".")
    return bare == wide[1:] or bare.endswith(wide)


def _shadowed_neutral(policy: Policy) -> Iterator[Problem]:
    bare = [tag for tag in _tags(policy) if _only_hosts(tag)]
    for rule in policy.neutral:
        for host in rule.hosts:
            first = next((tag for tag in bare if _includes(tag.hosts, (host,), covers)), None)
            if first is not None:
                where = _line(first.place, rule.place)
                text = f"neutral '{host}' never counts: the tag rule in {where} speaks of it"
                yield Problem(rule.place, text, warning=True)


def _shadowed_patterns(policy: Policy) -> Iterator[Problem]:
    """Storage keys and collection requests that an earlier rule speaks of already."""
    keys: list[tuple[str, Place]] = []
    paths: list[tuple[str, tuple[str, ...], Place]] = []
    for provider in policy.providers:
        for kept in provider.storage:
            for key in kept.keys:
                first = next(
                    (at for wide, at in keys if glob_covers(wide, key) and not _apart(at, kept.place)), None
                )
                if first is not None:
                    text = f"the storage key '{key}' never counts: {_line(first, kept.place)} speaks of it"
                    yield Problem(kept.place, text, warning=True)
            keys += [(key, kept.place) for key in kept.keys]
        for rule in provider.requests:
            for path in rule.paths:
                earlier = (
                    at for wide, hosts, at in paths if glob_covers(wide, path) and hosts in ((), rule.hosts)
                )
                first = next((at for at in earlier if not _apart(at, rule.place)), None)
                if first is not None:
                    text = f"the request '{path}' never counts: {_line(first, rule.place)} speaks of it"
                    yield Problem(rule.place, text, warning=True)
            paths += [(path, rule.hosts, rule.place) for path in rule.paths]


def _long_lives(policy: Policy) -> Iterator[Problem]:
    for row in _rows(policy):
        if row.lasts.seconds is not None and row.lasts.seconds > LONGEST:
            text = f"lasts '{row.lasts.text}': authorities expect 13 months at most; is that needed?"
            yield Problem(row.place, text, warning=True)


def _silent_transfers(policy: Policy) -> Iterator[Problem]:
    for rule in policy.neutral:
        if rule.transfers is None:
            text = (
                f"neutral '{rule.hosts[0]}' receives every visitor's address and has no 'transfers':"
                " say where its owner sits, and what covers the transfer"
            )
            yield Problem(rule.place, text, warning=True)


def _only_hosts(tag: TagRule) -> bool:
    narrowed = (tag.paths, tag.elements, tag.ids, tag.classes, tag.attributes, tag.text)
    return bool(tag.hosts) and not any(narrowed)


def _unreached_domains(policy: Policy) -> Iterator[Problem]:
    """A third party's cookie is only prevented by not loading it: some tag rule has to."""
    hosts = {host for tag in _tags(policy) for host in tag.hosts if host != OWN}
    for row in _rows(policy):
        for domain in row.domains:
            bare = domain.removeprefix(".")
            if _is_own(policy, bare):
                continue
            if not any(covers(host, bare) or covers(bare, host) for host in hosts):
                text = (
                    f"'{domain}' is a third party that no tag rule names: nothing keeps this cookie away"
                    f" (the site is that of policy.page, '{urlsplit(policy.page).hostname}')"
                )
                yield Problem(row.place, text, warning=True)


def _is_own(policy: Policy, host: str) -> bool:
    own = registrable(urlsplit(policy.page).hostname or "")
    return own is not None and covers(own, host)


def _cheap_tags(policy: Policy) -> Iterator[Problem]:
    """A host that sets a cookie for a purpose may only load for that purpose."""
    for tag in _tags(policy):
        for host in tag.hosts:
            for row in _rows(policy):
                dear = policy.needs_consent(row.purpose)
                reached = any(
                    d.startswith(".") and covers(d[1:], host) and not _is_own(policy, d[1:])
                    for d in row.domains
                )
                apart = _apart(row.place, tag.place)
                if dear and reached and row.purpose not in tag.purposes and not apart:
                    text = (
                        f"'{host}' loads without {row.purpose}, "
                        f"which its cookie {row.names[0]} needs ({_line(row.place, tag.place)})"
                    )
                    yield Problem(tag.place, text, warning=True)


def _pings_before_consent(policy: Policy) -> Iterator[Problem]:
    for provider in policy.providers:
        if provider.advanced:
            text = (
                f"providers.{provider.id}: 'consent_mode: advanced' loads its scripts before consent; they"
                " send pings with the visitor's address and page, which needs consent by itself"
            )
            yield Problem(provider.place, text, warning=True)


def _silent_tags(policy: Policy) -> Iterator[Problem]:
    """Google's tags load and nobody tells them that anything was agreed to: they measure next to nothing."""
    said = {word for one in policy.purposes for word in one.signals}
    said |= {word for one in policy.providers for word, _ in one.signals}
    if said & set(GOOGLE):
        return
    for provider in policy.providers:
        first = next((tag for tag in provider.tags if "googletagmanager.com" in tag.hosts), None)
        if first is not None and provider.enabled:
            text = (
                "Google's tags load by this rule, and no 'signals:' claims a type of Consent Mode: all stay"
                " denied; say 'signals: analytics_storage' in the provider or its purpose"
            )
            yield Problem(first.place, text, warning=True)
            return


def _kept_anyway(policy: Policy) -> Iterator[Problem]:
    for tag in _tags(policy):
        provider = policy.provider(tag.provider)
        if provider is not None and provider.advanced:
            continue
        needed = [purpose for purpose in tag.purposes if policy.needs_consent(purpose)]
        if tag.do is Action.KEEP and needed:
            text = f"'do: keep' loads this for everybody, also without {' and '.join(needed)}"
            yield Problem(tag.place, text, warning=True)


def _held_in_the_page_only(policy: Policy) -> Iterator[Problem]:
    """A host that is opened as a whole is open in the fence, also for what a rule before holds there."""
    before: list[TagRule] = []
    for tag in _tags(policy):
        needs = _consent_purposes(policy, tag)
        if _only_hosts(tag) and tag.do is not Action.NEVER:
            yield from _opened(policy, tag.hosts, tag.place, needs, before)
        if needs and tag.fenced and tag.hosts:
            before.append(tag)
    for rule in policy.neutral:
        yield from _opened(policy, rule.hosts, rule.place, frozenset(), before)


def _opened(
    policy: Policy, hosts: tuple[str, ...], place: Place, needs: frozenset[str], held: list[TagRule]
) -> Iterator[Problem]:
    loads = f"loads with {' and '.join(sorted(needs))}" if needs else "loads for everyone"
    for host in hosts:
        for tag in held:
            if not _consent_purposes(policy, tag) <= needs and _opens(policy, host, tag):
                text = (
                    f"'{host}' {loads}, so the fence does not stop scripts from loading there what"
                    f" {_line(tag.place, place)} holds in pages; if that is known, say fenced: no in that"
                    " rule"
                )
                yield Problem(place, text, warning=True)
            elif needs and _is_below(host, tag) and not _consent_purposes(policy, tag) <= needs:
                text = (
                    f"'{host}' {loads}, and the fence opens only those of its hosts that connect: lists,"
                    f" since {_line(tag.place, place)} needs more: name these here, and '{host}' in a rule"
                    f" behind with {' and '.join(sorted(needs | _consent_purposes(policy, tag)))}"
                )
                yield Problem(place, text, warning=True)


def _opens(policy: Policy, host: str, held: TagRule) -> bool:
    """True when opening all of a host opens what this rule holds there, too."""
    if not _only_hosts(held):
        return any(covers(other, host) or covers(host, other) for other in held.hosts if other != OWN)
    return _is_below(host, held) and not _listed(policy, host)


def _is_below(host: str, held: TagRule) -> bool:
    """True when this rule holds all of a host under that one."""
    below = any(covers(host, other) and not covers(other, host) for other in held.hosts)
    return _only_hosts(held) and below and "*" not in host


def _listed(policy: Policy, host: str) -> bool:
    """True when some `connect:` lists hosts that this one means: then the fence opens those alone."""
    hosts = (listed for provider in policy.providers for listed in provider.connect)
    return any(listed != host and covers(host, listed) for listed in hosts)


def _unsaid_patterns(policy: Policy) -> Iterator[Problem]:
    """A Content-Security-Policy cannot say `meet*.x.com`, only x.com, which another rule may refuse."""
    tags = [tag for tag in _tags(policy) if tag.fenced]
    for tag in tags:
        needs = _consent_purposes(policy, tag)
        for pattern in tag.hosts:
            base = pattern.rpartition("*")[2].partition(".")[2]
            if "*" not in pattern or _listed(policy, pattern):
                continue
            refusing = (
                other
                for other in tags
                if _only_hosts(other) and not _consent_purposes(policy, other) <= needs
            )
            closing = next(
                (o for o in refusing if any(covers(h, base) or covers(base, h) for h in o.hosts)), None
            )
            if closing is not None:
                text = (
                    f"the fence cannot say '{pattern}', and {_line(closing.place, tag.place)} holds more of"
                    f" {base}: name its hosts in connect:, or what this rule keeps does not load"
                )
                yield Problem(tag.place, text, warning=True)


def _consent_purposes(policy: Policy, tag: TagRule) -> frozenset[str]:
    if tag.do is Action.KEEP:
        return frozenset()
    if tag.do is Action.NEVER:
        return frozenset({Action.NEVER.value})
    return frozenset(purpose for purpose in tag.purposes if policy.needs_consent(purpose))


def _unfenced(policy: Policy) -> Iterator[Problem]:
    """The fence is a list of what may load; where everything may that nobody declared, there is none."""
    place = policy.undeclared_tags_place
    if policy.undeclared_tags is Undeclared.KEEP and place is not None:
        text = (
            "'tags: keep' switches the fence off: no Content-Security-Policy is sent, and what scripts"
            " load while a page runs is not stopped, refused providers included"
        )
        yield Problem(place, text, warning=True)
