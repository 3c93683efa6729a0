"""Warnings about the sites of a config: hosts that no rule is for, domains that share no answer, shares."""

from __future__ import annotations

from pathlib import Path

from proxy.config.consent_domain import site_domain
from proxy.config.policies import Policies
from proxy.config.types import Config
from proxy.policy.hosts import covers, registrable
from proxy.policy.model import Provider
from proxy.problems import Problem
from proxy.process.config_findings import ConfigFinding, located
from proxy.telemetry.visitor_network import is_private

_HELD = (
    "while it is refused, pages load from the configured hosts and `own:` alone; name others that they need"
    " there"
)
_LOADS = (
    "it loads for everyone, and what it sets is not filtered; serve it here, or name it in a tag rule if it"
    " collects, in `own:` if not"
)


def unserved_hosts(policies: Policies, config: Config) -> list[Problem]:
    """Return a warning for each rule of a host that bears the site's name and is served elsewhere."""
    domains = {site_domain(config, site) for site in config.sites} - {None}
    ours = {*config.hosts, *config.own, *domains}
    tags = [
        (host, tag.place, _HELD)
        for policy in policies.all
        for one in policy.providers
        for tag in one.tags
        for host in tag.hosts
    ]
    neutral = [
        (host, rule.place, _LOADS)
        for policy in policies.all
        for rule in policy.neutral
        for host in rule.hosts
    ]
    return [
        Problem(place, f"'{host}' is under {domain} and no host of this proxy: {what}", warning=True)
        for host, place, what in (*tags, *neutral)
        for domain in sorted(filter(None, domains))
        if host not in ours and covers(domain, host)
    ]


def blind_shares(config: Config, path: Path) -> list[Problem]:
    """Return a warning for each `share` where a proxy in front, which nobody trusts, hides the visitors."""
    if config.trusted_proxies or config.cloudflare:
        return []
    if not all(
        address.host == "localhost" or is_private(address.host) for address in config.listen if address.host
    ):
        return []
    text = (
        "is a part of all networks, and behind a proxy that trusted_proxies does not name all visitors share"
        " one: they are all enforced or all observed"
    )
    findings = (
        ConfigFinding(("sites", number, "share"), f"sites[{number}].share {text}", warning=True)
        for number, site in enumerate(config.sites)
        if site.share < 100
    )
    return located(findings, path)


def uncovered_hosts(policies: Policies, config: Config, path: Path) -> list[Problem]:
    """Return a warning for each host of the config that no cookie row of its rules covers."""
    findings = []
    for number, site in enumerate(config.sites):
        policy = policies.of(site)
        domains = {domain for one in policy.providers for row in one.cookies for domain in row.domains}
        if not policy.providers:  # rules just begun, which have a warning of their own
            continue
        for at, host in enumerate(site.hosts):
            if _is_trial(host):
                continue
            if any(host == d or (d.startswith(".") and covers(d[1:], host)) for d in domains):
                continue
            text = (
                f"no cookie row of {policy.place.file} is for '{host}': what is set there is only presumed,"
                f" or dropped; add '{host}' (or its parent, with a dot before it) to the rows' `domain`,"
                f" which may be a list{', or give the site `rules` of its own' if site.rules is None else ''}"
            )
            findings.append(ConfigFinding(("sites", number, "hosts", at), text, warning=True))
    return located(findings, path)


def hosts_without_a_shared_answer(config: Config, path: Path) -> list[Problem]:
    """Return a warning for each site whose hosts are of several domains: no cookie serves them all."""
    findings = []
    for number, site in enumerate(config.sites):
        if site_domain(config, site) is not None:
            continue
        first = site.hosts[0]
        for at, host in enumerate(site.hosts):
            if registrable(host) != registrable(first) and not _is_trial(host) and not _is_trial(first):
                text = (
                    f"'{host}' is of another domain than '{first}', and no cookie serves both: every host of"
                    " this site gets a consent cookie of its own, and visitors are asked on each; make a site"
                    " for each domain (they may name the same upstream), then the hosts of a domain share"
                    " an answer"
                )
                findings.append(ConfigFinding(("sites", number, "hosts", at), text, warning=True))
                break
    return located(findings, path)


def names_under_one_answer(policies: Policies, config: Config) -> list[Problem]:
    """Return a warning for each id that names another provider in other rules under the same answer."""
    named: dict[tuple[str, str], Provider] = {}
    found: dict[Problem, None] = {}
    for site in config.sites:
        domain = site_domain(config, site)
        for provider in policies.of(site).providers if domain is not None else ():
            first = named.setdefault((str(domain), provider.id), provider)
            if first.name != provider.name:
                text = (
                    f"'{provider.id}' is {provider.name} here and {first.name} in {first.place.rule}, and the"
                    f" sites under {domain} share an answer: whoever agreed to the one has agreed to the"
                    " other; give one of them another id"
                )
                found[Problem(provider.place, text, warning=True)] = None
    return list(found)


def _is_trial(host: str) -> bool:
    """True for a name of this machine, as a copy to try has it."""
    return host.rpartition(".")[2] == "localhost" or host.replace(".", "").isdigit()
