"""A small policy of our own, and its judges, for tests of headers and bodies."""

from functools import cache

from proxy.filter.rules.judge import Judge, Rules, compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.model import Policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of

RULES = """
policy:
  version: 2026-11-01
  page: https://callkom.io/cookie-policy
  privacy: https://callkom.io/privacy-policy
  contact: privacy@callkom.io
  ask_again_after: 6 months
purposes:
  necessary: { basis: legitimate interest }
  functional: { basis: consent }
  performance: { basis: consent }
undeclared: { cookies: drop, tags: hold }
neutral:
  - { from: fonts.example-cdn.net, why: "Fonts, no cookie" }
headers:
  - { name: [Accept-CH, Critical-CH], purpose: performance }
  - { name: [Observe-Browsing-Topics] }
  - { name: [X-Shown], purpose: necessary }
providers:
  stats:
    name: Stats
    tags:
      - { from: stats.example, purpose: performance }
  booking:
    name: Booking
    tags:
      - { from: booking.example, element: iframe, purpose: functional, do: replace, with: link }
      - { from: booking.example, purpose: functional }
"""

STATES = {
    "none": (),
    "functional": ("functional",),
    "performance": ("performance",),
    "all": ("functional", "performance"),
}


@cache
def policy() -> Policy:
    return load_policy(RULES)


@cache
def rules() -> Rules:
    return compile_rules(policy(), OwnHosts(frozenset({"callkom.io"}), "callkom.io"))


@cache
def judge(*purposes: str) -> Judge:
    """Return the judge for a visitor who granted these purposes."""
    return judge_for(rules(), scope_of(policy()).granted(purposes))
