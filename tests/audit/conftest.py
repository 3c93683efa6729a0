"""The planted site, direct and behind the proxy, and the browser's driver."""

import pytest

from proxy.audit.plan import Plan, checked_resolve, purposes_of
from proxy.audit.visits import visit_site
from proxy.banner.word_files import load_languages
from proxy.commands.terminal import read_policy
from tests.audit.planted_site import RULES, Shop, third_party
from tests.e2e.conftest import HOSTS, Running
from tests.e2e.providers import serve_in_thread, tls_for

LANGUAGES = list(load_languages().all.values())


@pytest.fixture(scope="module")
def shop():
    return Shop()


@pytest.fixture(scope="module")
def third_parties():
    tls, _, _ = tls_for("*.example")
    port, stop = serve_in_thread(third_party, tls=tls)
    yield port
    stop()


@pytest.fixture(scope="module")
def direct(shop):
    tls, _, _ = tls_for(*HOSTS)
    port, stop = serve_in_thread(shop.answer, tls=tls)
    yield port
    stop()


@pytest.fixture(scope="module")
def origin(shop):
    port, stop = serve_in_thread(shop.answer)
    yield port
    stop()


def plan_for(port: int, third_parties: int, *states: str, pages: int = 4, screenshots: bool = False) -> Plan:
    """Return a plan for the planted site at a port of this machine."""
    resolve = [f"callkom.io:443:127.0.0.1:{port}", f"*:*:127.0.0.1:{third_parties}"]
    return Plan(
        ("https://callkom.io/",),
        states,
        pages,
        resolve=tuple(map(checked_resolve, resolve)),
        insecure=True,
        screenshots=screenshots,
    )


def visited(engine, plan: Plan, policy=None):
    """Return what a visit saw."""
    policy = policy or read_policy(RULES)
    purposes = {state: purposes_of(state, policy) for state in plan.states}
    return visit_site(engine, plan, LANGUAGES, purposes, lambda *_: None)


@pytest.fixture(scope="module")
def behind(tmp_path_factory, origin):
    """Start the proxy in front of the planted site with these rules; returns its port."""
    running = []

    def start(rules=RULES) -> int:
        one = Running(tmp_path_factory.mktemp("proxy"), origin, rules=rules)
        running.append(one)
        return one.port

    yield start
    for one in running:
        one.stop()
