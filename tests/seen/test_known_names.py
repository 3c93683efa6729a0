"""The hashes that pages carry of names that need no report."""

import pytest

from proxy.policy.model import DAY
from proxy.seen.known_names import MOST, known_names, name_hash
from proxy.seen.names import Kind
from proxy.seen.sightings import Key, Seen


@pytest.mark.parametrize(
    ("kind", "name", "expected"),
    [("key", "theme", "11j3eca"), ("host", "cdn.vendor.example", "1ipcw5p"), ("key", "é 😀", "1xt1qep")],
)
def test_a_hash_is_what_the_script_makes(kind, name, expected):
    assert name_hash(kind, name) == expected


def test_a_page_carries_the_names_of_its_site_that_were_seen_last():
    known = {Key("site", Kind.KEY, f"key{n}"): Seen(n, n) for n in range(MOST + 100)}
    known[Key("other", Kind.KEY, "elsewhere")] = Seen(9999, 9999)
    known[Key("site", Kind.PAGE, "/broken")] = Seen(9999, 9999)

    found = known_names(known, "site", MOST + 99).split()

    assert len(found) == MOST
    assert name_hash("key", f"key{MOST + 99}") in found
    assert name_hash("key", "key0") not in found
    assert name_hash("key", "elsewhere") not in found


def test_a_name_that_was_not_seen_for_a_day_is_reported_again():
    known = {
        Key("site", Kind.HOST, "old.example"): Seen(0, 0),
        Key("site", Kind.HOST, "new.example"): Seen(0, DAY),
    }

    assert known_names(known, "site", DAY) == name_hash("host", "new.example")


def test_a_cookie_and_a_call_of_one_name_are_two_names():
    assert name_hash("cookie", "_paq") != name_hash("call", "_paq")
