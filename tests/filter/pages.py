"""A small policy of our own for tests of the document filter, and ways to run a page through it."""

from functools import cache

from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge, Rules, TagFacts, compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of

RULES = """
policy:
  version: 2026-11-01
  page: https://own.example/cookies
  privacy: https://own.example/privacy
  contact: privacy@own.example
  ask_again_after: 6 months
purposes:
  necessary: { basis: legitimate interest }
  functional: { basis: consent }
  performance: { basis: consent }
undeclared: { cookies: drop, tags: hold }
neutral:
  - { from: fonts.example, why: Fonts }
providers:
  stats:
    name: Stats
    tags:
      - { from: stats.example, purpose: performance }
      - { from: "track*.both.example", purpose: [functional, performance] }
      - { from: both.example, purpose: functional }
      - { id: stats-loader, purpose: performance }
      - { id: "stats-part-*", purpose: performance }
      - { text: stats.example, purpose: performance }
      - { text: [stats.start, stats.js], purpose: performance }
      - { text: { any: [StatsQueue, statsOld] }, purpose: performance }
      - { from: self, path: "*/copy/stats.js*", purpose: performance }
      - { element: amp-stats, attribute: { type: stats }, purpose: performance }
      - { element: form, from: stats.example, purpose: performance }
  booking:
    name: Booking
    privacy: https://booking.example/privacy
    tags:
      - { element: [iframe, object, embed], from: booking.example, purpose: functional, do: replace }
      - { class: booking-widget, purpose: functional, do: replace }
      - { text: Booking.show, purpose: functional, do: replace }
      - { attribute: { onclick: "*Booking.popup*" }, purpose: functional, do: replace, link: "https://booking.example/now" }
      - { from: booking.example, purpose: functional }
  gone:
    name: Gone
    tags:
      - { from: gone.example, purpose: performance, do: remove }
      - { class: gone-box, purpose: performance, do: remove }
  pay:
    name: Pay
    tags:
      - { from: pay.example, purpose: necessary }
"""


@cache
def rules() -> Rules:
    return compile_rules(load_policy(RULES), OwnHosts(frozenset({"own.example"}), "own.example"))


@cache
def judge(*purposes: str) -> Judge:
    """Return the judge for a visitor who granted these purposes."""
    return judge_for(rules(), scope_of(rules().policy).granted(purposes))


class Marks:
    """An injector that leaves marks one can see; `always` in what a browser opens."""

    def __init__(self, *, always: bool = False, amp: bool = False) -> None:
        self.always, self.amp = always, amp

    def head(self, page) -> bytes:
        return b"[head]"

    def body(self, page) -> bytes:
        return b"[body]"

    def foot(self, page) -> bytes:
        return b"[foot]"

    def root(self) -> bytes:
        return b"[root]"

    def placeholder(self, verdict, facts: TagFacts) -> bytes:
        return b"[" + facts.element.encode() + b" " + (facts.link or "").encode() + b"]"


def filtered(page: bytes | str, *purposes: str, size: int = 0, inject=None, xml: bool = False) -> bytes:
    """Return the page as a visitor gets it who granted these purposes."""
    return passed(page, *purposes, size=size, inject=inject, xml=xml)[0]


def passed(
    page: bytes | str,
    *purposes: str,
    size: int = 0,
    inject=None,
    xml: bool = False,
    judged: Judge | None = None,
):
    """Return (bytes, filter) of a page cut in pieces of that size."""
    raw = page.encode() if isinstance(page, str) else page
    run = HtmlFilter(judged or judge(*purposes), inject=inject, xml=xml)
    size = size or len(raw) or 1
    out = [run.feed(raw[at : at + size]) for at in range(0, len(raw), size)]
    return b"".join(out) + run.close(), run
