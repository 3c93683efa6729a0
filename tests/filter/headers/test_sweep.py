"""What is in the jar already: refused cookies go from wherever they were put."""

from dataclasses import replace
from http.cookiejar import CookieJar
from urllib.request import Request

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.build_digest import build_kind
from proxy.consent.answer import Answer, next_answer
from proxy.filter.headers import sweep as sweep_module
from proxy.filter.headers.cookies import CookieRules, judge_cookie, strip_cookie_header
from proxy.filter.headers.set_cookie import parse_set_cookie
from proxy.filter.headers.sweep import MAX_LINES, expire_elsewhere, names_of, outlived, sweep, swept
from proxy.policy.model import DAY
from proxy.policy.scope import scope_of
from tests.policy.rules import policy_of

COOKIES = """
- { name: session, domain: .example.com, purpose: necessary, lasts: 1 year, why: x }
- { name: tk, domain: .example.com, purpose: functional, lasts: 6 months, why: x }
- { name: hstc, domain: .example.com, purpose: performance, lasts: 6 months, why: x }
- { name: [_ga, "_ga_*"], domain: .example.com, purpose: performance, lasts: 13 months, why: x }
- { name: visit, domain: .example.com, purpose: performance, lasts: 30 min, why: x }
- { name: once, domain: .example.com, purpose: performance, lasts: Session, why: x }
"""
POLICY = policy_of(cookies=COOKIES)
RULES = CookieRules(POLICY)
SCOPE = scope_of(POLICY)
NOW = 1_795_428_000
TODAY = NOW // DAY
HALF_YEAR = 180 * DAY


def swept_lines(*names, host="app.example.com", path=b"/", domain="example.com", secure=True, **how):
    return sweep(names, host=host, path=path, domain=domain, secure=secure, **how)


class Jar:
    """A stranger's cookie jar, as a witness: it takes cookies away by name, domain and path."""

    def __init__(self, url):
        self.jar, self.url = CookieJar(), url

    def take(self, *lines):
        from email.message import Message

        headers = Message()
        for line in lines:
            headers.add_header("Set-Cookie", line.decode("latin-1"))
        self.jar.extract_cookies(type("Answer", (), {"info": lambda _: headers})(), Request(self.url))

    @property
    def held(self):
        return {(cookie.name, cookie.domain, cookie.path) for cookie in self.jar}


PLACES = [
    b"; Path=/",
    b"; Path=/; HttpOnly",
    b"; Path=/; Domain=app.example.com; Max-Age=999",
    b"; Path=/; Domain=.example.com; HttpOnly; Secure; Max-Age=999",
    b"; Path=/shop",
    b"; Path=/shop/",
    b"; Path=/shop/cart; Domain=example.com",
    b"",
]


@pytest.mark.parametrize("place", PLACES)
def test_a_refused_cookie_goes_from_every_place_that_this_request_can_show(place):
    jar = Jar("https://app.example.com/shop/cart/view.html?x=/y/")
    jar.take(b"_ga=1" + place)
    assert len(jar.held) == 1

    jar.take(*swept_lines(b"_ga", path=b"/shop/cart/view.html?x=/y/"))

    assert jar.held == set()


def test_what_was_not_refused_stays():
    jar = Jar("https://app.example.com/")
    jar.take(b"session=1; Path=/", b"theme=1; Path=/", b"_ga=1; Path=/")
    _, refused = strip_cookie_header(
        RULES, b"session=1; theme=1; _ga=1", host="app.example.com", grants=frozenset()
    )

    jar.take(*swept_lines(*refused))

    assert {name for name, _, _ in jar.held} == {"session", "theme"}


def test_the_likeliest_places_of_all_come_first():
    lines = swept_lines(b"_ga", b"tk", path=b"/shop/")

    assert lines[:6] == [
        b"_ga=; Path=/; Max-Age=0; Secure",
        b"_ga=; Path=/; Domain=app.example.com; Max-Age=0; Secure",
        b"_ga=; Path=/; Domain=example.com; Max-Age=0; Secure",
        b"tk=; Path=/; Max-Age=0; Secure",
        b"tk=; Path=/; Domain=app.example.com; Max-Age=0; Secure",
        b"tk=; Path=/; Domain=example.com; Max-Age=0; Secure",
    ]


def test_partitioned_cookies_go_too_over_plain_http_as_over_https():
    assert b"_ga=; Path=/; Max-Age=0; Secure; Partitioned" in swept_lines(b"_ga")
    assert {
        b"_ga=; Path=/; Max-Age=0; Secure; Partitioned",
        b"_ga=; Path=/; Max-Age=0; Partitioned",
    } <= set(swept_lines(b"_ga", secure=False))


def test_prefixed_names_keep_the_rules_of_their_prefix():
    assert swept_lines(b"__Host-x", path=b"/a/b") == [b"__Host-x=; Path=/; Max-Age=0; Secure"]
    assert all(b"; Secure" in line for line in swept_lines(b"__Secure-x", secure=False))


def test_the_nameless_cookie_is_expired_by_a_line_that_browsers_do_not_ignore():
    lines = swept_lines(b"")

    assert all((cookie := parse_set_cookie(line)).name == "" and cookie.max_age == 0 for line in lines)


@pytest.mark.parametrize(
    ("host", "domain", "expected"),
    [
        ("example.com", "example.com", {None, "example.com"}),
        ("a.b.example.com", "example.com", {None, "a.b.example.com", "b.example.com", "example.com"}),
        ("www.shop.test", None, {None, "www.shop.test"}),
        ("www.elsewhere.com", "example.com", {None, "www.elsewhere.com"}),
        ("127.0.0.1", None, {None}),
        ("[::1]", None, {None}),
    ],
)
def test_every_parent_down_to_the_widest_is_tried(host, domain, expected):
    found = {parse_set_cookie(line).domain for line in swept_lines(b"_ga", host=host, domain=domain)}

    assert found == expected


@pytest.mark.parametrize("path", [b"/", b"", b"*", b"http://x/", b"/a;b/c", b"/\xff/\x01"])
def test_a_path_that_no_line_can_carry_is_left_out(path):
    assert {parse_set_cookie(line).path for line in swept_lines(b"_ga", path=path)} == {"/"}


@pytest.mark.skipif(build_kind() == "compiled", reason="counts calls, which compiled code makes directly")
@pytest.mark.parametrize("names", [[b"_ga_%d" % i for i in range(5_000)], [b"_ga", b"tk"], [b"_ga"] * 5_000])
def test_no_more_is_built_than_is_sent(names, monkeypatch):
    built = 0
    line = sweep_module._line

    def counted(*parts, **how):
        nonlocal built
        built += 1
        return line(*parts, **how)

    monkeypatch.setattr(sweep_module, "_line", counted)
    sent = swept_lines(*names, path=b"/a/b/c")

    assert len(sent) <= built <= len(sent) + 2  # the places of one name are built together


def test_what_is_left_over_is_not_read():
    taken = 0

    def names():
        nonlocal taken
        for taken in range(1, 5_000):
            yield b"_ga_%d" % taken

    sweep(names(), host="app.example.com", path=b"/", domain="example.com", secure=True)

    assert taken <= MAX_LINES


def test_a_name_that_no_browser_holds_is_not_sent_back():
    assert swept_lines(b"_ga_" + b"a" * 4_093) == []
    assert len(swept_lines(b"_ga_" + b"a" * 4_092, b"_ga")) == 12


def test_one_answer_carries_a_bounded_number_of_lines():
    names = [b"_ga_%d" % i for i in range(100)]

    assert len(swept_lines(*names, path=b"/a/b/c/d/e/f/g/h/i/j")) == MAX_LINES
    assert sum(map(len, swept_lines(*names))) < 4_096
    assert len(swept_lines(b"_ga", path=b"/" + b"/".join([b"x"] * 50), most=1000)) == 3 + 3 * 12 + 3


@given(st.lists(st.binary(max_size=20), max_size=5), st.binary(max_size=40))
def test_no_name_and_no_path_makes_a_line_that_says_something_else(names, path):
    for line in sweep(names, host="example.com", path=b"/" + path, domain="example.com", secure=False):
        cookie = parse_set_cookie(line)
        assert (cookie.max_age, cookie.domain in (None, "example.com"), b"\n" in line) == (0, True, False)


def test_doubles_of_our_own_cookie_go_and_ours_stays():
    lines = expire_elsewhere("c", host="app.example.com", path=b"/x", domain="example.com", secure=False)

    assert b"c=; Path=/; Max-Age=0" in lines
    assert b"c=; Path=/x; Domain=example.com; Max-Age=0" in lines
    assert b"c=; Path=/; Domain=example.com; Max-Age=0" not in lines
    assert b"c=; Path=/; Max-Age=0" not in expire_elsewhere(
        "c", host="example.com", path=b"/", domain=None, secure=False
    )


# --- the end of a published life ---------------------------------------------------------------


def answer(days_ago, **parts):
    given = Answer(
        "v",
        NOW - 5 * DAY,
        frozenset({"functional", "performance"}),
        SCOPE,
        "v1",
        {"performance": TODAY - days_ago},
    )
    return replace(given, **parts)


def names(rows):
    return [name for row in rows for name in row.names]


@pytest.mark.parametrize(
    ("days_ago", "expected"),
    [
        (0, []),
        (6, []),
        (180, []),
        (181, ["hstc"]),
        (185, ["hstc"]),
        (186, []),
        (395, []),
        (396, ["_ga", "_ga_*"]),
        (400, ["_ga", "_ga_*"]),
        (401, []),
        (361, ["hstc"]),
        (1, []),
    ],
)
def test_a_cookie_is_looked_for_when_its_life_ended_since_the_last_look(days_ago, expected):
    assert names(outlived(RULES, answer(days_ago), NOW)) == expected


def test_it_is_looked_for_once():
    looked = swept(answer(396), NOW)

    assert outlived(RULES, answer(396), NOW) != ()
    assert outlived(RULES, looked, NOW) == outlived(RULES, looked, NOW + DAY) == ()


def test_what_is_remembered_of_answers_is_bounded():
    rules = CookieRules(POLICY)
    for day in range(3_000):
        outlived(rules, answer(day), NOW)

    assert len(rules.outlived) <= 1_024


def test_without_an_answer_there_is_nothing_to_outlive():
    assert outlived(RULES, None, NOW) == ()
    assert outlived(RULES, answer(396, swept=TODAY + 3), NOW) == ()


def test_only_names_of_these_rows_are_taken_from_the_header():
    rows = outlived(RULES, answer(396), NOW)

    assert names_of(RULES, rows, b"_ga=1; hstc=2;_ga_X = 3; session=4", "example.com") == [b"_ga", b"_ga_X"]


def test_two_years_of_visits_end_each_cookie_when_its_life_does():
    """A site renews its cookies at every visit; the clock is ours, the jar forgets as browsers do."""
    said, jar, begun = None, {}, {b"_ga": [], b"hstc": []}
    for day in range(800):
        now = (TODAY + day) * DAY + 40_000
        if said is None or now - said.at > 170 * DAY:
            said = consent_again(said, now)
        jar = {name: end for name, end in jar.items() if end > now}
        if rows := outlived(RULES, said, now):
            assert names_of(RULES, rows, b"=1; ".join([*jar, b""]), "example.com") == []
            said = swept(said, now)
        for name, begins in begun.items():
            if name not in jar:
                begins.append(day)
            line = name + b"=1; Max-Age=63072000"
            _, kept = judge_cookie(
                RULES, line, host="example.com", grants=said.grants(), now=now, since=said.since
            )
            jar[name] = now + parse_set_cookie(kept).max_age

    assert begun == {b"_ga": [0, 396, 791], b"hstc": [0, 181, 361, 541, 721]}


def consent_again(said, now):
    return next_answer(
        said,
        visitor="v",
        granted=["performance"],
        scope=SCOPE,
        policy_version="1",
        now=now,
        ask_again_after=HALF_YEAR,
    )


def test_a_jar_that_never_forgets_is_swept_when_a_life_ends():
    said, ended = consent_again(None, NOW), []
    for day in range(800):
        now = (TODAY + day) * DAY
        if now - said.at > 170 * DAY:
            said = consent_again(said, now)
        if rows := outlived(RULES, said, now):
            ended += [
                (name, day) for name in names_of(RULES, rows, b"_ga=1; hstc=1; session=1", "example.com")
            ]
            said = swept(said, now)

    assert ended == [
        (b"hstc", 181),
        (b"hstc", 361),
        (b"_ga", 396),
        (b"hstc", 541),
        (b"hstc", 721),
        (b"_ga", 791),
    ]
