"""Set-Cookie as browsers read it."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.filter.headers.set_cookie import (
    SetCookie,
    days_since_1970,
    format_date,
    parse_date,
    parse_set_cookie,
)
from tests.shared import shared

NOW = 1_795_428_000


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a=b", SetCookie("a", "b")),
        (b" a = b ", SetCookie("a", "b")),
        (b"\ta\t=\tb\t", SetCookie("a", "b")),
        (b"a=b=c", SetCookie("a", "b=c")),
        (b"a=", SetCookie("a", "")),
        (b"=a", SetCookie("", "a")),
        (b"a", SetCookie("", "a")),
        (b'a="b; c"', SetCookie("a", '"b')),
        (b"a=1, b=2", SetCookie("a", "1, b=2")),
        (b"a=\xe9", SetCookie("a", "\xe9")),
        (b"a=b; Domain=.Example.COM", SetCookie("a", "b", domain="example.com")),
        (b"a=b; domain=x.com; DOMAIN=y.com", SetCookie("a", "b", domain="y.com")),
        (b"a=b; domain=", SetCookie("a", "b")),
        (b"a=b; domain=.", SetCookie("a", "b")),
        (b"a=b; path=/x; path=/y", SetCookie("a", "b", path="/y")),
        (b"a=b; path=x", SetCookie("a", "b")),
        (
            b"a=b; secure; HttpOnly=yes; Partitioned",
            SetCookie("a", "b", secure=True, httponly=True, partitioned=True),
        ),
        (b"a=b; SameSite=NONE", SetCookie("a", "b", samesite="None")),
        (b"a=b; SameSite=sometimes", SetCookie("a", "b")),
        (b"a=b; Max-Age=60", SetCookie("a", "b", max_age=60)),
        (b"a=b; max-age = -1 ", SetCookie("a", "b", max_age=-1)),
        (b"a=b; Max-Age=60; Max-Age=70", SetCookie("a", "b", max_age=70)),
        (b"a=b; Max-Age=60; Max-Age=x", SetCookie("a", "b", max_age=60)),
        (b"a=b; Max-Age=", SetCookie("a", "b")),
        (b"a=b; Max-Age=-", SetCookie("a", "b")),
        (b"a=b; Max-Age=+5", SetCookie("a", "b")),
        (b"a=b; Max-Age=1.5", SetCookie("a", "b")),
        (b"a=b; Max-Age=" + b"9" * 1024, SetCookie("a", "b", max_age=int("9" * 1024))),
        (b"a=b; Max-Age=" + b"9" * 1025, SetCookie("a", "b")),
        (b"a=b; Expires=Mon, 23 Nov 2026 10:00:00 GMT", SetCookie("a", "b", expires=NOW)),
        (b"a=b; Expires=Mon, 23 Nov 2026 10:00:00 GMT; Expires=never", SetCookie("a", "b", expires=NOW)),
        (b"a=b; =c; ;;", SetCookie("a", "b")),
    ],
)
def test_a_line_is_read_as_a_browser_reads_it(line, expected):
    assert parse_set_cookie(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"=",
        b" ; a=b",
        b"\t",
        b"a=\x00b",
        b"a=b\x7f",
        b"a=b; path=/\x01",
        b"a\r\n=b",
        b"a=" + b"b" * 4096,
        b"a" * 4097,
    ],
)
def test_a_line_that_browsers_ignore_is_no_cookie(line):
    assert parse_set_cookie(line) is None


def test_name_and_value_may_have_4096_bytes_together():
    assert parse_set_cookie(b"ab=" + b"c" * 4094) is not None
    assert parse_set_cookie(b"ab=" + b"c" * 4095) is None


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"a=b", None),
        (b"a=b; Max-Age=60", 60),
        (b"a=b; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT", 60),
        (b"a=b; Expires=Mon, 23 Nov 2026 10:01:00 GMT", 60),
        (b"a=b; Max-Age=0", 0),
        (b"a=b; Expires=soon", None),
    ],
)
def test_max_age_outranks_expires(line, expected):
    assert parse_set_cookie(line).lifetime(NOW) == expected


@pytest.mark.parametrize(
    ("line", "name"), [(b"a=b", "a"), (b"=_ga=1", "_ga"), (b"=_ga", "_ga"), (b"_ga", "_ga")]
)
def test_a_nameless_cookie_travels_under_its_value(line, name):
    assert parse_set_cookie(line).sent_as == name


@given(st.binary(max_size=200))
def test_any_bytes_can_be_read(line):
    parse_set_cookie(line)


@given(
    st.lists(
        st.sampled_from(
            [b"_ga", b"=", b";", b" ", b"\t", b"Max-Age", b"expires", b"-1", b"9", b"Jan", b":", b","]
        ),
        max_size=30,
    )
)
def test_any_mixture_of_its_parts_can_be_read(parts):
    cookie = parse_set_cookie(b"".join(parts))

    assert cookie is None or isinstance(cookie.lifetime(NOW), int | None)


@given(st.dates(date(1602, 1, 1), date(9999, 12, 30)), st.integers(0, 86_399))
def test_dates_agree_with_the_standard_library(day, second):
    moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second)
    since = round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())

    assert format_date(since) == moment.strftime("%a, %d %b %Y %H:%M:%S GMT").replace(
        f" {day.year} ", f" {day.year:04} "
    )
    assert parse_date(format_date(since)) == since
    assert days_since_1970(day.year, day.month, day.day) == since // 86_400


@pytest.mark.parametrize(
    ("text", "year"),
    [
        ("1 jan 00 0:0:0", 2000),
        ("1 jan 69 0:0:0", 2069),
        ("1 jan 70 0:0:0", 1970),
        ("1 jan 99 0:0:0", 1999),
        ("1 jan 1601 0:0:0", 1601),
    ],
)
def test_years_of_two_digits_lie_around_now(text, year):
    assert parse_date(text) == days_since_1970(year, 1, 1) * 86_400


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1 jan 2026",
        "jan 2026 0:0:0",
        "1 2026 0:0:0",
        "1 jan 0:0:0",
        "30 feb 2026 0:0:0",
        "29 feb 2100 0:0:0",
        "30 feb 2024 0:0:0",
        "0 jan 2026 0:0:0",
        "1 jan 1600 0:0:0",
        "1 jan 2026 24:0:0",
        "1 jan 2026 0:60:0",
        "1 jan 2026 0:0:60",
        "1 jan 2026 0:0",
        "1 jan 20266 0:0:0",
    ],
)
def test_what_is_no_date_is_none(text):
    assert parse_date(text) is None


def test_leap_days_are_days():
    assert parse_date("29 feb 2024 00:00:00") is not None
    assert parse_date("29 feb 2000 00:00:00") is not None


NOT_PER_LINE = ("domain", "__", "Secure", "nameless with")
"""Why a browser ignores a line that only somebody who knows where it came from can judge."""


def test_names_and_attributes_are_those_of_the_shared_suite():
    suite = json.loads(shared("suites", "set-cookie", "setcookie.json").read_text())
    wrong = [case["id"] for case in suite["cases"] if not agrees(case)]

    assert len(suite["cases"]) == 400
    assert wrong == []


def agrees(case):
    found, expected = parse_set_cookie(case["line"].encode("latin-1")), case["expect"]
    if (case["ignored_because"] or "").startswith(NOT_PER_LINE):
        return True
    if expected is None or found is None:
        return found is None and expected is None
    lives = found.lifetime(NOW)
    life = "session" if lives is None else "persistent" if lives > 0 else "delete"
    ends = None if found.expires is None else stamp(found.expires)
    same = all(
        getattr(found, name) == expected[name] for name in expected if name not in ("expires", "lifetime")
    )
    return same and (life, ends) == (expected["lifetime"], expected["expires"])


def stamp(moment):
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)).strftime("%Y-%m-%dT%H:%M:%SZ")


def test_dates_are_those_of_the_shared_suite():
    dates = json.loads(shared("suites", "set-cookie", "setcookie.json").read_text())["dates"]
    found = {each["date"]: (None if (d := parse_date(each["date"])) is None else stamp(d)) for each in dates}

    assert len(dates) == 70
    assert found == {each["date"]: each["expect"] for each in dates}
