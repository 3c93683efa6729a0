"""What a visit saw and no rule speaks of, as blocks of rules.yaml: by the same suggestions as `discover`."""

from __future__ import annotations

from proxy.audit.observed import SiteVisit
from proxy.audit.recorder import host_of
from proxy.filter.headers.cookies import CookieRules
from proxy.filter.rules.judge import compile_rules
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.seen.discovery import discover
from proxy.seen.names import Kind, kept_name
from proxy.seen.sightings import Key, Seen
from proxy.seen.suggestions import as_yaml, suggest

SITE = "audited"


def to_write(seen: SiteVisit, policy: Policy, own: OwnHosts) -> str:
    """Return rules to paste and go through for all that is undeclared; empty where nothing is."""
    found = discover(SITE, _names(seen, own), compile_rules(policy, own), CookieRules(policy), now=0)
    return as_yaml(suggest(found, policy, own, min(own.hosts)))


def _names(seen: SiteVisit, own: OwnHosts) -> dict[Key, Seen]:
    names: dict[Key, Seen] = {}

    def add(kind: Kind, name: str, one: Seen) -> None:
        kept = kept_name(kind, name)
        if kept is not None:
            names.setdefault(Key(SITE, kind, kept), Seen(0, 0)).merge(one)

    for visit in seen.states:
        for request in visit.requests:
            if not own.owns(request.host):
                element = request.element.partition(" ")[0]
                add(Kind.HOST, request.host, Seen(0, 0, 1, elements={element}, paths=[request.when.page]))
        for cookie in visit.cookies:
            facts: dict[str, str | bool] = {"domain": cookie.domain, "httponly": cookie.httponly}
            if cookie.lives is not None:
                facts["lasts"] = f"{max(1, round(cookie.lives / 86_400))} days"
            setters = {host_of(cookie.by)} if cookie.side == "script" else set()
            add(Kind.COOKIE, cookie.name, Seen(0, 0, 1, sides={cookie.side}, setters=setters, cookie=facts))
        for key in visit.keys:
            if own.owns(key.host) and key.area != "cache":
                add(Kind.KEY, key.name, Seen(0, 0, 1, setters={host_of(key.by)} if key.by else set()))
    return names
