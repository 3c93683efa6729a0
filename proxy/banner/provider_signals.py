"""Scripts for providers: stand-ins for refused ones, consent signals for granted ones.

Which part a page needs follows from the tag rules: a host whose rule is refused needs a
stand-in, one whose rule is granted is told what was agreed to.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from proxy.banner.assets import parts_of, script
from proxy.consent.decision import allows
from proxy.policy.model import OWN, Policy, TagRule
from proxy.policy.scope import Pair
from proxy.policy.stand_ins import STAND_INS, Reply, StandIn, brought_by

GOOGLE = "googletagmanager.com"
HUBSPOT = "hs-scripts.com"
HUBSPOT_FORMS = "hsforms.net"

_DENIED = 'ad_storage:"denied",ad_user_data:"denied",ad_personalization:"denied"'


def signals(policy: Policy, grants: frozenset[Pair]) -> str:
    """Return the script that tells granted providers what was agreed to."""
    states = _states(policy, grants)
    return _google(states, sorted({pair.purpose for pair in grants})) + _hubspot(states)


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
    text = json.dumps(table, separators=(",", ":"))[1:-1]
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


def _google(states: dict[str, bool], granted: list[str]) -> str:
    """Return Consent Mode v2: denied before any Google tag, then what was granted (basic mode).

    The purposes go into the queue too: a container can carry anybody's tags, and its
    triggers can read them.
    """
    if GOOGLE not in states:
        return ""
    code = (
        "window.dataLayer=window.dataLayer||[];"
        "window.gtag=window.gtag||function(){dataLayer.push(arguments)};"
        f'gtag("consent","default",{{{_DENIED},analytics_storage:"denied"}});'
    )
    # all four anew: a site's own default may stand between
    code += f'gtag("consent","update",{{{_DENIED},analytics_storage:"granted"}});' if states[GOOGLE] else ""
    return f'{code}dataLayer.push({{callkom_consent:"{" ".join(granted)}"}});'


def _hubspot(states: dict[str, bool]) -> str:
    """Return what HubSpot's script is told on every page it runs on: it keeps no state itself."""
    if not states.get(HUBSPOT):
        return ""
    functional = json.dumps(states.get(HUBSPOT_FORMS, False))
    return (
        "window.disableHubSpotCookieBanner=true;(window._hsp=window._hsp||[]).push"
        f'(["setHubSpotConsent",{{analytics:true,advertisement:false,functionality:{functional}}}]);'
    )
