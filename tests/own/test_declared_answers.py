"""What a visitor told another consent tool: refusals count at once, grants once their record is durable."""

import json
import time
from urllib.parse import quote

import pytest

from proxy.policy.model import DAY
from tests.own.test_addresses import SAME, break_store, choose, records
from tests.own.test_embed_views import ONCE, SHIPPED
from tests.own.test_receipts import JSON
from tests.support.origin import Origin
from tests.support.proxying import PAGE, RULES, proxying

NOW = int(time.time())
OPENS = (
    "Sec-Fetch-Mode: navigate",
    "Sec-Fetch-Dest: document",
    "Sec-Fetch-Site: same-origin",
    "Accept: text/html",
)
HTML = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n%b\r\n%b"
PAGES = {b"/": [HTML % (len(PAGE), b"Cache-Control: public, max-age=60\r\n", PAGE)]}
FILE = b"HTTP/1.1 200 OK\r\nContent-Type: application/pdf\r\nCache-Control: public, max-age=60\r\nContent-Length: 4\r\n\r\n%PDF"
RUNS = b'<script src="https://www.googletagmanager.com'
BANNER = b'value="accept"'


def source(*, tool="cookieconsent", purposes="{ analytics: performance, media: functional }", more=""):
    covers = "" if "covers" in more else "    covers: { since: 2026-01-01, providers: [google, hubspot] }\n"
    return f"consent:\n  source:\n    tool: {tool}\n    purposes: {purposes}\n{covers}{more}"


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(at))


def theirs(*categories, at=NOW - 30 * DAY):
    """Return what vanilla-cookieconsent stores for these categories."""
    said = {"categories": ["necessary", *categories], "consentTimestamp": iso(at), "services": {}}
    return f"cc_cookie={quote(json.dumps(said, separators=(',', ':')))}"


YES, NO = theirs("analytics", "media"), theirs()


def ours(got):
    return [line for line in got.all(b"Set-Cookie") if line.startswith(b"consent_callkom=")]


def cookie(got):
    (line,) = ours(got)
    return line.split(b";")[0].decode()


def behind(tmp_path, origin, **how):
    return proxying(origin.url, folder=tmp_path, more=source(), **how)


async def receipt(proxy, *cookies):
    return (await proxy.ask("/.consent/receipt", f"Cookie: {'; '.join(cookies)}", JSON)).json


async def test_where_nobody_has_answered_the_other_tool_asks_and_nothing_runs(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        got = await proxy.ask("/", *OPENS)

    assert RUNS not in got.body
    assert BANNER not in got.body
    assert b'href="/.consent/"' in got.body, "the permanent link stays"
    assert ours(got) == []


async def test_a_grant_is_recorded_and_counts_on_that_very_page(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        got = await proxy.ask("/", *OPENS, f"Cookie: {YES}; _ga=1")
        kept = await receipt(proxy, YES, cookie(got))
        logged = proxy.records("consent_recorded")
        sent = origin.seen[-1].get(b"Cookie")[0]

    assert RUNS in got.body
    assert BANNER not in got.body
    assert b"_ga=1" in sent
    assert (kept["granted"], kept["how"]) == (["functional", "performance"], "accept")
    assert (kept["declared_by"], kept["declared_at"]) == ("cookieconsent", iso(NOW - 30 * DAY))
    assert (kept["control"], kept["surface"], kept["gesture"], kept["asked"]) == (None, None, None, None)
    assert logged[0]["declared_by"] == "cookieconsent"


async def test_our_cookie_lives_for_the_rest_of_that_life_and_is_not_set_again(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        got = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        again = [await proxy.ask("/", *OPENS, f"Cookie: {YES}; {cookie(got)}") for _ in range(3)]
        kept = await receipt(proxy, YES, cookie(got))

    (line,) = ours(got)
    left = int(line.split(b"Max-Age=")[1].split(b";")[0])
    assert 149 * DAY <= left <= 150 * DAY
    assert [ours(one) for one in again] == [[], [], []]
    assert all(RUNS in one.body for one in again)
    assert kept["earlier"] == []


async def test_our_cookie_is_set_once_where_cookies_of_others_have_outlived_their_row_too(tmp_path):
    rules = RULES.replace("purpose: functional, lasts: 6 months", "purpose: functional, lasts: 10 days")
    async with Origin(PAGES) as origin, behind(tmp_path, origin, rules=rules) as proxy:
        got = await proxy.ask("/", *OPENS, f"Cookie: {YES}; hubspotutk=1")
        then = await proxy.ask("/", *OPENS, f"Cookie: {YES}; {cookie(got)}; hubspotutk=1")

    assert any(line.startswith(b"hubspotutk=;") for line in then.all(b"Set-Cookie"))


async def test_files_and_frames_and_scripts_take_nothing_and_get_nothing_before(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        for dest in ("script", "empty", "iframe", "image"):
            got = await proxy.ask(
                "/", f"Sec-Fetch-Dest: {dest}", "Sec-Fetch-Site: same-origin", f"Cookie: {YES}"
            )
            assert ours(got) == []
            assert RUNS not in got.body or dest in ("script", "image")  # no page for a browser
        ahead = await proxy.ask("/", *OPENS, "Sec-Purpose: prefetch", f"Cookie: {YES}")

    assert ours(ahead) == []


async def test_what_is_no_page_is_for_one_visitor_alone_once_our_cookie_is_in_it(tmp_path):
    async with Origin({b"/a.pdf": [FILE]}) as origin, behind(tmp_path, origin) as proxy:
        taken = await proxy.ask("/a.pdf", *OPENS, f"Cookie: {YES}")
        plain = await proxy.ask("/a.pdf", *OPENS)

    assert len(ours(taken)) == 1
    assert b"private" in taken.one(b"Cache-Control")
    assert plain.one(b"Cache-Control") == b"public, max-age=60"


async def test_a_refusal_counts_at_once_and_is_recorded(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        metrics = await proxy.ask("/metrics/a", f"Cookie: {NO}")
        got = await proxy.ask("/", *OPENS, f"Cookie: {NO}; _ga=1")
        kept = await receipt(proxy, NO, cookie(got))

    assert metrics.status == 204
    assert RUNS not in got.body
    assert BANNER not in got.body
    assert (kept["how"], kept["granted"]) == ("refuse", [])
    assert kept["declared_by"] == "cookieconsent"


async def test_some_granted_and_some_refused_is_what_runs(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        got = await proxy.ask("/", *OPENS, f"Cookie: {theirs('media')}; hubspotutk=1; _ga=1")
        kept = await receipt(proxy, theirs("media"), cookie(got))
        sent = origin.seen[-1].get(b"Cookie")[0]

    assert RUNS not in got.body
    assert b"hubspotutk" in sent
    assert b"_ga=1" not in sent
    assert (kept["how"], kept["granted"], kept["refused"]) == ("save", ["functional"], ["performance"])


@pytest.mark.parametrize(
    ("value", "more"),
    [
        (theirs("analytics", "media", at=NOW - 181 * DAY), ""),
        (theirs("analytics", "media", at=NOW + 3 * DAY), ""),
        ("cc_cookie=%7B%7D", ""),
        ("cc_cookie=%FF", ""),
        (YES, "    covers: { since: 2026-01-01, providers: [google] }\n"),
        (
            YES,
            f"    covers: {{ since: {time.strftime('%Y-%m-%d', time.gmtime(NOW))}, providers: [google, hubspot] }}\n",
        ),
    ],
    ids=["old", "to come", "nothing in it", "garbage", "another provider", "before the banner said all"],
)
async def test_a_grant_that_does_not_count_is_asked_about_by_us(tmp_path, value, more):
    async with (
        Origin(PAGES) as origin,
        proxying(origin.url, folder=tmp_path, more=source(more=more)) as proxy,
    ):
        got = await proxy.ask("/", *OPENS, f"Cookie: {value}")

    assert RUNS not in got.body
    assert BANNER in got.body
    assert ours(got) == []


async def test_a_tool_that_states_no_time_grants_nothing_and_refuses_at_once(tmp_path):
    klaro = source(tool="klaro", purposes="{ matomo: performance, youtube: functional }")
    async with Origin(PAGES) as origin, proxying(origin.url, folder=tmp_path, more=klaro) as proxy:
        yes = await proxy.ask(
            "/", *OPENS, f"Cookie: klaro={quote(json.dumps({'matomo': True, 'youtube': True}))}"
        )
        no = await proxy.ask(
            "/", *OPENS, f"Cookie: klaro={quote(json.dumps({'matomo': False, 'youtube': False}))}"
        )

    assert (RUNS in yes.body, BANNER in yes.body, ours(yes)) == (False, True, [])
    assert (RUNS in no.body, BANNER in no.body, len(ours(no))) == (False, False, 1)
    assert b"Saved." not in no.body, "it may have been told so a year ago"


async def test_a_later_answer_of_ours_wins_and_a_later_one_of_theirs_again(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        taken = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        refused = await proxy.ask(
            "/.consent/choice",
            "Content-Type: application/x-www-form-urlencoded",
            f"Cookie: {YES}; {cookie(taken)}",
            method="POST",
            body=b"choice=refuse",
        )
        ours_wins = await proxy.ask("/", *OPENS, f"Cookie: {YES}; {cookie(refused)}")
        theirs_again = await proxy.ask(
            "/",
            *OPENS,
            f"Cookie: {theirs('analytics', 'media', at=int(time.time()) + 60)}; {cookie(refused)}",
        )
        kept = await receipt(proxy, cookie(theirs_again))

    assert RUNS in taken.body
    assert RUNS not in ours_wins.body
    assert ours(ours_wins) == []
    assert RUNS in theirs_again.body
    assert [kept["how"], *(one["how"] for one in kept["earlier"])] == ["accept", "withdraw", "accept"]


async def test_a_later_refusal_of_theirs_takes_ours_back_with_its_cookies(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        taken = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        gone = await proxy.ask("/", *OPENS, f"Cookie: {theirs(at=NOW - 5)}; {cookie(taken)}; _ga=1")
        kept = await receipt(proxy, theirs(at=NOW - 5), cookie(gone))

    assert RUNS not in gone.body
    assert any(line.startswith(b"_ga=;") for line in gone.all(b"Set-Cookie"))
    assert (kept["how"], kept["withdrawn"]) == ("withdraw", ["functional", "performance"])
    assert len(kept["earlier"]) == 1


async def test_where_the_tool_forgets_its_answer_what_was_taken_ends_and_the_tool_asks(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        taken = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        got = await proxy.ask("/", *OPENS, f"Cookie: {cookie(taken)}")

    assert RUNS not in got.body
    assert BANNER not in got.body


@pytest.mark.parametrize(
    "value", [NO, theirs("analytics", "media", at=NOW - 181 * DAY)], ids=["not taken yet", "old"]
)
@pytest.mark.parametrize("choice", [b"choice=accept", ONCE], ids=["accept", "once"])
async def test_visitors_who_told_the_tool_the_same_have_records_of_their_own(tmp_path, value, choice):
    async with Origin(PAGES) as origin, behind(tmp_path, origin, rules=SHIPPED) as proxy:
        for _ in range(2):
            await choose(proxy, choice, SAME, JSON, f"Cookie: {value}")
        kept = await records(proxy)

    assert len({one.content.visitor for one in kept}) == 2


async def test_what_is_taken_over_is_ours_from_then_on(tmp_path):
    more = source(more="    take_over: yes\n")
    async with Origin(PAGES) as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        asked = await proxy.ask("/", *OPENS)
        taken = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        alone = await proxy.ask("/", *OPENS, f"Cookie: {cookie(taken)}")
        ignored = await proxy.ask("/", *OPENS, f"Cookie: {theirs(at=NOW - 5)}; {cookie(taken)}")

    assert BANNER in asked.body
    assert [RUNS in one.body for one in (taken, alone, ignored)] == [True, True, True]
    assert [ours(one) for one in (alone, ignored)] == [[], []]


async def test_after_an_erasure_what_was_taken_over_is_not_taken_again(tmp_path):
    more = source(more="    take_over: yes\n")
    async with Origin(PAGES) as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        taken = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        erased = await proxy.ask(
            "/.consent/receipt", f"Cookie: {YES}; {cookie(taken)}", JSON, method="POST", body=b""
        )

    assert erased.json == {"erased": 1}
    assert any(line.startswith(b"cc_cookie=;") for line in erased.all(b"Set-Cookie"))


async def test_a_grant_whose_record_cannot_be_written_grants_nothing(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        broken = break_store(proxy)
        yes = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        no = await proxy.ask("/", *OPENS, f"Cookie: {NO}")
        logged = proxy.records("consent_unproven")

    assert RUNS not in yes.body
    assert ours(yes) == []
    assert logged
    assert [new.how.value for new in broken.later] == ["refuse"]
    assert ours(no), "a refusal holds, whatever the store does"


async def test_no_page_waits_for_a_store_that_is_known_to_fail(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        store, asked = break_store(proxy), []
        store.add = asked.append
        await proxy.ask("/", *OPENS, f"Cookie: {YES}")

    assert asked == []


async def test_grants_beyond_the_limit_of_their_network_wait(tmp_path):
    more = source() + "  acceptances_per_minute: 1\ntrusted_proxies: 127.0.0.0/8\n"
    async with Origin(PAGES) as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        got = [
            await proxy.ask(
                "/",
                *OPENS,
                "X-Forwarded-For: 203.0.113.5",
                f"Cookie: {theirs('analytics', 'media', at=NOW - 60 * n)}",
            )
            for n in range(4)
        ]

    assert [bool(ours(one)) for one in got] == [True, False, False, False]
    assert RUNS not in got[-1].body


async def test_refusals_beyond_the_limit_of_their_network_hold_and_are_not_stored(tmp_path):
    more = source() + "  refusals_per_minute: 1\ntrusted_proxies: 127.0.0.0/8\n"
    async with Origin(PAGES) as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        got = [
            await proxy.ask(
                "/", *OPENS, "X-Forwarded-For: 203.0.113.5", f"Cookie: {theirs(at=NOW - 60 * (n + 1))}"
            )
            for n in range(3)
        ]
        kept = await records(proxy)

    assert all(len(ours(one)) == 1 and BANNER not in one.body for one in got)
    assert len(kept) == 1


async def test_where_a_site_is_observed_nothing_is_taken_and_nothing_changed(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin, site="    mode: observe\n") as proxy:
        got = await proxy.ask("/", *OPENS, f"Cookie: {YES}")

    assert got.body == PAGE
    assert ours(got) == []


async def test_where_a_share_is_enforced_whoever_answered_the_tool_is_in_it(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin, site="    share: 0.001 %\n") as proxy:
        got = await proxy.ask("/", *OPENS, f"Cookie: {YES}")
        rest = await proxy.ask("/", *OPENS)

    assert (len(ours(got)), rest.body) == (1, PAGE)


async def test_a_part_of_the_site_that_is_observed_takes_nothing(tmp_path):
    site = "    paths: [{ path: /editor, mode: observe }]\n"
    async with Origin(PAGES) as origin, behind(tmp_path, origin, site=site) as proxy:
        got = await proxy.ask("/editor", *OPENS, f"Cookie: {YES}")

    assert ours(got) == []


async def test_pages_are_private_and_their_names_change_with_what_the_tool_says(tmp_path):
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        pages = {
            value: await proxy.ask("/", *OPENS, f"Cookie: {value}")
            for value in ("x=1", YES, NO, "cc_cookie=x")
        }
        again = await proxy.ask("/", *OPENS)

    assert all(b"private" in one.one(b"Cache-Control") for one in pages.values())
    assert RUNS in pages[YES].body
    assert all(RUNS not in pages[value].body for value in ("x=1", NO, "cc_cookie=x"))
    assert again.body == pages["x=1"].body


async def test_repeated_requests_with_the_same_head_are_decided_alike(tmp_path):
    """The fast path keeps what follows from a head: it takes no answer, and leaves that to the ordinary route."""
    async with Origin(PAGES) as origin, behind(tmp_path, origin) as proxy:
        got = [await proxy.ask("/", *OPENS, f"Cookie: {YES}") for _ in range(4)]

    assert all(RUNS in one.body and len(ours(one)) == 1 for one in got)


async def test_without_a_source_such_a_cookie_means_nothing(tmp_path):
    async with Origin(PAGES) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/", *OPENS, f"Cookie: {YES}")

    assert RUNS not in got.body
    assert BANNER in got.body


async def test_an_answer_of_ours_is_later_than_one_that_states_no_time_and_was_there_already(tmp_path):
    klaro = source(tool="klaro", purposes="{ matomo: performance, youtube: functional }")
    refusal = f"klaro={quote(json.dumps({'matomo': False, 'youtube': False}))}"
    async with Origin(PAGES) as origin, proxying(origin.url, folder=tmp_path, more=klaro) as proxy:
        no = await proxy.ask("/", *OPENS, f"Cookie: {refusal}")
        yes = await proxy.ask(
            "/.consent/choice",
            "Content-Type: application/x-www-form-urlencoded",
            f"Cookie: {refusal}; {cookie(no)}",
            method="POST",
            body=b"choice=accept",
        )
        got = await proxy.ask("/", *OPENS, f"Cookie: {refusal}; {cookie(yes)}")

    assert RUNS in got.body
    assert ours(got) == []
