"""Which pages every state visits: those that robots.txt allows, found while the first state goes."""

import pytest

from proxy.audit.links import Link, Robots, origin
from proxy.audit.plan import Plan
from proxy.audit.visits import Itinerary

SITE = "https://callkom.io"


def itinerary(*addresses, pages=10):
    """Return where a visit goes on a site that forbids /private."""
    plan = Plan(addresses, ("none",), pages)
    return Itinerary(plan, {origin(addresses[0]): Robots("User-agent: *\nDisallow: /private\n")})


@pytest.mark.parametrize("address", [f"{SITE}/", f"{SITE}:443/", "https://CallKom.io/"])
def test_robots_txt_is_obeyed_however_the_address_is_written(address):
    route = itinerary(address)
    route.found([Link(f"{SITE}/private/x"), Link(f"{SITE}:443/private/y"), Link(f"{SITE}/open")])

    assert route.pages[1:] == [f"{SITE}/open"]
    assert itinerary(f"{SITE}/private/").pages == []


def test_pages_are_added_while_there_is_room_and_until_the_first_state_has_been_visited():
    route = itinerary(f"{SITE}/", pages=3)
    route.found([Link(f"{SITE}/{name}") for name in ("a", "b", "c")])
    later = itinerary(f"{SITE}/")
    later.close()
    later.found([Link(f"{SITE}/a")])

    assert route.pages == [f"{SITE}/", f"{SITE}/a", f"{SITE}/b"]
    assert later.pages == [f"{SITE}/"]


def test_links_to_other_hosts_and_ports_are_not_pages_of_the_site():
    route = itinerary(f"{SITE}/")
    route.found([Link("https://www.callkom.io/"), Link(f"{SITE}:8443/"), Link("https://elsewhere.example/")])

    assert route.pages == [f"{SITE}/"]
