"""One process: reload, certificates, doors, what the admin address says."""

import asyncio
import gzip
import json
import ssl
import time

import brotli
import pytest
import trustme

from proxy.build_digest import build_kind
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.config.value_parsers import ListenAddress
from proxy.errors import StartError
from proxy.filter.cache import POPULAR
from proxy.http.listening import bind
from proxy.process.worker import Worker, recode_popular
from proxy.records.store import RecordStore
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, chunks, proxying, read_answer, read_head, request


async def until(check, seconds=15):
    async with asyncio.timeout(seconds):
        while not check():
            await asyncio.sleep(0.02)


def held(body):
    return b'type="text/plain"' in body


async def test_a_request_in_flight_ends_under_the_rules_it_began_with(tmp_path):
    gate = asyncio.Event()

    async def slow(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\n\r\n<!doctype html><p>"
        )
        await gate.wait()
        writer.write(PAGE)

    async with Origin(serve=slow) as origin, proxying(origin.url, folder=tmp_path, files=True) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request("/"))
        got = await read_head(reader)
        (tmp_path / "rules.yaml").write_text(
            RULES.replace(
                "from: googletagmanager.com, purpose: performance",
                "from: googletagmanager.com, purpose: necessary",
            )
        )
        assert await proxy.server.reload()
        gate.set()
        body = b"".join([piece async for piece in chunks(reader)])

    assert got.status == 200
    assert held(body)


async def test_draining_finishes_what_is_in_flight_and_takes_nobody_in(tmp_path):
    gate = asyncio.Event()

    async def slow(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        await gate.wait()
        writer.write(html(PAGE))

    async with Origin(serve=slow) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        reader, writer = await proxy.connect()
        writer.write(request("/"))
        await until(lambda: origin.connections)
        stopping = asyncio.ensure_future(proxy.server.stop(10))
        await until(lambda: not proxy.server.ready()["ready"])
        await asyncio.sleep(0.1)
        with pytest.raises(OSError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
        gate.set()
        got = await read_answer(reader)

        assert await stopping == 0
    assert got.status == 200
    assert got.one(b"Connection") == b"close"


async def test_what_does_not_end_in_time_is_cut_and_counted(tmp_path):
    async def never(reader, writer):
        await asyncio.sleep(60)

    async with Origin(serve=never) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        _, writer = await proxy.connect()
        writer.write(request("/"))
        await until(lambda: origin.connections)

        assert await proxy.server.stop(0.2) == 1


def certificate(folder, ca, name="callkom.io"):
    made = ca.issue_cert(name)
    made.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    made.private_key_pem.write_to_path(folder / "key.pem")


async def shown(port, ca):
    context = ssl.create_default_context()
    ca.configure_trust(context)
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname="callkom.io")
    serial = writer.get_extra_info("peercert")["serialNumber"]
    writer.write(request("/.consent/state"))
    writer.close()
    return serial


async def test_a_renewed_certificate_is_shown_and_a_broken_one_is_not(tmp_path):
    ca = trustme.CA()
    certificate(tmp_path, ca)
    more = "tls: { certificate: cert.pem, key: key.pem }"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more, files=True) as proxy:
        first = await shown(proxy.port, ca)
        certificate(tmp_path, ca)
        await until(lambda: proxy.records("certificate_loaded"))
        second = await shown(proxy.port, ca)
        (tmp_path / "key.pem").write_text("nonsense")
        await until(lambda: proxy.records("certificate_refused"))
        third = await shown(proxy.port, ca)

    assert first != second
    assert second == third


async def test_plain_http_is_sent_to_https_for_configured_names_only(tmp_path):
    certificate(tmp_path, trustme.CA())
    more = "tls: { certificate: cert.pem, key: key.pem }\nredirect: 127.0.0.1:0"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more=more) as proxy:
        proxy.port = proxy.server.listeners[1].port
        ours = await proxy.ask("/a%2F?b=c", host="callkom.io:80")
        other = await proxy.ask("/", host="evil.example")

    assert ours.status == 308
    assert ours.one(b"Location") == b"https://callkom.io/a%2F?b=c"
    assert other.status == 421


def test_a_certificate_that_cannot_be_used_stops_the_start(tmp_path):
    from proxy.http.listening import Certificate

    text = "listen: 127.0.0.1:0\nsites: [{ hosts: a.io, upstream: 'http://127.0.0.1:1' }]\ntls: { certificate: c, key: k }\n"
    config = load_config(text, folder=tmp_path)
    with pytest.raises(StartError, match="cannot be used"):
        Certificate(config, config.tls)


def test_an_address_that_is_not_ours_stops_the_start():
    with pytest.raises(StartError, match="cannot listen on 203.0.113.1:80"):
        bind(ListenAddress("203.0.113.1", 80))


async def test_the_admin_address_says_how_we_are(tmp_path):
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, more="admin: 127.0.0.1:0") as proxy:
        await proxy.ask("/")
        state = proxy.server.state()

        assert state["ready"] is True
        assert state["filter"] == build_kind()
        assert f'consent_proxy_build_info{{filter="{build_kind()}",' in proxy.server.figures().decode()
        assert state["sites"][0]["hosts"] == ["callkom.io", "app.callkom.io"]
        assert state["sites"][0]["upstreams"][0]["up"] is True
        assert state["policy"]["version"] == "2026-11-01"
        assert json.dumps(state)


async def test_a_process_that_has_not_begun_is_not_ready(tmp_path):
    text = "listen: 127.0.0.1:0\nsites: [{ hosts: a.io, upstream: 'http://127.0.0.1:1' }]\n"
    from proxy.policy.load import load_policy

    server = Worker(load_config(text, folder=tmp_path), Policies.given(load_policy(RULES)))

    assert server.ready() == {"ready": False, "why": ["starting"], "doubts": {}}


async def test_what_was_shown_is_counted_by_day_in_the_store_and_outlives_the_process(tmp_path):
    anyones = html(PAGE.replace(b" lang=en", b""))
    async with (
        Origin({b"/": html(PAGE), b"/any": anyones}) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        await proxy.ask("/", "Accept: text/html")
        await proxy.ask("/", "Accept: text/html", "Sec-GPC: 1")
        await proxy.server._add_days(proxy.server.snapshot.store)
        await proxy.ask("/any", "Accept: text/html", "Accept-Language: fr")
        for _ in range(4):  # of which all but two come from the cache
            await proxy.ask("/any", "Accept: text/html", "Accept-Language: de")
        await proxy.ask("/frame", "Accept: text/html", "Sec-Fetch-Dest: iframe")
        keys, url = proxy.server._keys, f"sqlite:///{tmp_path / 'proofs.db'}"
    store = await RecordStore.open(url, keys=keys)
    numbers = await store.days()
    await store.close()

    today = int(time.time()) // 86_400
    assert numbers == {
        (today, "callkom.io", "en", "shown first", ""): 1,
        (today, "callkom.io", "en", "shown signal", ""): 1,
        (today, "callkom.io", "fr", "shown first", ""): 1,
        (today, "callkom.io", "de", "shown first", ""): 4,
    }


async def test_counts_that_the_store_cannot_take_wait_until_it_can(tmp_path):
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        await proxy.ask("/", "Accept: text/html")
        proxy.server.metrics.flush()
        closed = await RecordStore.open(f"sqlite:///{tmp_path / 'other.db'}", keys=proxy.server._keys)
        for file in tmp_path.glob("other.db*"):
            file.write_bytes(b"not a database " * 300)
        await proxy.server._add_days(closed)
        waiting = sum(proxy.server.metrics.daily.values())
        await closed.close()

    assert waiting == 1


async def test_pages_that_are_sent_often_are_coded_at_the_highest_level_beside_the_requests(tmp_path):
    body = PAGE.replace(b"<p>", b"<p>" + b"A page of words that are sent again and again. " * 200)
    coded = html(gzip.compress(body), b"Content-Encoding: gzip")
    async with Origin({b"/": coded}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        headers = ("Accept: text/html", "Accept-Encoding: br")
        sent = [(await proxy.ask("/", *headers)).body for _ in range(POPULAR + 2)]
        for cache in {id(site.pages): site.pages for site in proxy.server.snapshot.sites.all}.values():
            await recode_popular(cache)
        later = (await proxy.ask("/", *headers)).body

    assert len(set(sent)) == 1
    assert len(later) < len(sent[0])
    assert brotli.decompress(later) == brotli.decompress(sent[0])


async def accepted(proxy):
    """Return the consent cookie of a visitor who accepts everything."""
    got = await proxy.ask(
        "/.consent/choice",
        "Content-Type: application/x-www-form-urlencoded",
        "Sec-Fetch-Site: same-origin",
        method="POST",
        body=b"choice=accept",
    )
    lines = got.all(b"Set-Cookie")
    return next(one for one in lines if one.startswith(b"consent_callkom=")).split(b";")[0].decode()


async def test_keys_are_rotated_by_reload_and_nobody_is_asked_again(tmp_path):
    """Appended, promoted, and the old line taken away: what was signed before holds until then."""
    file, old, new = tmp_path / "consent.key", "o" * 32, "n" * 32
    file.write_text(f"{old}\n")
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        believed = [await accepted(proxy)]
        for number, lines in enumerate((f"{old}\n{new}\n", f"{new}\n{old}\n"), 1):
            file.write_text(lines)
            await until(lambda count=number: len(proxy.records("signing_keys_loaded")) == count)
            believed.append(await accepted(proxy))
        pages = [await proxy.ask("/", f"Cookie: {cookie}") for cookie in believed]
        file.write_text(f"{new}\n")
        await until(lambda: len(proxy.records("signing_keys_loaded")) == 3)
        last = [await proxy.ask("/", f"Cookie: {cookie}") for cookie in believed]
        events = proxy.records("signing_keys_loaded")

    assert [held(page.body) for page in pages] == [False, False, False]
    assert [held(page.body) for page in last] == [True, True, False]
    assert [one["promoted"] for one in events] == [False, True, False]
    store = await RecordStore.open(f"sqlite:///{tmp_path / 'proofs.db'}", keys=[new.encode()])
    found = await store.verify()
    await store.close()
    assert (found.faults, found.records, found.writers) == ([], 3, 2)


async def test_a_file_without_the_key_that_signs_is_refused_and_the_old_keys_hold(tmp_path):
    file = tmp_path / "consent.key"
    file.write_text("o" * 32 + "\n")
    async with (
        Origin({b"/": html(PAGE)}) as origin,
        proxying(origin.url, folder=tmp_path, files=True) as proxy,
    ):
        cookie = await accepted(proxy)
        file.write_text("n" * 32 + "\n")
        assert not await proxy.server.reload()
        doubts = proxy.server.ready()["doubts"]
        page = await proxy.ask("/", f"Cookie: {cookie}")
        file.unlink()
        assert not await proxy.server.reload()
        assert not file.exists()
        file.write_text("o" * 32 + "\n")
        assert await proxy.server.reload()
        after = proxy.server.ready()["doubts"]

    assert "the signing key was replaced" in doubts["rules"]
    assert not held(page.body)
    assert "rules" not in after


async def test_a_new_line_straight_on_top_signs_with_a_warning(tmp_path):
    file = tmp_path / "consent.key"
    file.write_text("o" * 32 + "\n")
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, files=True) as proxy:
        file.write_text("n" * 32 + "\n" + "o" * 32 + "\n")
        assert await proxy.server.reload()
        levels = [one["level"] for one in proxy.records("signing_keys_loaded")]

    assert levels == ["info", "warning"]


async def test_a_start_without_the_key_of_the_proofs_says_so(tmp_path):
    file = tmp_path / "consent.key"
    file.write_text("o" * 32 + "\n")
    async with Origin() as origin:
        async with proxying(origin.url, folder=tmp_path) as proxy:
            await accepted(proxy)
        file.write_text("n" * 32 + "\n")
        async with proxying(origin.url, folder=tmp_path) as proxy:
            (replaced,) = proxy.records("signing_key_replaced")
            doubts = proxy.server.ready()["doubts"]
        async with proxying(origin.url, folder=tmp_path, files=True) as proxy:
            file.write_text("n" * 32 + "\n" + "o" * 32 + "\n")
            assert await proxy.server.reload()
            reloaded = proxy.server.ready()["doubts"]
        async with proxying(origin.url, folder=tmp_path) as proxy:
            assert proxy.records("signing_key_replaced") == []
            assert "key" not in proxy.server.ready()["doubts"]

    assert replaced["level"] == "error"
    assert "lacks the one of proofs" in doubts["key"]
    assert "key" not in reloaded


async def test_a_backup_is_restored_under_a_proxy_that_serves(tmp_path):
    """What was granted holds, what is granted afterwards has its record, and every seal holds."""
    async with Origin({b"/": html(PAGE)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        before = await accepted(proxy)
        operator = await RecordStore.open(f"sqlite:///{tmp_path / 'proofs.db'}", keys=proxy.server._keys)
        await operator.back_up(tmp_path / "backup.db")
        await accepted(proxy)
        await operator.restore(tmp_path / "backup.db", replace=True)
        after = await accepted(proxy)
        pages = [await proxy.ask("/", f"Cookie: {cookie}") for cookie in (before, after)]
        found, kept = await operator.verify(), await operator.contents()
        await operator.close()

    assert [held(page.body) for page in pages] == [False, False]
    assert (found.faults, kept.records) == ([], 2)
