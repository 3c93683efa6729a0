"""Who may see the console, and what strangers get: the whole application on a real socket."""

import asyncio
import contextlib
import io
import json
import re

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer

from proxy.config.types import ConsoleConfig, ConsoleToken
from proxy.console.app import COOKIE, Console, is_own_origin
from proxy.console.sessions import IDLE, LONGEST
from proxy.console.source import Reloaded, UnavailableError
from proxy.console.tokens import hash_of, new_token
from proxy.process.admin import admin_app
from proxy.telemetry.logs import start_logs

TOKENS = {"ops": new_token(), "watcher": new_token(), "lawyer": new_token()}
ROLES = {"ops": ("view", "records", "reload"), "watcher": ("view",), "lawyer": ("records",)}
CONFIG = ConsoleConfig(
    tokens=tuple(
        ConsoleToken(name=name, roles=ROLES[name], hash=hash_of(token, 10)) for name, token in TOKENS.items()
    )
)
FORM = "application/x-www-form-urlencoded"
RECEIPT = "0199f0b2c3d4"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)


class Source:
    """A process without workers, whose store has one record."""

    def __init__(self):
        self.reloads = 0
        self.looked_up = []
        self.broken = False

    def ready(self):
        return {"ready": True}

    def state(self):
        return {}

    def figures(self):
        return b""

    def workers(self):
        return []

    async def reload_all(self):
        self.reloads += 1
        return Reloaded("refused", ("rules.yaml:3:5: is wrong",), 2)

    async def stored(self):
        if self.broken:
            raise UnavailableError("away")
        return {"consent": [], "purposes": [], "found": []}

    async def record(self, receipt):
        self.looked_up.append(receipt)
        if self.broken:
            raise UnavailableError("away")
        return {"id": receipt} if receipt == RECEIPT else None


class Browser:
    """Asks as a browser would that shows a page of the console."""

    def __init__(self, client, server, log, lines):
        self.client, self.server, self._log, self._lines = client, server, log, lines
        self.host = f"127.0.0.1:{server.port}"
        self.cookie = ""

    async def ask(self, target, method="GET", *, origin="", host="", body=None, kind=FORM, cookie=None):
        headers = {"Host": host or self.host}
        if method == "POST" and origin is not None:
            headers["Origin"] = origin or f"http://{self.host}"
        if sent := self.cookie if cookie is None else cookie:
            headers["Cookie"] = f"{COOKIE}={sent}"
        if body is not None:
            headers["Content-Type"] = kind
        async with self.client.request(
            method, self.server.make_url(target), headers=headers, data=body, allow_redirects=False
        ) as response:
            await response.read()
            return response

    async def sign_in(self, name="ops", **more):
        token = TOKENS.get(name, name)
        response = await self.ask("/console/sign-in", "POST", body=f"token={token}", **more)
        if found := re.match(rf"{COOKIE}=([\w-]+);", response.headers.get("Set-Cookie", "")):
            self.cookie = found[1]
        return response

    def events(self, event):
        self._lines.flush()
        records = [json.loads(line) for line in self._log.getvalue().splitlines()]
        return [one for one in records if one["event"] == event]

    @property
    def log(self):
        self._lines.flush()
        return self._log.getvalue().decode()


class Clock:
    def __init__(self):
        self.now = 1_796_071_282.0

    def __call__(self):
        return self.now


@contextlib.asynccontextmanager
async def console(names=()):
    source, clock, log = Source(), Clock(), io.BytesIO()
    lines = start_logs("info", stream=log)
    app = admin_app(source, names, Console(CONFIG, source, "rules.yaml", clock).app())
    async with (
        TestServer(app, host="127.0.0.1") as server,
        ClientSession(cookie_jar=DummyCookieJar()) as client,
    ):
        yield Browser(client, server, log, lines), source, clock


async def test_whoever_signs_in_sees_the_page_and_signs_out_again():
    async with console() as (browser, _, _):
        before = await (await browser.ask("/console")).text()
        signed_in = await browser.sign_in()
        page = await (await browser.ask("/console")).text()
        data = await browser.ask("/console/data")
        body = await data.json()
        old = browser.cookie
        out = await browser.ask("/console/sign-out", "POST")
        after = await browser.ask("/console/data", cookie=old)

    assert 'action="/console/sign-in' in before
    assert (signed_in.status, signed_in.headers["Location"]) == (303, "/console")
    assert 'action="/console/sign-out"' in page
    assert data.status == 200
    assert (body["name"], body["roles"]) == ("ops", ["view", "records", "reload"])
    assert (out.status, out.headers["Location"]) == (303, "/console")
    assert after.status == 401


async def test_the_cookie_is_for_the_console_alone_and_no_script_reads_it():
    async with console() as (browser, _, _):
        plain = (await browser.sign_in()).headers["Set-Cookie"]
        secure = (await browser.sign_in(origin=f"https://{browser.host}")).headers["Set-Cookie"]

    assert re.fullmatch(rf"{COOKIE}=[\w-]{{43}}; HttpOnly; Path=/console; SameSite=Strict", plain)
    assert "; Secure" in secure


@pytest.mark.parametrize("target", ["/console/data", "/console/record", "/console/reload"])
async def test_without_a_session_nothing_is_told_and_nothing_is_done(target):
    async with console() as (browser, source, _):
        response = await browser.ask(target, "GET" if target.endswith("data") else "POST")
        guessed = await browser.ask(target, "GET" if target.endswith("data") else "POST", cookie="x" * 43)

    assert (response.status, guessed.status) == (401, 401)
    assert (source.reloads, source.looked_up) == (0, [])


@pytest.mark.parametrize(
    ("name", "target", "status"),
    [
        ("watcher", "/console/data", 200),
        ("watcher", "/console/record", 403),
        ("watcher", "/console/reload", 403),
        ("lawyer", "/console/data", 403),
        ("lawyer", "/console/record", 200),
        ("lawyer", "/console/reload", 403),
    ],
)
async def test_a_token_does_what_its_roles_say(name, target, status):
    async with console() as (browser, source, _):
        await browser.sign_in(name)
        asked = (
            {"method": "GET"} if target.endswith("data") else {"method": "POST", "body": f"receipt={RECEIPT}"}
        )
        response = await browser.ask(target, **asked)

    assert response.status == status
    assert source.reloads == 0
    assert source.looked_up == ([RECEIPT] if status == 200 and "record" in target else [])


@pytest.mark.parametrize(
    "wrong",
    ["", "x", TOKENS["ops"][:-1], TOKENS["ops"] + "x", "%ff%00", "é" * 50],
    ids=["none", "short", "one character less", "one more", "no text", "beyond ASCII"],
)
async def test_a_wrong_token_leads_back_to_the_form_and_no_line_of_the_log_has_it(wrong):
    async with console() as (browser, _, _):
        response = await browser.sign_in(wrong)

        assert (response.status, response.headers["Location"]) == (303, "/console?failed")
        assert "Set-Cookie" not in response.headers
        assert len(browser.events("console_sign_in_refused")) == 1
        assert len(wrong) < 5 or wrong not in browser.log


async def test_the_log_says_who_signed_in_and_never_with_what():
    async with console() as (browser, _, _):
        await browser.sign_in("watcher")

        assert [one["name"] for one in browser.events("console_signed_in")] == ["watcher"]
        assert TOKENS["watcher"] not in browser.log
        assert browser.cookie not in browser.log


async def test_a_token_in_an_address_signs_nobody_in():
    async with console() as (browser, _, _):
        response = await browser.ask(f"/console/sign-in?token={TOKENS['ops']}", "POST", body="")

    assert response.headers["Location"] == "/console?failed"


async def test_after_five_that_fail_nobody_signs_in_for_a_minute_and_sessions_go_on():
    async with console() as (browser, _, clock):
        await browser.sign_in()
        failed = [(await browser.sign_in("wrong")).status for _ in range(5)]
        clock.now += 20
        sixth, right = await browser.sign_in("wrong"), await browser.sign_in()
        page = await right.text()
        goes_on = await browser.ask("/console/data")
        clock.now += 41
        again = await browser.sign_in()

    assert failed == [303] * 5
    assert (sixth.status, right.status) == (429, 429)
    assert right.headers["Retry-After"] == "40"
    assert right.headers["Content-Type"].startswith("text/html")
    assert "Too many sign-ins failed. Try again in 40 s." in page
    assert 'name="token"' in page
    assert "Set-Cookie" not in right.headers
    assert goes_on.status == 200
    assert again.status == 303


async def test_a_crowd_that_guesses_at_once_gets_no_sixth_try():
    async with console() as (browser, _, _):
        crowd = await asyncio.gather(*(browser.sign_in(f"guess-{n}") for n in range(40)))

        assert sum(one.status == 303 for one in crowd) == 5
        assert {one.status for one in crowd} == {303, 429}
        assert all("Set-Cookie" not in one.headers for one in crowd)


@pytest.mark.parametrize("target", ["sign-in", "sign-out", "record", "reload"])
@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "http://evil.example",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://{host}.evil.example",
    ],
)
async def test_what_a_page_of_somebody_else_sends_does_nothing(target, origin):
    async with console() as (browser, source, _):
        await browser.sign_in()
        body = f"token={TOKENS['ops']}&receipt={RECEIPT}"
        response = await browser.ask(
            f"/console/{target}", "POST", body=body, origin=origin and origin.format(host=browser.host)
        )
        still = await browser.ask("/console/data")

    assert response.status == 403
    assert "Set-Cookie" not in response.headers
    assert (source.reloads, source.looked_up, still.status) == (0, [], 200)


async def test_a_name_that_a_stranger_points_here_gets_no_console():
    async with console({"console.internal"}) as (browser, _, _):
        await browser.sign_in()
        statuses = [
            (await browser.ask(target, host="evil.example")).status
            for target in ("/console", "/console/data", "/console/files/console.css")
        ]
        signing_in = await browser.ask(
            "/console/sign-in", "POST", host="evil.example", origin="http://evil.example", body="token=x"
        )

    assert statuses == [421, 421, 421]
    assert signing_in.status == 421


async def test_another_name_of_ours_is_asked_over_tls_alone():
    async with console({"console.internal"}) as (browser, _, _):
        plain = await browser.sign_in(host="console.internal", origin="http://console.internal")
        tls = await browser.sign_in(host="console.internal", origin="https://console.internal")

    assert plain.status == 403
    assert tls.status == 303
    assert "; Secure" in tls.headers["Set-Cookie"]


@pytest.mark.parametrize("target", ["sign-in", "sign-out", "record", "reload"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_what_changes_something_is_not_done_by_a_link(target, method):
    async with console() as (browser, source, _):
        await browser.sign_in()
        response = await browser.ask(f"/console/{target}?receipt={RECEIPT}", method)

    assert response.status == 405
    assert (source.reloads, source.looked_up) == (0, [])


@pytest.mark.parametrize(("idle", "status"), [(IDLE - 1, 200), (IDLE + 1, 401)])
async def test_a_session_ends_when_nobody_acts_for_half_an_hour(idle, status):
    async with console() as (browser, _, clock):
        await browser.sign_in()
        clock.now += idle
        response = await browser.ask("/console/data")

    assert response.status == status


async def test_figures_that_the_page_reads_by_itself_keep_no_session():
    async with console() as (browser, _, clock):
        await browser.sign_in()
        for _ in range(4):
            clock.now += IDLE / 4 + 1
            response = await browser.ask("/console/data")

    assert response.status == 401


async def test_no_session_lasts_for_ever():
    async with console() as (browser, _, clock):
        await browser.sign_in()
        end = clock.now + LONGEST
        while clock.now < end - 1:
            clock.now = min(clock.now + IDLE / 2, end - 1)
            shown = await (await browser.ask("/console")).text()
            assert 'action="/console/sign-out"' in shown
        clock.now = end
        response = await browser.ask("/console/data")

    assert response.status == 401


async def test_a_look_up_is_written_down_with_who_asked_whether_or_not_it_finds():
    async with console() as (browser, source, _):
        await browser.sign_in("lawyer")
        as_form = await browser.ask("/console/record", "POST", body=f"receipt={RECEIPT}")
        as_json = await browser.ask(
            "/console/record", "POST", body=json.dumps({"receipt": RECEIPT}), kind="application/json"
        )
        found = [await one.json() for one in (as_form, as_json)]
        missing = await browser.ask("/console/record", "POST", body="receipt=none")
        source.broken = True
        broken = await browser.ask("/console/record", "POST", body="receipt=none")
        written = browser.events("console_record_read")

    assert found == [{"id": RECEIPT}] * 2
    assert (missing.status, broken.status) == (404, 503)
    assert [(one["name"], one["receipt"], one.get("found")) for one in written] == [
        ("lawyer", RECEIPT, True),
        ("lawyer", RECEIPT, True),
        ("lawyer", "none", False),
        ("lawyer", "none", None),
    ]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("", FORM),
        ("receipt=", FORM),
        ("receipt=" + "x" * 65, FORM),
        ("receipt=a%0ab", FORM),
        ("&".join("abcdefghijk"), FORM),
        ("{", "application/json"),
        ("[" * 2000, "application/json"),
        ('{"receipt": ["a"]}', "application/json"),
        ("[]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (b"receipt=\xff", FORM + "; charset=nonsense"),
    ],
)
async def test_what_is_no_receipt_asks_no_store(body, kind):
    async with console() as (browser, source, _):
        await browser.sign_in()
        response = await browser.ask("/console/record", "POST", body=body, kind=kind)

    assert response.status == 400
    assert source.looked_up == []


async def test_a_body_longer_than_any_form_is_not_read():
    async with console() as (browser, _, _):
        response = await browser.sign_in("x" * 5000)

    assert response.status == 413


async def test_a_reload_says_what_is_wrong_and_who_asked():
    async with console() as (browser, source, _):
        await browser.sign_in()
        body = await (await browser.ask("/console/reload", "POST")).json()
        written = browser.events("console_reloaded")

    assert body == {"outcome": "refused", "problems": ["rules.yaml:3:5: is wrong"], "workers": 2}
    assert source.reloads == 1
    assert [(one["name"], one["outcome"]) for one in written] == [("ops", "refused")]


async def test_a_store_that_is_away_is_null_and_the_rest_is_told():
    async with console() as (browser, source, _):
        source.broken = True
        await browser.sign_in()
        body = await (await browser.ask("/console/data")).json()

        assert (body["consent"], body["purposes"], body["found"]) == (None, None, None)
        assert body["totals"]["requests"] == 0
        assert [one["why"] for one in browser.events("console_store_unread")] == ["away"]


@pytest.mark.parametrize(
    "target",
    [
        "/console",
        "/console/",
        "/console/data",
        "/console/nothing",
        "/console/files/none.js",
        "/console/sign-in",
    ],
)
async def test_every_response_forbids_what_the_page_does_not_need(target):
    async with console() as (browser, _, _):
        response = await browser.ask(target)

    assert response.headers["Content-Security-Policy"] == POLICY
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    "name", ["app.py", "page.html", "..%2fapp.py", "%2e%2e/app.py", "../app.py", "%2fetc%2fpasswd", ""]
)
async def test_a_file_that_is_not_of_the_page_is_not_served(name):
    async with console() as (browser, _, _):
        response = await browser.ask(f"/console/files/{name}")

    assert response.status == 404


async def test_health_and_figures_stay_open_beside_it():
    async with console() as (browser, _, _):
        statuses = [(await browser.ask(one)).status for one in ("/healthz", "/readyz", "/metrics", "/status")]

    assert statuses == [200] * 4


async def test_who_signs_in_anew_has_one_session():
    async with console() as (browser, _, _):
        await browser.sign_in()
        old = browser.cookie
        await browser.sign_in("watcher")
        statuses = [(await browser.ask("/console/data", cookie=one)).status for one in (old, browser.cookie)]

    assert statuses == [401, 200]


async def test_without_a_console_its_addresses_are_nobodys():
    async with TestServer(admin_app(Source())) as server, ClientSession() as client:
        statuses = [(await client.get(server.make_url(one))).status for one in ("/console", "/console/data")]

    assert statuses == [404, 404]


@pytest.mark.parametrize(
    ("origins", "hosts"),
    [
        ([], ["localhost:9100"]),
        (["http://localhost:9100"], []),
        (["http://localhost:9100"] * 2, ["localhost:9100"]),
        (["http://localhost:9100"], ["localhost:9100"] * 2),
        (["localhost:9100"], ["localhost:9100"]),
        (["ftp://localhost:9100"], ["localhost:9100"]),
        (["http://10.1.2.3:9100"], ["10.1.2.3:9100"]),
        (["null"], ["null"]),
        ([""], [""]),
    ],
)
def test_what_is_not_this_hosts_own_origin(origins, hosts):
    assert not is_own_origin(origins, hosts)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("http://localhost:9100", "localhost:9100"),
        ("http://LOCALHOST", "localhost"),
        ("http://[::1]:9100", "[::1]:9100"),
        ("http://127.0.0.9:9100", "127.0.0.9:9100"),
        ("https://console.internal", "console.internal"),
        ("https://10.1.2.3:8443", "10.1.2.3:8443"),
    ],
)
def test_the_origin_of_the_host_that_is_asked(origin, host):
    assert is_own_origin([origin], [host])
