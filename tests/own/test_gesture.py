import pytest

from proxy.consent.answer import Gesture, How
from proxy.consent.record import canonical, content_of
from proxy.own.gesture import gesture_of
from tests.own.test_addresses import SAME, choose, cookie_of, records
from tests.own.test_embed_views import ONCE, running
from tests.records.answers import answer
from tests.support.origin import Origin
from tests.support.proxying import proxying
from tests.support.visits import request

JSON = "Accept: application/json"
CHROME = (
    b"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
)
SAFARI = b"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
CHROME_OF_IOS = b"Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/140.0 Mobile/15E148 Safari/604.1"
FIREFOX = b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
FETCH = [SAME, "Sec-Fetch-Mode: cors", "Sec-Fetch-Dest: empty"]
FORM = [SAME, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"]
PRESSED = [*FORM, "Sec-Fetch-User: ?1"]


def gesture(*headers):
    return gesture_of(request(b"/.consent/choice", *headers, method=b"POST"))


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([(b"Sec-Fetch-Mode", b"navigate"), (b"Sec-Fetch-User", b"?1")], Gesture.PERSON),
        ([], Gesture.UNKNOWN),
        ([(b"User-Agent", CHROME)], Gesture.UNKNOWN),
        ([(b"Sec-Fetch-Mode", b"navigate"), (b"User-Agent", SAFARI)], Gesture.UNKNOWN),
        ([(b"Sec-Fetch-Mode", b"navigate"), (b"User-Agent", CHROME_OF_IOS)], Gesture.UNKNOWN),
        ([(b"Sec-Fetch-Mode", b"navigate"), (b"User-Agent", CHROME)], None),
        ([(b"Sec-Fetch-Mode", b"navigate"), (b"User-Agent", FIREFOX)], None),
        ([(b"Sec-Fetch-Mode", b"navigate")], None),
        ([(b"Sec-Fetch-Mode", b"navigate"), (b"Sec-Fetch-User", b"?0"), (b"User-Agent", SAFARI)], None),
        ([(b"Sec-Fetch-Mode", b"cors"), (b"User-Agent", SAFARI)], None),
        ([(b"Sec-Fetch-Mode", b"same-origin"), (b"Sec-Fetch-User", b"?1")], None),
        ([(b"Sec-Fetch-Mode", b"navigate"), (b"Sec-Fetch-Mode", b"cors"), (b"Sec-Fetch-User", b"?1")], None),
    ],
)
def test_a_person_is_known_by_what_the_browser_says_and_no_script_can_say(headers, expected):
    assert gesture(*headers) is expected


@pytest.mark.parametrize(
    "body",
    [
        b"choice=accept",
        b"choice=save&purpose=performance",
        b"choice=placeholder&purpose=functional&provider=hubspot",
    ],
)
@pytest.mark.parametrize("more", [[], [JSON]])
async def test_a_grant_by_a_script_is_told_where_the_form_is_and_changes_nothing(tmp_path, body, more):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for headers in (FETCH, FORM):
            got = await choose(proxy, body, *headers, *more)
            assert got.status == 409
            assert got.all(b"Set-Cookie") == []
            assert got.json["form"] == "/.consent/" if more else b'action="/.consent/choice"' in got.body
        kept = await records(proxy)

    assert kept == []


async def test_a_person_grants_with_the_form_and_the_record_says_so(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=accept&return=/a", *PRESSED)
        unknown = await choose(proxy, b"choice=accept&return=/a", *FORM, f"User-Agent: {SAFARI.decode()}")
        kept = await records(proxy)

    assert (got.status, unknown.status) == (303, 303)
    assert [one.content.gesture for one in kept] == [Gesture.UNKNOWN, Gesture.PERSON]
    assert kept[0].to_json()["gesture"] == "unknown"


async def test_a_script_refuses_withdraws_and_reads(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=accept", *PRESSED)).split(b";")[0].decode()
        fewer = await choose(proxy, b"choice=save&purpose=performance", *FETCH, JSON, f"Cookie: {consent}")
        refused = await choose(proxy, b"choice=refuse", *FETCH, JSON, f"Cookie: {consent}")
        again = await choose(proxy, b"choice=accept", *FETCH, JSON, f"Cookie: {consent}")
        state = await proxy.ask("/.consent/state", *FETCH, f"Cookie: {consent}")

    assert (fewer.status, fewer.json["granted"]) == (200, ["performance"])
    assert (refused.status, refused.json["granted"]) == (200, [])
    assert again.status == 409, "nobody's script renews what was agreed to"
    assert state.json["granted"] == ["functional", "performance"]


async def test_a_script_that_withdraws_a_part_does_not_renew_the_rest(tmp_path, monkeypatch):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        first = await choose(proxy, b"choice=accept", *PRESSED)
        consent = cookie_of(first).split(b";")[0].decode()
        before = (await proxy.ask("/.consent/state", f"Cookie: {consent}")).json["answered"]
        later = before + 86_400
        monkeypatch.setattr("time.time", lambda: later)
        fewer = await choose(proxy, b"choice=save&purpose=performance", *FETCH, JSON, f"Cookie: {consent}")

    assert fewer.json["answered"] == before


async def test_inside_a_frame_a_grant_tells_the_tabs_and_one_that_fails_is_sent_again(tmp_path, monkeypatch):
    framed = [SAME, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe", "Sec-Fetch-User: ?1"]
    async with Origin() as origin, proxying(origin.url, folder=tmp_path) as proxy:
        got = await choose(proxy, b"choice=accept", *framed)
        failed = await choose(proxy, b"choice=accept", *framed[:3])

    assert got.status == 200
    assert b"BroadcastChannel" in got.body
    assert cookie_of(got)
    assert "frame-ancestors 'self'" in got.one(b"Content-Security-Policy").decode()
    assert failed.status == 409
    assert b"requestSubmit" in failed.body


async def test_one_view_is_for_persons_too(tmp_path):
    framed = [SAME, "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"]
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        fetched = await choose(proxy, ONCE, *FETCH, JSON)
        scripted = await choose(proxy, ONCE, *framed)
        pressed = await choose(proxy, ONCE, *framed, "Sec-Fetch-User: ?1")
        kept = await records(proxy)

    assert (fetched.status, scripted.status) == (409, 409)
    assert pressed.status == 303
    assert pressed.one(b"Location").startswith(b"/.consent/embed?ticket=")
    assert [(one.content.how, one.content.gesture) for one in kept] == [(How.ONCE, Gesture.PERSON)]


def test_what_is_hashed_of_an_older_record_stays_the_same():
    older = canonical("id", 1, content_of(answer("v"), None))
    newer = canonical("id", 1, content_of(answer("v", gesture=Gesture.PERSON), None))

    assert b"gesture" not in older
    assert b'"gesture":"person"' in newer
