"""Scripts for providers: stand-ins for refused ones, consent signals for granted ones.

Which part a page needs follows from the tag rules: a host whose rule is refused needs a
stand-in, one whose rule is granted is told what was agreed to.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence

from proxy.banner.assets import parts_of, script
from proxy.consent.decision import allows
from proxy.policy.model import OWN, Policy, TagRule
from proxy.policy.scope import Pair
from proxy.policy.signals import (
    CLARITY,
    EVENT,
    GOOGLE,
    HUBSPOT,
    META,
    TIKTOK,
    UET,
    WORDPRESS,
    signal_states,
)
from proxy.policy.stand_ins import STAND_INS, Reply, StandIn, brought_by

GOOGLE_HOST = "googletagmanager.com"
HUBSPOT_HOST = "hs-scripts.com"
UET_HOST = "bat.bing.com"
CLARITY_HOST = "clarity.ms"
META_HOST = "connect.facebook.net"
TIKTOK_HOST = "analytics.tiktok.com"

SHORT = (",", ":")


def signals(policy: Policy, grants: frozenset[Pair]) -> str:
    """Return the script that tells providers what was agreed to.

    Google's queue is told in every state, the others on pages where they run.
    """
    said, hosts = signal_states(policy, grants), _states(policy, grants)
    running = {host for host, granted in hosts.items() if granted}
    purposes = sorted({pair.purpose for pair in grants})
    parts = [
        _google(said, purposes, tags=GOOGLE_HOST in hosts),
        _hubspot(said) if HUBSPOT_HOST in running else "",
        _uet(said) if UET_HOST in running else "",
        _clarity(said) if CLARITY_HOST in running else "",
        _pixels(said, running),
        _wordpress(said),
    ]
    return "".join(parts)


def stand_ins(policy: Policy, grants: frozenset[Pair]) -> str:
    """Return the script that stands in for refused and disabled providers."""
    off = {host for p in policy.providers if not p.enabled for rule in p.tags for host in rule.hosts}
    states = _states(policy, grants)
    refused = {host for host, granted in states.items() if not granted} | off - states.keys()
    names = {name for host in refused for name in brought_by(host)}
    tables: list[StandIn] = []
    hosts = {host for name in names for host in STAND_INS[name].hosts}
    for rule in _refused_rules(policy, grants):
        match rule.stand_in:
            case str(name):
                names.add(name)
            case StandIn() as table if table not in tables:
                tables.append(table)
        if rule.stand_in is not None:
            hosts |= {host for host in rule.hosts if "*" not in host and host != OWN}
    return stubs([name for name in STAND_INS if name in names], tables, sorted(hosts))


def stubs(names: Sequence[str], tables: Sequence[StandIn] = (), hosts: Sequence[str] = ()) -> str:
    """Return the stand-ins of these names and tables; scripts of these hosts count as loaded."""
    all_ = [*(STAND_INS[name] for name in names), *tables]
    if not all_:
        return ""
    replies = {name: _literal(reply) for one in all_ for name, reply in one.replies.items()}
    table = (
        [*hosts],
        [name for one in all_ for name in one.objects],
        [name for one in all_ for name in one.functions],
        [name for one in all_ for name in one.queues],
        [name for one in all_ for name in one.ready],
        replies,
    )
    text = json.dumps(table, separators=SHORT)[1:-1]
    text = "".join(f"\\u{ord(c):04x}" if c in "<>&" else c for c in text)
    code = script("stubs", "all").replace("(TABLE)", f"({text})")
    parts = [*names, *(["players"] if any(one.players for one in all_) else [])]
    return code + "".join(script("stubs", name) for name in parts if name in parts_of("stubs"))


def _literal(reply: Reply) -> list[object]:
    return [reply.kind.value, *map(json.loads, reply.constants)]


def _refused_rules(policy: Policy, grants: frozenset[Pair]) -> Iterator[TagRule]:
    for provider in policy.providers:
        for rule in provider.tags:
            needs = [p for p in rule.purposes if policy.needs_consent(p)]
            if not provider.enabled or not allows(grants, provider.id, needs):
                yield rule


def _states(policy: Policy, grants: frozenset[Pair]) -> dict[str, bool]:
    """Return each host that a tag rule names, and whether every rule for it is granted."""
    states: dict[str, bool] = {}
    for provider in policy.providers:
        if not provider.enabled:
            continue
        for rule in provider.tags:
            needs = [p for p in rule.purposes if policy.needs_consent(p)]
            granted = allows(grants, provider.id, needs)
            for host in rule.hosts:
                states[host] = states.get(host, True) and granted
    return states


def _google(said: Mapping[str, bool], purposes: list[str], *, tags: bool) -> str:
    """Return Consent Mode v2: one default, all denied, before any Google tag, then one update.

    The purposes and the events of `event:` go into the queue too: a container can carry anybody's
    tags, and its triggers can read them.
    """
    events = [found[1] for word in said if said[word] and (found := EVENT.fullmatch(word))]
    if not tags and not any(word in GOOGLE or EVENT.fullmatch(word) for word in said):
        return ""
    granted = [name for name in GOOGLE if said.get(name)]
    code = (
        "window.dataLayer=window.dataLayer||[];"
        "window.gtag=window.gtag||function(){dataLayer.push(arguments)};"
        f'{{let t={{}};for(let n of"{" ".join(GOOGLE)}".split(" "))t[n]="denied";gtag("consent","default",t);'
    )
    # all of them anew: a site's own default may stand between
    update = "".join(f',{name}:"granted"' for name in granted)
    code += f'gtag("consent","update",{{...t{update}}})}}' if granted else "}"
    code += f'dataLayer.push({{callkom_consent:"{" ".join(purposes)}"}});'
    return code + "".join(f'dataLayer.push({{event:"{name}"}});' for name in events)


def _word(granted: bool) -> str:
    return "granted" if granted else "denied"


def _hubspot(said: Mapping[str, bool]) -> str:
    """Return what HubSpot's script is told on every page it runs on: it keeps no state itself."""
    parts = ",".join(f"{word.partition('.')[2]}:{json.dumps(said.get(word, False))}" for word in HUBSPOT)
    return (
        "window.disableHubSpotCookieBanner=true;(window._hsp=window._hsp||[]).push"
        f'(["setHubSpotConsent",{{{parts}}}]);'
    )


def _uet(said: Mapping[str, bool]) -> str:
    """Return what Microsoft Advertising's queue is told before its script reads it."""
    state = _word(said.get(UET, False))
    return (
        "window.uetq=window.uetq||[];"
        'uetq.push("consent","default",{ad_storage:"denied"});'
        f'uetq.push("consent","update",{{ad_storage:"{state}"}});'
    )


def _clarity(said: Mapping[str, bool]) -> str:
    """Return what Clarity's queue is told; its snippet takes a queue that is there."""
    parts = ",".join(f'{word.partition(".")[2]}:"{_word(said.get(word, False))}"' for word in CLARITY)
    return (
        "window.clarity=window.clarity||function(){(clarity.q=clarity.q||[]).push(arguments)};"
        f'clarity("consentv2",{{{parts}}});'
    )


def _pixels(said: Mapping[str, bool], running: Collection[str]) -> str:
    """Return what tells Meta's and TikTok's pixels, as soon as their snippets have made them."""
    words = {}
    if META_HOST in running and META in said:
        words["fbq"] = "grant" if said[META] else "revoke"
    if TIKTOK_HOST in running and TIKTOK in said:
        words["ttq"] = "grantConsent" if said[TIKTOK] else "revokeConsent"
    return script("pixels").replace("(WORDS)", f"({json.dumps(words, separators=SHORT)})") if words else ""


def _wordpress(said: Mapping[str, bool]) -> str:
    """Return what WordPress' consent API, a script of the site, is told once the page is parsed."""
    words = [word for word in WORDPRESS if word in said]
    calls = "".join(
        f'wp_set_consent("{word.partition(".")[2]}","{"allow" if said[word] else "deny"}");' for word in words
    )
    code = f'addEventListener("DOMContentLoaded",()=>{{if(window.wp_set_consent){{{calls}}}}});'
    return f'window.wp_consent_type="optin";{code}' if words else ""
