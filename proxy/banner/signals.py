"""What sites' own scripts and granted providers are told: stand-ins, and consent in their own words.

Which part a page needs follows from the tag rules: a host whose rule is refused needs a
stand-in, one whose rule is granted is told what was agreed to.
"""

from __future__ import annotations

import json
import re

from proxy.banner.assets import source
from proxy.consent.decision import allows
from proxy.filter.minify import squeeze
from proxy.policy.model import Policy
from proxy.policy.scope import Pair

GOOGLE = "googletagmanager.com"
HUBSPOT = "hs-scripts.com"
HUBSPOT_FORMS = "hsforms.net"

SWALLOWED = {
    HUBSPOT_FORMS: ("hbspt",),
    "usemessages.com": ("HubSpotConversations",),
    "js.monitor.azure.com": ("appInsights",),
    "google-analytics.com": ("ga", "__gtagTracker"),
}
"""Objects whose every use is swallowed while the rule for that host is refused."""

_DENIED = 'ad_storage:"denied",ad_user_data:"denied",ad_personalization:"denied"'

_PART = re.compile(r"// for ([^\n:]+)(?::[^\n]*)?\n(.*?)// end\n", re.DOTALL)


def signals(policy: Policy, grants: frozenset[Pair]) -> str:
    """Return the script that stands before any provider's and tells it what was agreed to."""
    states = _states(policy, grants)
    return _google(states, sorted({pair.purpose for pair in grants})) + _hubspot(states)


def stand_ins(policy: Policy, grants: frozenset[Pair]) -> str:
    """Return the script that fills the gaps of whoever is refused, or switched off."""
    off = {host for p in policy.providers if not p.enabled for rule in p.tags for host in rule.hosts}
    states = _states(policy, grants)
    refused = {host for host, granted in states.items() if not granted}
    return stubs(frozenset(refused | off - states.keys()))


def stubs(hosts: frozenset[str]) -> str:
    """Return the stand-ins for what these refused hosts would have defined."""
    parts = dict(_PART.findall(source("stubs.js")))
    names = [name for host, all_ in SWALLOWED.items() if host in hosts for name in all_]
    code = "".join(part for host, part in parts.items() if host in hosts)
    queue = "window.dataLayer=window.dataLayer||[]" if GOOGLE in hosts else "0"
    if names or GOOGLE in hosts:
        code += parts["nothing"].replace("NAMES", json.dumps(names)).replace("QUEUE", queue)
    return squeeze(code) if code else ""


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
