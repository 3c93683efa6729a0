"""What one process collects between two writes."""

import pytest

from proxy.filter.verdict import Does, Verdict
from proxy.seen.names import Kind, Side
from proxy.seen.sightings import (
    ENOUGH_NETWORKS,
    MOST_WAITING,
    NEW_PER_HOUR,
    Key,
    ReportedName,
    Seen,
    Sightings,
)
from proxy.telemetry.metrics import summary_of_tags

NOW = 1_795_435_200
PAGE = (
    Verdict(
        Does.HOLD,
        note="undeclared third party cdn.vendor.example",
        host="cdn.vendor.example",
        element="script",
    ),
    Verdict(
        Does.HOLD, note="undeclared third party px.other.example", host="px.other.example", element="img"
    ),
    Verdict(
        Does.HOLD, note="undeclared third party css.other.example", host="css.other.example", element="style"
    ),
)


def reported(*names, kind=Kind.HOST):
    return [ReportedName(kind, name, "script", path="/x") for name in names]


def test_a_page_names_its_hosts_with_element_page_and_count():
    sightings = Sightings()
    for path in (b"/first", b"/second"):
        sightings.note_tags("site", summary_of_tags(PAGE), path)

    taken = sightings.take(NOW)

    assert {key.name: (one.elements, one.sides, one.paths, one.count) for key, one in taken.items()} == {
        "cdn.vendor.example": ({"script"}, {"markup"}, ["/first"], 2),
        "px.other.example": ({"img"}, {"markup"}, ["/first"], 2),
        "css.other.example": ({"style"}, {"style"}, ["/first"], 2),
    }
    assert all(one.by_us for one in taken.values())
    assert sightings.take(NOW) == {}


@pytest.mark.parametrize(
    ("line", "lasts"),
    [(b"sid=1; HttpOnly; Secure", "Session"), (b"sid=1; HttpOnly; Secure; Max-Age=259200", "3 days")],
)
def test_a_cookie_that_a_response_sets_is_described(line, lasts):
    sightings = Sightings()
    sightings.note_set_cookie("site", "www.site.example", line, b"/login", NOW)

    seen = sightings.take(NOW)[Key("site", Kind.COOKIE, "sid")]

    assert seen.cookie == {"httponly": True, "secure": True, "lasts": lasts, "domain": "www.site.example"}
    assert (seen.setters, seen.by_us, seen.paths) == ({"server"}, True, ["/login"])


def test_the_deletion_of_a_cookie_names_nothing():
    sightings = Sightings()
    sightings.note_set_cookie("site", "site.example", b"sid=; Max-Age=0", b"/", NOW)

    assert sightings.take(NOW) == {}


def test_names_that_a_visitor_sends_are_only_reported_and_hold_no_value():
    sightings = Sightings()
    sightings.note_sent_cookies("site", b"a=secret; b_0123456789=x; =nameless", b"/")

    taken = sightings.take(NOW)

    assert sorted(key.name for key in taken) == ["a", "b_*"]
    assert not any(one.by_us for one in taken.values())
    assert "secret" not in repr(taken)


def test_a_network_may_report_so_many_new_names_an_hour():
    sightings = Sightings()
    invented = [f"h{number}.invented.example" for number in range(200)]

    taken = sightings.report("site", reported(*invented), "192.0.2.0/24", NOW)
    others = sightings.report("site", reported(*invented[100:]), "198.51.100.0/24", NOW)
    later = sightings.report("site", reported(*invented[199:]), "192.0.2.0/24", NOW + 3600)

    assert (taken, others, later) == (NEW_PER_HOUR, NEW_PER_HOUR, 1)


def test_what_is_known_already_costs_nobody_his_share():
    sightings = Sightings()
    sightings.known = frozenset({Key("site", Kind.HOST, "known.example")})

    for _ in range(NEW_PER_HOUR + 5):
        sightings.report("site", reported("known.example"), "192.0.2.0/24", NOW)

    assert sightings.report("site", reported("new.example"), "192.0.2.0/24", NOW) == 1


def test_no_more_names_wait_than_have_room():
    sightings = Sightings()
    for number in range(3 * MOST_WAITING):
        sightings.note_set_cookie("site", "site.example", b"c%dx=1" % number, b"/", NOW)
        sightings.note_sent_cookies("site", b"; ".join(b"d%dx%d=1" % (number, n) for n in range(50)), b"/")
    taken = sightings.take(NOW)

    assert len(taken) == MOST_WAITING


def test_merging_keeps_three_paths_and_five_networks():
    seen = Seen(NOW, NOW, 1)
    for number in range(10):
        seen.merge(Seen(NOW - number, NOW + number, 1, paths=[f"/{number}"], networks={str(number)}))

    assert (seen.first, seen.last, seen.count) == (NOW - 9, NOW + 9, 11)
    assert len(seen.paths) == 3
    assert len(seen.networks) == ENOUGH_NETWORKS


def test_a_network_is_kept_as_a_keyed_hash_alone():
    one, other = Sightings(b"one key"), Sightings(b"another")
    for sightings in (one, other):
        sightings.report(
            "site",
            [ReportedName(Kind.KEY, "theme", side=Side.SCRIPT, setter="cdn.vendor.example")],
            "192.0.2.0/24",
            NOW,
        )
    first, second = (s.take(NOW)[Key("site", Kind.KEY, "theme")] for s in (one, other))

    assert first.setters == {"cdn.vendor.example"}
    assert len(first.networks) == 1
    assert first.networks.isdisjoint(second.networks)
    assert "192.0.2" not in repr(first)


def test_a_life_that_a_browser_reports_is_kept_and_one_that_was_sent_goes_before_it():
    sightings = Sightings()
    for _ in range(2):
        sightings.report("site", [ReportedName(Kind.COOKIE, "mine", lasts="3 days")], "192.0.2.0/24", NOW)
        sightings.report("site", [ReportedName(Kind.COOKIE, "sent", lasts="3 days")], "192.0.2.0/24", NOW)
        sightings.note_set_cookie("site", "callkom.io", b"sent=1; Max-Age=86400", b"/", NOW)
    sightings.give_back(sightings.take(NOW))
    sightings.report("site", [ReportedName(Kind.COOKIE, "sent", lasts="9 days")], "192.0.2.0/24", NOW)
    kept = {key.name: seen.cookie["lasts"] for key, seen in sightings.take(NOW).items()}

    assert kept == {"mine": "3 days", "sent": "1 day"}
