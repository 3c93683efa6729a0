"""One page with the snippets of every provider of the catalogue, in four states of consent.

What may load follows from the rules as loaded: nothing else reaches anybody, all that is granted does.
"""

from urllib.parse import urlsplit

import pytest
from aiohttp import web

from proxy.catalogue.shipped import providers as catalogue_providers
from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.inline_tests import RuleTester
from proxy.policy.actions import Action
from proxy.policy.hosts import covers
from proxy.policy.load import load_policy
from proxy.policy.model import NECESSARY
from proxy.policy.stand_ins import StandIn
from tests.e2e.conftest import Running
from tests.e2e.providers import serve_in_thread, tls_for
from tests.e2e.test_states import CHATTER
from tests.patience import until

pytestmark = pytest.mark.e2e

RULES = f"""
policy:
  version: 2026-11-01
  page: https://callkom.io/cookies
  privacy: https://callkom.io/privacy
  contact: privacy@callkom.io
  ask_again_after: 6 months
purposes:
  necessary: {{ basis: legitimate interest }}
  functional: {{ basis: consent }}
  performance: {{ basis: consent }}
  social: {{ basis: consent }}
  marketing: {{ basis: consent }}
use: [{", ".join(catalogue_providers())}]
"""
POLICY = load_policy(RULES, catalogue=shipped_catalogue())
TESTER = RuleTester(POLICY)
EVERYTHING = {purpose.id for purpose in POLICY.purposes}
STATES = {"none": set(), "refuse": set(), "performance": {"performance"}, "accept": EVERYTHING}
URLS = [example for example in POLICY.examples if example.kind == "url"]
SNIPPETS = [example.subject for example in POLICY.examples if example.kind == "html"]
WORDS = """
purposes:
  marketing: { label: Marketing, hint: pixels, sentence: Pixels., without: none, refusing: none }
"""


async def page(request: web.Request) -> web.Response:
    """Return the page; of what its snippets ask of the site itself, nothing."""
    if request.path != "/":
        return web.Response(text="", content_type="text/javascript")
    scripts = "\n".join(f'<script async src="{example.subject}"></script>' for example in URLS)
    text = f'<!doctype html><html lang="en"><title>All</title><body><h1>All</h1>\n{scripts}\n' + "\n".join(
        SNIPPETS
    )
    return web.Response(text=text + "\n<script>window.siteRan = 1</script>", content_type="text/html")


@pytest.fixture(scope="module")
def enforced(tmp_path_factory):
    folder = tmp_path_factory.mktemp("catalogue")
    (folder / "rules.yaml").write_text(RULES)
    (folder / "words").mkdir()
    (folder / "words" / "en.yaml").write_text(WORDS)
    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    port, stop = serve_in_thread(app)
    running = Running(folder, port, rules=folder / "rules.yaml", extra="languages: words\n")
    yield running.port
    running.stop()
    stop()


def may_load(host: str, granted: set[str]) -> bool:
    """True when some rule for that host is granted: a policy of a page speaks of hosts, not of purposes."""
    for provider in POLICY.providers:
        if any(covers(known, host) for known in provider.connect) and granted:
            return True
        for rule in provider.tags:
            if (
                rule.do is not Action.NEVER
                and set(rule.purposes) <= granted | {NECESSARY}
                and any(covers(known, host) for known in rule.hosts)
            ):
                return True
    return False


def wanted(state: str) -> set[str]:
    """Return the hosts of all that the tests of the blocks keep in that state."""
    visitor = {"none": "refused", "refuse": "refused", "accept": "accepted"}.get(state, state)
    kept = (example.subject for example in URLS if TESTER.outcome(example, visitor).words == "keep")
    return {urlsplit(address).hostname for address in kept}


def reach(visitor, state: str) -> None:
    if state == "none":
        return
    visitor.goes("/")
    if state == "performance":
        visitor.page.get_by_text("Customize", exact=True).click()
        visitor.page.get_by_role("checkbox", name="Performance").first.check()
        visitor.clicks("button", "Save my choices")
    else:
        visitor.clicks("button", {"refuse": "Refuse all", "accept": "Accept all"}[state])


@pytest.mark.parametrize(
    "state",
    ["refuse", "accept", *(pytest.param(one, marks=pytest.mark.load) for one in ("none", "performance"))],
)
def test_all_snippets_on_one_page_load_what_is_granted_and_reach_nobody_else(
    visit, enforced, providers, state
):
    visitor = visit(port=enforced)
    reach(visitor, state)
    providers.forget()
    visitor.goes("/")

    assert visitor.page.evaluate("window.siteRan") == 1, "the site's own code runs in every state"
    assert until(lambda: wanted(state) - providers.hosts(), set()) == set()
    reached = {host for host in providers.hosts() - CHATTER if host != "callkom.io"}
    assert {host for host in reached if not may_load(host, STATES[state])} == set()
    if state != "accept":
        assert unanswered(visitor, STATES[state]) == []


def unanswered(visitor, granted: set[str]) -> list[str]:
    """Return the functions of stand-ins of refused providers that are not there, or fail."""
    names = [
        name
        for provider in POLICY.providers
        for rule in provider.tags
        if isinstance(rule.stand_in, StandIn) and not set(rule.purposes) <= granted | {NECESSARY}
        for name in rule.stand_in.replies
    ]
    assert len(names) > 40
    return visitor.page.evaluate(
        """names => names.filter(name => {
          try { const found = name.split('.').reduce((at, part) => at[part], window); found(); return typeof found != 'function' }
          catch (error) { return true }
        })""",
        names,
    )


@pytest.mark.load
def test_without_the_proxys_rules_the_page_reaches_nearly_everybody(visit, providers):
    """The measuring instrument works: in front of nothing the same page asks all of them."""
    app = web.Application()
    app.router.add_get("/{path:.*}", page)
    tls, _, _ = tls_for("callkom.io")
    port, stop = serve_in_thread(app, tls=tls)
    try:
        visit(port=port).goes("/")
        assert until(lambda: wanted("accept") - providers.hosts(), set()) == set()
    finally:
        stop()
