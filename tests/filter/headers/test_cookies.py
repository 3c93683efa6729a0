"""What the site may set, and what of the visitor's cookies it is shown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.catalogue.shipped import shipped_catalogue
from proxy.filter.headers.cookies import (
    CookieRules,
    judge_cookie,
    longest_lifetime,
    pairs_of,
    strip_cookie_header,
    values_of,
)
from proxy.filter.headers.set_cookie import cap, parse_set_cookie
from proxy.filter.verdict import Does
from proxy.policy.load import load_policy
from proxy.policy.model import DAY
from proxy.policy.scope import scope_of
from tests.policy.rules import policy_of
from tests.shared import ROOT, shared

NOW = 1_795_428_000  # Mon, 23 Nov 2026 10:00:00 GMT
HOST = "www.example.com"
COOKIES = """
- { name: consent_callkom, domain: .example.com, purpose: necessary, lasts: 6 months, why: x }
- { name: session, domain: .example.com, purpose: necessary, lasts: Session, why: x }
- { name: bot, domain: .example.com, purpose: necessary, lasts: 30 min, why: x }
- { name: "__Host-*", domain: .example.com, purpose: necessary, lasts: 30 days, why: x }
- { name: tk, domain: .elsewhere.com, purpose: necessary, lasts: 1 year, why: x }
- { name: tk, domain: .example.com, purpose: functional, lasts: 6 months, why: x }
- { name: language, domain: example.com, purpose: functional, lasts: Session, why: x }
- { name: user, domain: [app.example.com, api.example.com], purpose: performance, lasts: 11 months, why: x }
- { name: _ga_test, domain: .example.com, purpose: functional, lasts: 1 day, why: x }
- { name: [_ga, "_ga_*"], domain: .example.com, purpose: performance, lasts: up to 13 months, why: x }
- { name: visit, domain: .example.com, purpose: performance, lasts: 30 min, why: x }
"""
POLICY = policy_of(cookies=COOKIES)
RULES = CookieRules(POLICY)
EVERYTHING = scope_of(POLICY).granted(["functional", "performance"])
NOTHING = frozenset()


def judged(line, *granted, host=HOST, rules=RULES, since=None):
    grants = scope_of(POLICY).granted(granted)
    return judge_cookie(rules, line, host=host, grants=grants, now=NOW, since=since or {})


def passes(line, *granted, **how):
    verdict, out = judged(line, *granted, **how)
    assert verdict.keeps == (out == line)
    return out == line


def line_of(policy, name):
    return next(row.place.line for row in policy.providers[0].cookies if name in row.names)


@pytest.mark.parametrize(
    "line",
    [b"_ga=1", b"_ga_X=1; Path=/", b" _ga = 1", b"_ga=1; Domain=example.com", b"_ga=1; Domain=.example.com"],
)
def test_a_declared_cookie_passes_exactly_when_its_purpose_is_granted(line):
    assert judged(line)[1] is judged(line, "functional")[1] is None
    assert passes(line, "performance")


@pytest.mark.parametrize(
    "line",
    [b"session=1; HttpOnly", b"bot=1; Max-Age=1800; Secure", b"__Host-id=1; Secure; Path=/; Max-Age=60"],
)
def test_a_necessary_cookie_passes_for_everybody(line):
    assert passes(line)


def test_the_verdict_names_provider_purpose_and_line():
    verdict, _ = judged(b"_ga=1")

    assert (verdict.does, verdict.provider, verdict.needs) == (Does.DROP, "acme", ("performance",))
    assert verdict.because.line == line_of(POLICY, "_ga")


def test_the_first_row_that_fits_decides():
    assert judged(b"_ga_test=1", "performance")[1] is None
    assert passes(b"_ga_test=1", "functional")


@pytest.mark.parametrize("line", [b"_gat=1", b"_gallery=1", b"_GA=1", b"ga=1", b"x_ga=1"])
def test_what_no_row_names_is_dropped_as_undeclared(line):
    assert judged(line, "functional", "performance") == (judged(b"other=1")[0], None)
    assert judged(line)[0].note == "undeclared"


def test_a_site_can_keep_what_is_undeclared_and_still_refuses_what_is_declared():
    keeping = CookieRules(policy_of(cookies=COOKIES, undeclared="{ cookies: keep, tags: hold }"))

    assert passes(b"theme=dark; Max-Age=99999999", rules=keeping)
    assert judged(b"_ga=1", rules=keeping)[1] is None


def test_a_row_for_another_domain_never_speaks_of_the_sites_own_cookies():
    assert judged(b"tk=1")[1] is None
    assert judged(b"tk=1; Domain=.elsewhere.com")[0].needs == ("functional",)


@pytest.mark.parametrize(
    ("name", "place"),
    [("tk", 4), ("_ga_test", 8), ("_ga_1", 9), ("__Host-x", 3), ("odd", None)],
)
def test_the_first_row_that_names_a_cookie_is_found_whatever_its_domain(name, place):
    rules = CookieRules(POLICY)

    assert rules.naming(name) is (None if place is None else rules.rows[place])


@pytest.mark.parametrize(
    ("line", "host", "expected"),
    [
        (b"language=fr", "example.com", True),
        (b"language=fr; Domain=example.com", "example.com", True),
        (b"language=fr; Domain=.example.com", "www.example.com", True),
        (b"language=fr", "www.example.com", False),
        (b"user=1", "app.example.com", True),
        (b"user=1", "api.example.com", True),
        (b"user=1", "example.com", False),
        (b"user=1; Domain=example.com", "app.example.com", False),
        (b"user=1", "x.app.example.com", False),
        (b"_ga=1", "deep.down.example.com", True),
        (b"_ga=1", "notexample.com", False),
    ],
)
def test_a_domain_without_a_dot_is_one_host_and_with_it_all_below(line, host, expected):
    assert passes(line, "functional", "performance", host=host) is expected


@pytest.mark.parametrize("line", [b"=_ga=1", b"=_ga", b"_ga", b" _ga ; Path=/"])
def test_a_nameless_cookie_is_judged_by_what_servers_read_in_it(line):
    assert judged(line)[0].needs == ("performance",)
    assert judged(line)[1] is None


@pytest.mark.parametrize(
    "line",
    [
        b"_ga=; Max-Age=0",
        b"_ga=x; Max-Age=-1; Expires=Thu, 01 Jan 2037 00:00:00 GMT",
        b"theme=; expires=Thu, 01-Jan-1970 00:00:01 GMT",
    ],
)
def test_deletions_always_pass_as_they_are(line):
    assert passes(line)


@pytest.mark.parametrize("line", [b"_ga=; Max-Age=", b"_ga=; Max-Age=-", b"_ga=; Expires=1970"])
def test_what_only_looks_like_a_deletion_is_judged(line):
    assert judged(line)[1] is None


@pytest.mark.parametrize(
    "line", [b"consent_callkom=x; Max-Age=60", b"consent_callkom=; Max-Age=0", b"=consent_callkom=x"]
)
def test_nobody_else_sets_or_deletes_the_consent_cookie(line):
    assert judged(line, "functional", "performance")[1] is None


@pytest.mark.parametrize(
    "line", [b"session=\x01", b"session=1\x00; Path=/", b"session=" + b"x" * 4097, b"", b"="]
)
def test_what_browsers_ignore_is_dropped_whole(line):
    assert judged(line) == (judged(b"")[0], None)


def test_bytes_beyond_ascii_pass_untouched():
    assert passes(b"session=\xff\xfe\xc3\xa9")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            b"_ga=1; Max-Age=63072000; Path=/",
            b"_ga=1; Max-Age=34128000; Path=/; Expires=Thu, 23 Dec 2027 10:00:00 GMT",
        ),
        (
            b"_ga=1; expires=Tue, 23 Nov 2032 10:00:00 GMT",
            b"_ga=1; expires=Thu, 23 Dec 2027 10:00:00 GMT; Max-Age=34128000",
        ),
        (
            b"_ga=1;MAX-AGE = 63072000 ;Expires=Tue, 23 Nov 2026 10:05:00 GMT;secure",
            b"_ga=1;MAX-AGE=34128000;Expires=Thu, 23 Dec 2027 10:00:00 GMT;secure",
        ),
        (
            b"_ga=1; Max-Age=60; Max-Age=99999999999999999999",
            b"_ga=1; Max-Age=34128000; Max-Age=34128000; Expires=Thu, 23 Dec 2027 10:00:00 GMT",
        ),
        (
            b"visit=a|b; max-age=86400; SameSite=None; Secure",
            b"visit=a|b; max-age=1800; SameSite=None; Secure; Expires=Mon, 23 Nov 2026 10:30:00 GMT",
        ),
        (b"session=1; Max-Age=60; Path=/; Expires=Tue, 23 Nov 2032 10:00:00 GMT", b"session=1; Path=/"),
        (
            b"__Host-id=1; Secure; Path=/; Max-Age=9999999",
            b"__Host-id=1; Secure; Path=/; Max-Age=2592000; Expires=Wed, 23 Dec 2026 10:00:00 GMT",
        ),
    ],
)
def test_a_life_beyond_the_row_is_capped_and_nothing_else_is_touched(line, expected):
    assert judged(line, "performance")[1] == expected


@pytest.mark.parametrize(
    "line",
    [
        b"_ga=1; Max-Age=34128000",
        b"_ga=1; Max-Age=60",
        b"_ga=1",
        b"_ga=1; Expires=not a date",
        b"visit=1; Max-Age=1800",
    ],
)
def test_a_life_within_the_row_passes_byte_for_byte(line):
    assert passes(line, "performance")


def test_a_cap_says_what_it_caps_to():
    assert (
        str(judged(b"_ga=1; Max-Age=63072000", "performance")[0])
        == f"cap to 13 months (rules.yaml:{line_of(POLICY, '_ga')})"
    )


def test_a_life_ends_n_after_the_day_of_consent_whatever_is_renewed():
    today = NOW // DAY
    lives = {
        days: parse_set_cookie(
            judged(b"_ga=1; Max-Age=63072000", "performance", since={"performance": today - days})[1]
        ).max_age
        for days in (0, 1, 100, 395, 396, 400)
    }
    rest = DAY - NOW % DAY  # of today

    assert lives == {
        0: 395 * DAY,
        1: 394 * DAY + rest,
        100: 295 * DAY + rest,
        395: rest,
        396: 394 * DAY + rest,
        400: 390 * DAY + rest,
    }


def test_a_year_of_renewals_never_moves_the_end():
    row = RULES.setting("_ga", HOST)
    first = NOW // DAY
    ends = {
        now + longest_lifetime(row, now, {"performance": first})
        for now in range(NOW + DAY, NOW + 395 * DAY, 40_000)
    }

    assert ends == {(first + 1 + 395) * DAY}


@given(st.integers(0, 2_000 * DAY), st.integers(-10, 1_500))
def test_no_life_is_longer_than_the_row_or_already_over(later, days):
    row = RULES.setting("_ga", HOST)

    assert 0 < longest_lifetime(row, NOW + later, {"performance": NOW // DAY - days}) <= 395 * DAY


def test_inactivity_of_minutes_slides_and_necessary_cookies_have_no_day():
    since = {"performance": NOW // DAY - 390, "functional": NOW // DAY - 390}

    assert passes(b"visit=1; Max-Age=1800", "performance", since=since)
    assert passes(b"__Host-id=1; Max-Age=2592000; Secure; Path=/", since=since)


names = st.sampled_from([b"_ga", b"session", b"other", b"tk", b"__Host-x", b"", b" ", b"consent_callkom"])
attributes = st.lists(
    st.sampled_from(
        [
            b"Max-Age=9",
            b"max-age=99999999999",
            b"Expires=Tue, 23 Nov 2032 10:00:00 GMT",
            b"expires=x",
            b"Path=/",
            b"Domain=example.com",
            b"Secure",
            b" ",
            b"\xff",
            b"\x00",
        ]
    ),
    max_size=6,
)


@given(
    st.one_of(
        st.binary(max_size=120), st.builds(lambda n, a: b"; ".join([n + b"=1", *a]), names, attributes)
    ),
    st.booleans(),
)
def test_no_line_raises_and_none_outlives_its_row(line, granted):
    verdict, out = judge_cookie(
        RULES, line, host=HOST, grants=EVERYTHING if granted else NOTHING, now=NOW, since={}
    )

    assert (out is None) == (verdict.does is Does.DROP)
    if out is not None and verdict.note != "deletion" and (cookie := parse_set_cookie(out)):
        limit = longest_lifetime(RULES.setting(cookie.sent_as, cookie.domain or HOST), NOW)
        assert (cookie.lifetime(NOW) or 0) <= (limit or 0)
        assert parse_set_cookie(out).value == parse_set_cookie(line).value


NAMES = [
    b"_ga",
    b" _ga ",
    b"session",
    b"language",
    b"visit",
    b"consent_callkom",
    b"nobody",
    b"",
    b"tk",
    b"bot",
]
VALUES = [b"=1", b"=", b"", b"=_ga=1", b"=\x01", b"=" + b"x" * 4_100, b" = \xff"]
LIFE = st.sampled_from([[], [b"Max-Age=3000000"], [b"Expires=Tue, 23 Nov 2027 10:00:00 GMT"], [b"Max-Age=0"]])
MOMENTS = st.sampled_from([NOW - 400 * DAY, NOW, NOW + 30 * DAY, NOW + 390 * DAY, NOW + 3_000 * DAY])


@given(
    name=st.sampled_from(NAMES),
    life=LIFE,
    others=attributes,
    host=st.sampled_from([HOST, "api.example.com"]),
    seen=st.lists(st.tuples(st.sampled_from(VALUES), MOMENTS, st.booleans()), min_size=2, max_size=6),
    granted=st.booleans(),
)
def test_what_was_judged_before_is_judged_alike_whatever_its_value_and_whenever(
    *, name, life, others, host, seen, granted
):
    rules, grants = CookieRules(POLICY), EVERYTHING if granted else NOTHING
    for value, now, known_since in seen:
        line = b";".join([name + value, *life, *others])
        since = {"performance": NOW // DAY} if known_since else {}
        how = {"host": host, "grants": grants, "now": now, "since": since}
        assert judge_cookie(rules, line, **how) == judge_cookie(CookieRules(POLICY), line, **how)


def test_a_life_that_was_within_the_row_is_capped_once_the_end_is_nearer_than_that():
    rules, line, since = CookieRules(POLICY), b"_ga=1; Max-Age=3000000", {"performance": NOW // DAY}
    found = [
        judge_cookie(rules, line, host=HOST, grants=EVERYTHING, now=NOW + days * DAY, since=since)[0].does
        for days in (0, 390)
    ]

    assert found == [Does.KEEP, Does.CAP]


@given(attributes)
def test_a_capped_line_is_capped_for_good(attributes):
    line = b"; ".join([b"_ga=1", *attributes])
    out = judged(line, "performance")[1]

    assert out is None or judged(out, "performance")[1] == out


def test_a_session_cap_takes_only_the_lifetime_away():
    assert cap(b"a=b ; Path=/x;Max-Age=5; Secure ", None, NOW) == b"a=b ; Path=/x; Secure "


# --- Cookie: what the site is shown -----------------------------------------------------------


def shown(value, *granted, host=HOST):
    return strip_cookie_header(RULES, value, host=host, grants=scope_of(POLICY).granted(granted))


@pytest.mark.parametrize(
    ("value", "expected", "hidden"),
    [
        (b"session=1; _ga=2; theme=dark", b"session=1; theme=dark", (b"_ga",)),
        (b"_ga=2; session=1", b"session=1", (b"_ga",)),
        (b"session=1; _ga=2", b"session=1", (b"_ga",)),
        (b"_ga=2", b"", (b"_ga",)),
        (b"_ga=2; tk=3;_ga_X=4", b"", (b"_ga", b"tk", b"_ga_X")),
        (b"a=1;_ga=2;  b=3", b"a=1;  b=3", (b"_ga",)),
        (b"_ga=1; _ga=2; a=3", b"a=3", (b"_ga", b"_ga")),
        (b"a=1; _ga", b"a=1", (b"",)),
        (b"a=1; =_ga=5; \t_ga\t=6", b"a=1", (b"", b"_ga")),
        (b"a=1; language=fr", b"a=1", (b"language",)),
    ],
)
def test_refused_cookies_are_hidden_and_the_rest_keeps_its_bytes(value, expected, hidden):
    assert shown(value) == (expected, hidden)


def test_a_cookie_of_a_parent_domain_is_hidden_and_one_that_cannot_come_is_not():
    assert shown(b"user=1", host="app.example.com") == (b"", (b"user",))
    assert shown(b"user=1", host="www.example.com") == (b"user=1", ())


VALUES = [
    b"",
    b" ",
    b";",
    b"; ;",
    b"a",
    b"a=1;b=2",
    b' a="x;y" ; ;',
    b"\xff=\xfe",
    b"consent_callkom=x; session=1",
    b"_GA=1; _gat=2; x_ga=3",
]


@pytest.mark.parametrize("value", VALUES)
def test_undeclared_and_necessary_cookies_pass_as_the_very_same_bytes(value):
    assert shown(value)[0] is value


@given(st.binary(max_size=200))
def test_where_everything_is_granted_the_header_is_never_touched(value):
    assert strip_cookie_header(RULES, value, host=HOST, grants=EVERYTHING)[0] is value


@given(
    st.lists(st.sampled_from([b"_ga=1", b"tk=2", b"a=3", b"session=4", b"", b" ", b"="]), max_size=8).map(
        b";".join
    )
)
def test_what_is_left_hides_nothing_more(value):
    left, hidden = shown(value)

    assert shown(left)[0] is left
    assert (left is value) == (not hidden)


@pytest.mark.parametrize("count", [100, 5_000])
@pytest.mark.parametrize("pair", [b"_ga=%d", b"_ga_%d=1", b"tk=%d;x%d=1"])
def test_each_cookie_of_a_header_is_looked_at_once_however_many_are_hidden(pair, count):
    compared = 0

    class Piece(bytes):
        def __eq__(self, other: object) -> bool:
            nonlocal compared
            compared += 1
            return bytes.__eq__(self, other)

        __hash__ = bytes.__hash__

    class Header(bytes):
        def split(self, separator: bytes) -> list[bytes]:
            return [Piece(piece) for piece in bytes.split(self, separator)]

    value = b";".join(pair.replace(b"%d", b"%d" % number) for number in range(count))

    assert shown(Header(value)) == shown(value)
    assert len(shown(value)[1]) == count
    assert compared <= count


def test_names_of_visitors_do_not_pile_up():
    rules = CookieRules(POLICY)
    for i in range(5_000):
        strip_cookie_header(rules, b"x%d=1" % i, host=HOST, grants=NOTHING)
        judge_cookie(rules, b"x%d=1" % i, host=HOST, grants=NOTHING, now=NOW)

    assert len(rules.seen(HOST)) <= 2_048
    assert len(rules._set) <= 2_048


def test_hosts_do_not_pile_up_either():
    rules = CookieRules(POLICY)
    for i in range(5_000):
        rules.seen(f"h{i}.example.com")

    assert len(rules._seen) <= 2_048


def test_every_value_of_one_name_is_found():
    value = b"a=1; c=2; c=; cc=3; c = 4 ;c"

    assert values_of(value, "c") == [b"2", b"", b"4", b""]
    assert values_of(value, "consent_callkom") == []


# --- the shared cases, on the rules that ship ----------------------------------------------------

STATES = {
    "none": (),
    "functional": ("functional",),
    "performance": ("performance",),
    "all": ("functional", "performance"),
}


@pytest.mark.parametrize("undeclared", ["presume", "drop"])
def test_the_shared_cases_get_their_verdicts_from_the_rules_that_ship(undeclared):
    cases = json.loads(shared("corpus", "set-cookie-cases.json").read_text())["cases"]
    text = (ROOT / "rules.yaml").read_text().replace("cookies: presume,", f"cookies: {undeclared},")
    policy = load_policy(text, catalogue=shipped_catalogue())
    rules, wrong = CookieRules(policy), []
    for case in cases:
        for state, granted in STATES.items():
            line = case["set_cookie"].encode("latin-1")
            grants = scope_of(policy).granted(granted)
            _, out = judge_cookie(rules, line, host="callkom.io", grants=grants, now=NOW)
            if not agrees(case, state, line, out):
                wrong.append((case["set_cookie"], state, out))

    assert len(cases) > 25
    assert wrong == []


def agrees(case, state, line, out):
    if out is None:
        return case["verdict"][state] == "drop" or "drop" in case.get("alt", "")
    if case["verdict"][state] != "keep":
        return False
    lives, limit = parse_set_cookie(out).lifetime(NOW), case["cap_seconds"]
    if lives is None:
        return limit is None or parse_set_cookie(line).lifetime(NOW) is None
    return lives <= 0 or (limit is not None and lives <= limit)


@pytest.mark.parametrize(("said", "does"), [("drop", "drop"), ("keep", "keep")])
def test_what_is_undeclared_names_the_line_that_says_what_becomes_of_it(said, does):
    rules = CookieRules(policy_of(cookies=COOKIES, undeclared=f"{{ cookies: {said} }}"))
    verdict, _ = judged(b"mystery=1", rules=rules)

    assert verdict.does.value == does
    assert verdict.because.line > rules.rows[-1].place.line
    assert judged(b"mystery=1", rules=CookieRules(policy_of(cookies=COOKIES)))[0].because is None


def test_cookies_are_found_by_their_names_and_by_how_these_begin():
    header = b"cmp_a=1; other=2;cmp=3 ; cmp_a = 4; Cmp_b=5; xcmp_c=6; cmp_=7"

    assert pairs_of(header, ["cmp_*", "other"]) == [
        ("cmp_a", "1"),
        ("other", "2"),
        ("cmp_a", "4"),
        ("cmp_", "7"),
    ]
    assert pairs_of(header, ["cmp"]) == [("cmp", "3")]
    assert pairs_of(header, ["nobody*"]) == pairs_of(header, []) == []
