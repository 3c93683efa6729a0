import asyncio
import gzip

import pytest
from backports import zstd

from proxy.consent.answer import How
from proxy.errors import RecordsError
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, proxying, read_answer, request

FORM = "Content-Type: application/x-www-form-urlencoded"
SAME = "Sec-Fetch-Site: same-origin"


async def choose(proxy, body, *headers, host="callkom.io"):
    return await proxy.ask("/.consent/choice", FORM, *headers, method="POST", body=body, host=host)


def cookie_of(got):
    return next(line for line in got.all(b"Set-Cookie") if line.startswith(b"consent_callkom="))


async def records(proxy):
    return await proxy.server.snapshot.store.newest(limit=100)


async def test_the_panel_is_a_whole_page_that_nobody_keeps_or_frames(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/.consent/")

        assert got.status == 200
        assert got.one(b"Content-Type") == b"text/html; charset=utf-8"
        assert got.one(b"Cache-Control") == b"no-store"
        assert b"frame-ancestors 'none'" in got.one(b"Content-Security-Policy")
        assert got.all(b"Set-Cookie") == []
        for words in (b"Refuse all", b"Accept all", b"Save my choices", b"Functional", b"Performance"):
            assert words in got.body
        assert origin.seen == []


async def test_the_panel_speaks_the_visitors_language(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/.consent/", "Accept-Language: fr-CA,fr;q=0.9")

    assert b"Tout refuser" in got.body


async def test_accepting_sets_one_signed_cookie_for_all_hosts_and_goes_back(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=accept&return=/contact%3Fa=1", SAME)
        line = cookie_of(got)
        kept = await records(proxy)

    assert got.status == 303
    assert got.one(b"Location") == b"/contact?a=1"
    assert b"; Domain=callkom.io" in line
    assert b"; HttpOnly" in line
    assert b"; SameSite=Lax" in line
    assert b"; Max-Age=15552000" in line
    assert b"Secure" not in line
    assert [one.content.how for one in kept] == [How.ACCEPT]
    assert kept[0].content.granted == ("functional", "performance")
    assert kept[0].content.site == "callkom.io"


async def test_over_https_the_cookie_is_secure(tmp_path):
    more = "trusted_proxies: 127.0.0.0/8"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        got = await choose(
            proxy, b"choice=refuse", SAME, "X-Forwarded-For: 1.2.3.4", "X-Forwarded-Proto: https"
        )

    assert b"; Secure" in cookie_of(got)


@pytest.mark.parametrize("body", [b"choice=accept", b"choice=refuse"])
async def test_an_answer_clears_what_the_browser_prefetched_for_the_earlier_one(tmp_path, body):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        sent = await choose(proxy, body, SAME)
        fetched = await choose(proxy, body, SAME, "Accept: application/json")

    assert sent.one(b"Clear-Site-Data") == b'"prefetchCache", "prerenderCache"'
    assert bool(fetched.all(b"Clear-Site-Data")) == (fetched.status == 200)


async def test_refusing_is_kept_too_and_expires_what_was_there(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=refuse", SAME, "Cookie: _ga=1; hubspotutk=2; session=3; odd=4")
        kept = await records(proxy)

    expired = {line.split(b"=")[0] for line in got.all(b"Set-Cookie")} - {b"consent_callkom"}
    assert expired == {b"_ga", b"hubspotutk"}
    assert kept[0].content.granted == ()
    assert kept[0].content.how is How.REFUSE


async def test_asking_for_the_state_expires_what_scripts_put_back_after_a_refusal(tmp_path):
    jar = "Cookie: _ga=1; session=3; odd=4"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/.consent/state", SAME, jar)
        withheld = await proxy.ask(
            "/.consent/state", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: cors", jar
        )

    assert {line.split(b"=")[0] for line in got.all(b"Set-Cookie")} == {b"_ga"}
    assert withheld.all(b"Set-Cookie") == [], "no answer sent along is no refusal"


async def test_saving_grants_the_purposes_ticked(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=save&purpose=performance", SAME)
        consent = cookie_of(got).split(b";")[0].decode()
        state = await proxy.ask("/.consent/state", f"Cookie: {consent}")

    assert state.json["granted"] == ["performance"]
    assert state.json["ask"] == "no"


async def test_a_program_gets_the_receipt_as_json(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=accept", SAME, "Accept: application/json")
        kept = await records(proxy)

    assert got.status == 200
    assert got.json["granted"] == ["functional", "performance"]
    assert got.json["receipt"]["id"] == kept[0].id
    assert cookie_of(got)


async def test_the_visitor_can_see_their_own_proof_and_nobody_elses(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=accept", SAME)).split(b";")[0].decode()
        kept = await records(proxy)
        mine = await proxy.ask("/.consent/receipt", f"Cookie: {consent}")
        as_json = await proxy.ask("/.consent/receipt", f"Cookie: {consent}", "Accept: application/json")
        stranger = await proxy.ask("/.consent/receipt")

    assert kept[0].id.encode() in mine.body
    assert as_json.json["id"] == kept[0].id
    assert kept[0].id.encode() not in stranger.body


@pytest.mark.parametrize(
    "headers",
    [
        ["Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: none"],
        ["Sec-Fetch-Site: same-site", "Origin: https://evil.callkom.io"],
        ["Origin: https://evil.example"],
        ["Origin: null"],
    ],
)
async def test_a_choice_from_elsewhere_changes_nothing(tmp_path, headers):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=accept", *headers)

        assert got.status == 403
        assert got.all(b"Set-Cookie") == []
        assert await records(proxy) == []


async def test_a_choice_from_another_of_our_hosts_is_taken(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(
            proxy, b"choice=accept", "Sec-Fetch-Site: same-site", "Origin: https://app.callkom.io"
        )

    assert got.status == 303


@pytest.mark.parametrize("target", ["/.consent/choice", "/.consent/reports"])
async def test_get_never_changes_anything(tmp_path, target):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask(target + "?choice=accept")

        assert got.status == 405
        assert got.one(b"Allow") == b"POST"
        assert await records(proxy) == []


@pytest.mark.parametrize("target", ["/.consent%2f", "//.consent/", "/.Consent/", "/.consent", "/x/.consent/"])
async def test_only_the_literal_bytes_are_ours(tmp_path, target):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask(target)

        assert [seen.target for seen in origin.seen] == [target.encode()]


async def test_what_is_not_under_our_folder_is_404_and_never_the_sites(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/.consent/unknown")

        assert got.status == 404
        assert origin.seen == []


@pytest.mark.parametrize("body", [b"choice=yes", b"", b"choice=accept&choice=refuse"])
async def test_a_form_that_says_nothing_is_400(tmp_path, body):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, body, SAME)

    assert got.status == 400
    assert got.all(b"Set-Cookie") == []


async def test_a_form_beyond_all_need_is_413(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=accept&x=" + b"x" * 20_000, SAME)

    assert got.status == 413
    assert got.all(b"Set-Cookie") == []


class Broken:
    """A store that is down."""

    trouble = "disk full"

    def __init__(self):
        self.later = []

    async def add(self, new):
        raise RecordsError("disk full")

    def add_later(self, new):
        self.later.append(new)

    async def of_visitor(self, *_):
        raise RecordsError("disk full")


def break_store(proxy):
    broken = Broken()
    proxy.server.snapshot.pages._store = broken
    return broken


async def test_without_a_proof_there_is_no_yes(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        broken = break_store(proxy)
        got = await choose(proxy, b"choice=accept&return=/x", SAME)

        assert got.status == 503
        assert got.all(b"Set-Cookie") == []
        assert b"has not taken effect" in got.body
        assert broken.later == []
        assert proxy.records("consent_unproven")


async def test_a_no_takes_effect_whatever_the_store_does(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        broken = break_store(proxy)
        got = await choose(proxy, b"choice=refuse", SAME, "Cookie: _ga=1")

    assert got.status == 303
    assert cookie_of(got)
    assert [new.how for new in broken.later] == [How.REFUSE]


async def test_taking_a_purpose_away_takes_effect_whatever_the_store_does(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=accept", SAME)).split(b";")[0].decode()
        broken = break_store(proxy)
        got = await choose(proxy, b"choice=save&purpose=functional", SAME, f"Cookie: {consent}; _ga=1")
        narrower = cookie_of(got).split(b";")[0].decode()
        state = await proxy.ask("/.consent/state", f"Cookie: {narrower}")

    assert got.status == 303
    assert state.json["granted"] == ["functional"]
    assert len(broken.later) == 1


async def test_the_proof_of_a_visitor_who_left_is_written_all_the_same(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        store = proxy.server.snapshot.store
        began, gate = asyncio.Event(), asyncio.Event()
        add = store.add

        async def slow(new):
            began.set()
            await gate.wait()
            return await add(new)

        store.add = slow
        _, writer = await proxy.connect()
        writer.write(request("/.consent/choice", FORM, SAME, method="POST", body=b"choice=accept"))
        await began.wait()
        writer.transport.abort()
        await asyncio.sleep(0.05)
        gate.set()
        async with asyncio.timeout(10):
            while not await records(proxy):
                await asyncio.sleep(0.01)


async def test_acceptances_far_above_human_use_are_put_off_and_refusals_never(tmp_path):
    more = "consent: { acceptances_per_minute: 3 }\ntrusted_proxies: 127.0.0.0/8"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        there = [SAME, "X-Forwarded-For: 203.0.113.5"]
        statuses = [(await choose(proxy, b"choice=accept", *there)).status for _ in range(4)]
        refusal = await choose(proxy, b"choice=refuse", *there)
        neighbour = await choose(proxy, b"choice=accept", SAME, "X-Forwarded-For: 198.51.100.7")

    assert statuses == [303, 303, 303, 429]
    assert refusal.status == 303
    assert neighbour.status == 303


async def test_refusals_far_above_human_use_hold_and_are_counted_instead_of_stored(tmp_path):
    more = "consent: { refusals_per_minute: 3 }\ntrusted_proxies: 127.0.0.0/8"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        there = [SAME, "X-Forwarded-For: 203.0.113.5"]
        refusals = [await choose(proxy, b"choice=refuse", *there) for _ in range(10)]
        states = [
            (await proxy.ask("/.consent/state", f"Cookie: {cookie_of(got).split(b';')[0].decode()}")).json
            for got in refusals
        ]
        acceptance = await choose(proxy, b"choice=accept", *there)
        neighbour = await choose(proxy, b"choice=refuse", SAME, "X-Forwarded-For: 198.51.100.7")
        kept = [one.content.how for one in await records(proxy)]
        figures, waiting = proxy.figures(), proxy.server.snapshot.store.backlog
        counted = proxy.records("consent_counted")

    assert [got.status for got in refusals] == [303] * 10
    assert [state["ask"] for state in states] == ["no"] * 10
    assert (acceptance.status, neighbour.status) == (303, 303)
    assert (kept.count(How.REFUSE), kept.count(How.ACCEPT)) == (4, 1)
    assert waiting == 0
    assert 'answers_total{choice="refuse",outcome="counted",site="callkom.io"} 7.0' in figures
    assert len(counted) == 7


async def test_a_withdrawal_that_is_only_counted_keeps_the_age_of_the_answer_it_narrows(tmp_path):
    now = [1_793_491_200.0]
    more = "consent: { refusals_per_minute: 1 }\ntrusted_proxies: 127.0.0.0/8"
    async with (
        Origin() as origin,
        proxying(origin.url, folder=tmp_path, more=more, clock=lambda: now[0]) as proxy,
    ):
        there = [SAME, "X-Forwarded-For: 203.0.113.5"]
        wide = cookie_of(await choose(proxy, b"choice=accept", *there)).split(b";")[0].decode()
        await choose(proxy, b"choice=refuse", *there)
        now[0] += 86_400
        got = await choose(proxy, b"choice=save&purpose=functional", *there, f"Cookie: {wide}")
        narrow = cookie_of(got).split(b";")[0].decode()
        state = (await proxy.ask("/.consent/state", f"Cookie: {narrow}")).json

    assert state["granted"] == ["functional"]
    assert state["answered"] == 1_793_491_200


async def test_where_all_come_from_one_private_address_every_refusal_is_stored_and_it_is_said(tmp_path):
    more = "consent: { refusals_per_minute: 2 }"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        for _ in range(4):
            await choose(proxy, b"choice=refuse", SAME)
        kept = await records(proxy)
        warned = proxy.records("consent_limit_blind")

    assert len(kept) == 4
    assert [one["level"] for one in warned] == ["warning"] * 2


async def test_the_same_choice_twice_within_a_minute_is_one_record(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=refuse", SAME)).split(b";")[0].decode()
        await choose(proxy, b"choice=refuse", SAME, f"Cookie: {consent}")

        assert len(await records(proxy)) == 1


async def test_a_doubled_consent_cookie_is_expired_elsewhere_and_grants_only_what_both_grant(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        wide = cookie_of(await choose(proxy, b"choice=accept", SAME)).split(b";")[0].decode()
        narrow = (
            cookie_of(await choose(proxy, b"choice=save&purpose=functional", SAME)).split(b";")[0].decode()
        )
        state = await proxy.ask("/.consent/state", f"Cookie: {wide}; {narrow}")
        page = await proxy.ask("/", f"Cookie: {wide}; {narrow}")

    assert state.json["granted"] == ["functional"]
    lines = [line for line in page.all(b"Set-Cookie") if line.startswith(b"consent_callkom=")]
    assert any(b"Domain" not in line and b"Max-Age=0" in line for line in lines)
    assert b"Max-Age=0" not in lines[-1]


async def test_a_forged_or_stale_cookie_is_no_answer(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=accept", SAME)).split(b";")[0].decode()
        forged = consent[:-4] + ("AAAA" if not consent.endswith("AAAA") else "BBBB")
        state = await proxy.ask("/.consent/state", f"Cookie: {forged}")

    assert state.json["granted"] == []
    assert state.json["ask"] == "first"


async def test_the_signal_refuses_without_cookie_or_record(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        state = await proxy.ask("/.consent/state", "Sec-GPC: 1")
        page = await proxy.ask("/", "Sec-GPC: 1")

        assert state.json["ask"] == "signal"
        assert page.all(b"Set-Cookie") == []
        assert origin.seen[0].get(b"Sec-GPC") == [b"1"]
        assert await records(proxy) == []


async def test_the_meaning_of_the_signal_is_published(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask("/.well-known/gpc.json")

    assert got.one(b"Content-Type") == b"application/json"
    assert got.json["gpc"] is True
    assert len(got.json["lastUpdate"]) == 10


async def test_the_cookie_table_is_a_page_and_json(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        page = await proxy.ask("/.consent/policy")
        data = await proxy.ask("/.consent/policy.json")

    assert b"hubspotutk" in page.body
    assert "hubspotutk" in str(data.json)


async def test_reports_are_counted_by_provider_and_nothing_of_them_is_kept(tmp_path):
    body = (
        b'[{"type":"csp-violation","body":{"blockedURL":"https://www.googletagmanager.com/gtag/js?mail=hush"}},'
        b'{"type":"csp-violation","body":{"blockedURL":"https://hush.example/x"}}]'
    )
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await proxy.ask(
            "/.consent/reports", "Content-Type: application/reports+json", method="POST", body=body
        )
        figures = proxy.figures()
        text = proxy.log.getvalue()

    assert got.status == 204
    assert 'reports_total{kind="fence",provider="google",site="callkom.io"} 1.0' in figures
    assert 'reports_total{kind="fence",provider="undeclared",site="callkom.io"} 1.0' in figures
    assert "hush" not in figures
    assert b"hush" not in text


@pytest.mark.parametrize(
    "body", [b"", b"[", b"[" * 10_000, b"null", b'{"csp-report":1}', b'[{"type":1}]', b"\xff"]
)
async def test_a_report_that_makes_no_sense_harms_nobody(tmp_path, body):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        assert (await proxy.ask("/.consent/reports", method="POST", body=body)).status == 204


async def test_our_pages_are_answered_on_one_connection_one_after_the_other(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        for _ in range(3):
            writer.write(request("/.consent/choice", FORM, SAME, method="POST", body=b"choice=refuse"))
            assert (await read_answer(reader)).status == 303
            writer.write(request("/.consent/state"))
            assert (await read_answer(reader)).status == 200


async def test_a_page_that_is_no_longer_made_for_its_visitor_learns_the_words_for_that(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        english = await proxy.ask("/.consent/state", "Accept-Language: en")
        french = await proxy.ask("/.consent/state?language=fr", "Accept-Language: en")

    assert english.json["reload"] == "Reload now"
    assert "What you typed on it will be lost." in english.json["stale"]
    assert french.json["reload"] == "Recharger"


async def test_what_holds_has_the_name_that_pages_made_for_it_carry(tmp_path):
    """Pages kept for the back button compare the two."""
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        names = []
        for choice in (b"choice=accept", b"choice=refuse"):
            got = await choose(proxy, choice, SAME)
            jar = f"Cookie: {cookie_of(got).split(b';')[0].decode()}"
            state = (await proxy.ask("/.consent/state", SAME, jar)).json["state"]
            names.append(state)
            assert f'data-state="{state}"'.encode() in (await proxy.ask("/", jar)).body

    assert names[0] != names[1] == ""


@pytest.mark.parametrize("target", ["/.consent/", "/.consent/policy"])
@pytest.mark.parametrize(("coding", "read"), [("gzip", gzip.decompress), ("zstd", zstd.decompress)])
async def test_panel_and_policy_leave_compressed_and_a_receipt_does_not(tmp_path, target, coding, read):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        plain = await proxy.ask(target)
        coded = await proxy.ask(target, f"Accept-Encoding: {coding}")
        receipt = await proxy.ask("/.consent/receipt", f"Accept-Encoding: {coding}")

    assert read(coded.body) == plain.body
    assert len(coded.body) < len(plain.body) / 3
    assert (coded.one(b"Content-Encoding"), coded.one(b"Vary")) == (coding.encode(), b"Accept-Encoding")
    assert plain.one(b"Content-Encoding") is None
    assert receipt.one(b"Content-Encoding") is None


async def test_what_a_site_with_rules_of_its_own_says_and_records_is_of_these_rules(tmp_path):
    french = RULES.replace("callkom.io", "example.fr").replace("2026-11-01", "2027-01-01")
    (tmp_path / "fr.yaml").write_text(french.replace("name: HubSpot", "name: Formulaires"))
    async with Origin() as origin:
        more = f"  - {{ hosts: example.fr, upstream: '{origin.url}', rules: fr.yaml }}"
        async with proxying(origin.url, folder=tmp_path, more=more, files=True) as proxy:
            pages = {
                (host, name): (await proxy.ask(f"/.consent/{name}", host=host)).body
                for host in ("callkom.io", "example.fr")
                for name in ("", "policy")
            }
            for host in ("callkom.io", "example.fr"):
                await choose(proxy, b"choice=accept&return=/", SAME, host=host)
            kept = {one.content.site: one for one in await records(proxy)}
            shown = await proxy.server.snapshot.store.shown(kept["example.fr"])
            state = proxy.server.state()

    for name in ("", "policy"):
        assert b"https://callkom.io/privacy-policy" in pages["callkom.io", name]
        assert b"https://example.fr/privacy-policy" in pages["example.fr", name]
        assert b"callkom.io/" not in pages["example.fr", name]
    assert b"Formulaires" in pages["example.fr", ""]
    assert b"2027-01-01" in pages["example.fr", "policy"]
    versions = {host: one.content.policy_version for host, one in kept.items()}
    assert versions == {"callkom.io": "2026-11-01", "example.fr": "2027-01-01"}
    assert "name: Formulaires" in shown.rules
    assert [one["policy"]["rules"] for one in state["sites"]] == ["rules.yaml", "fr.yaml"]
    assert (state["policy"]["rules"], state["policy"]["version"]) == (
        "rules.yaml, fr.yaml",
        "2026-11-01, 2027-01-01",
    )
