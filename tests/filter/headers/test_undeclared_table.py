"""The table of what happens to what is undeclared (docs/rules.md): a row here for each of its cells.

What scripts do with cookies and storage is read from the guard's table; banner/test_guard.py tries it.
"""

import re

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.headers.cookies import CookieRules, judge_cookie, strip_cookie_header
from proxy.filter.headers.guard_table import guard_table
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from tests.policy.rules import text_of

HOST = "example.com"
NOTHING = frozenset()
POLICY = load_policy(
    text_of(
        cookies="- { name: declared, domain: .example.com, purpose: functional, lasts: 1 day, why: x }",
        storage="- { key: declared, purpose: functional }",
    ),
    catalogue=shipped_catalogue(),
)
RULES = CookieRules(POLICY)
GUARD = guard_table(POLICY, NOTHING, OwnHosts(frozenset({HOST}), HOST))


def set_cookie(name):
    _, line = judge_cookie(RULES, name + b"=1", host=HOST, grants=NOTHING, now=0)
    return "passes" if line else "dropped"


def script_cookie(name):
    row = next((row for row in GUARD.rows if re.match(f"^({row[0]});", name.decode() + ";")), None)
    refused = row[2] == 0 if row else not GUARD.keeps_undeclared
    return "refused" if refused else "passes"


def request_cookie(name):
    shown, hidden = strip_cookie_header(RULES, b"a=1; " + name + b"=1; b=2", host=HOST, grants=NOTHING)
    assert bool(hidden) == (name not in shown)
    return "hidden" if hidden else "passes"


def in_the_jar(name):
    """What is hidden from a request is what the sweep expires."""
    return "expired" if request_cookie(name) == "hidden" else "left"


def storage(name):
    return "refused" if re.fullmatch(GUARD.keys, name.decode()) else "passes"


WAYS = {
    "Set-Cookie": set_cookie,
    "document.cookie": script_cookie,
    "request Cookie": request_cookie,
    "in the jar": in_the_jar,
    "storage": storage,
}
TABLE = [
    # name, Set-Cookie, document.cookie, request Cookie, in the jar, storage
    (b"declared", "dropped", "refused", "hidden", "expired", "refused"),
    (b"mystery", "dropped", "refused", "passes", "left", "passes"),
    (b"_fbp", "dropped", "refused", "hidden", "expired", "refused"),
    (b"ajs_anonymous_id", "dropped", "refused", "hidden", "expired", "refused"),
    (b"ph_phc_x_posthog", "dropped", "refused", "hidden", "expired", "refused"),
]


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row[0].decode())
@pytest.mark.parametrize("way", WAYS)
def test_every_cell_of_the_table_holds(row, way):
    name, *cells = row

    assert WAYS[way](name) == dict(zip(WAYS, cells, strict=True))[way]
