"""Upstreams of each site: those that a reload does not change stay as they are, the others are let go."""

import asyncio

import pytest

from proxy.config.loading import load_config
from proxy.snapshot.site_upstreams import UpstreamsBySite

SITES = """
listen: 127.0.0.1:0
sites:
  - { hosts: [callkom.io, www.callkom.io], upstream: ["http://127.0.0.1:1", "http://127.0.0.1:2"] }
  - { hosts: app.callkom.io, upstream: "http://127.0.0.1:3" }
"""


@pytest.fixture
async def upstreams():
    found = UpstreamsBySite()
    yield found
    await found.close()


async def test_each_site_has_its_upstreams_under_its_first_name(upstreams):
    found = await upstreams.update(load_config(SITES))

    assert list(found) == ["callkom.io", "app.callkom.io"]
    assert [state.address for state in found["callkom.io"].snapshot()] == [
        "http://127.0.0.1:1",
        "http://127.0.0.1:2",
    ]


async def test_a_reload_that_changes_nothing_of_them_keeps_them(upstreams):
    before = await upstreams.update(load_config(SITES))
    after = await upstreams.update(load_config(SITES + "language: fr\n"))

    assert all(after[name] is before[name] for name in before)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:4"'),
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:3", upstream_host: x.example'),
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:3", health: /health'),
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:3", ca: own.pem'),
        ("hosts: app.callkom.io", "hosts: new.callkom.io"),
    ],
)
async def test_a_site_whose_upstream_is_another_has_new_ones_and_the_rest_keep_theirs(upstreams, old, new):
    before = await upstreams.update(load_config(SITES))
    after = await upstreams.update(load_config(SITES.replace(old, new)))

    assert after["callkom.io"] is before["callkom.io"]
    assert [*after.values()][1] is not before["app.callkom.io"]
    assert len(upstreams._by_key) == 2


@pytest.mark.parametrize("more", ["timeouts: { connect: 1 s }", "limits: { connections: 3 }"])
async def test_other_timeouts_and_limits_make_all_of_them_anew(upstreams, more):
    before = await upstreams.update(load_config(SITES))
    after = await upstreams.update(load_config(f"{SITES}{more}\n"))

    assert not any(after[name] is before[name] for name in before)


async def test_a_site_that_is_gone_is_let_go(upstreams):
    await upstreams.update(load_config(SITES))
    left = await upstreams.update(load_config("\n".join(SITES.splitlines()[:-1])))

    assert list(left) == ["callkom.io"]
    assert len(upstreams._by_key) == 1


async def test_closing_leaves_no_upstream_open(upstreams):
    await upstreams.update(load_config(SITES))
    await upstreams.close()

    assert upstreams._by_key == {}


async def test_only_https_reads_the_sites_own_authority_and_one_that_is_not_there_stops_it(
    upstreams, tmp_path
):
    plain = SITES.replace('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:3", ca: gone.pem')
    await upstreams.update(load_config(plain, folder=tmp_path))

    with pytest.raises(OSError, match="No such file"):
        await upstreams.update(
            load_config(plain.replace("http://127.0.0.1:3", "https://127.0.0.1:3"), folder=tmp_path)
        )


async def test_a_health_check_names_the_host_that_the_upstream_is_asked_for():
    seen = []

    async def answer(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        seen.append(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"host:")))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for more, host in (
        ("", b"Host: app.callkom.io"),
        (", upstream_host: inside.example", b"Host: inside.example"),
    ):
        upstreams = UpstreamsBySite()
        text = SITES.replace('"http://127.0.0.1:3"', f'"http://127.0.0.1:{port}", health: /up{more}')
        await upstreams.update(load_config(text))
        async with asyncio.timeout(20):
            while not seen:
                await asyncio.sleep(0.01)
        await upstreams.close()
        assert seen.pop().rstrip() == host
        seen.clear()
    server.close()
    await server.wait_closed()
