"""What a visit of the planted site finds: everything that was planted, in each state, by the right side."""

import pytest

from proxy.audit.evaluation import evaluate, status_of
from proxy.audit.plan import ACCEPT, NONE, REFUSE, WITHDRAW
from proxy.commands.terminal import read_policy
from tests.audit.conftest import plan_for, visited
from tests.audit.planted_site import PAGES, RULES, planted

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def found(playwright_engine, direct, third_parties):
    plan = plan_for(direct, third_parties, NONE, REFUSE, ACCEPT)
    seen = visited(playwright_engine, plan)
    return seen, evaluate(seen, read_policy(RULES), plan.own)


@pytest.fixture(scope="module")
def withdrawn(playwright_engine, direct, third_parties):
    plan = plan_for(direct, third_parties, NONE, WITHDRAW)
    seen = visited(playwright_engine, plan)
    return seen, evaluate(seen, read_policy(RULES), plan.own)


def rows_of(found, state):
    return next(rows for rows in found[1].states if rows.visit.state == state)


def everything(rows):
    """Return (kind, name, where, sides) of all that a state saw, with what is said of it."""
    there = {}
    for row in rows.cookies.values():
        there["cookie", row.first.name, row.first.domain, " ".join(sorted(row.sides))] = row
    for row in rows.keys.values():
        there["key", row.first.name, row.first.host, " ".join(sorted(row.areas))] = row
    for row in rows.hosts.values():
        there["host", row.first.host, "-", "|".join(sorted(row.elements))] = row
    return there


def labels(*whens):
    return {(one.kind, one.name, one.where, one.side): one for one in planted() if one.when in whens}


def test_there_are_at_least_sixty_planted_names_each_once():
    names = [(one.kind, one.name) for one in planted()]

    assert len(names) == len(set(names)) >= 60


@pytest.mark.parametrize(
    ("state", "whens"),
    [
        (NONE, ["always"]),
        (REFUSE, ["always", "decided"]),
        (ACCEPT, ["always", "decided", "accept"]),
    ],
)
def test_every_planted_name_is_seen_by_its_side_and_nothing_else(found, state, whens):
    there = set(everything(rows_of(found, state)))
    wanted = set(labels(*whens))

    assert wanted - there == set()
    assert there - wanted == set()


@pytest.mark.load
def test_after_a_withdrawal_too_every_planted_name_is_seen(withdrawn):
    assert set(everything(rows_of(withdrawn, WITHDRAW))) == set(labels("always", "decided", "accept"))


@pytest.mark.parametrize(("state", "column"), [(NONE, "refused"), (REFUSE, "refused"), (ACCEPT, "accepted")])
def test_what_the_rules_say_of_each_is_what_a_person_says(found, state, column):
    said = {
        key: status_of(row.objections, counted=row.counted)
        for key, row in everything(rows_of(found, state)).items()
    }
    wanted = {
        key: getattr(one, column) for key, one in labels("always", "decided", "accept").items() if key in said
    }

    assert said == wanted


def test_a_visit_sends_no_form_and_follows_no_link_that_does_something(found, shop):
    asked = set(shop.asked)
    pages = {
        path for method, path in asked if path.partition("?")[0] not in ("/hop", "/mark.gif", "/fetched")
    }

    assert found
    assert {method for method, _ in asked} == {"GET"}
    assert pages <= {"/", "/shop", "/blog", "/about", "/worker.js", "/favicon.ico", "/.consent/state"}


def test_the_banner_of_every_page_is_looked_at(found):
    pages = {f"callkom.io{page}": "Complianz" for page in PAGES}

    assert {page: one["tool"] for page, one in found[0].banners.items()} == pages
