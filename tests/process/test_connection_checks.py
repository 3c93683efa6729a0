"""`check --connect` tries what the config connects to, and says what works and what does not."""

import asyncpg
import pytest
import trustme

from proxy.config.loading import load_config, read_config
from proxy.process.connection_checks import try_connections
from proxy.records.store import RecordStore
from tests.commands.running import run
from tests.ports import free_port
from tests.records.conftest import pair, postgres
from tests.records.postgres import both

__all__ = ["pair", "postgres"]

KEY = b"k" * 32


def config_of(upstreams: str, more: str = ""):
    return load_config(
        f"listen: 127.0.0.1:0\nsites: [{{ hosts: [a.callkom.io], upstream: [{upstreams}] }}]\n{more}"
    )


@pytest.fixture
async def origin(aiohttp_server):
    from aiohttp import web

    async def answer(request):
        return web.Response(status=500 if request.headers["Host"] == "broken.callkom.io" else 200)

    app = web.Application()
    app.router.add_get("/", answer)
    server = await aiohttp_server(app)
    return f"http://127.0.0.1:{server.port}"


async def test_each_upstream_is_tried_and_the_one_that_is_not_there_is_told_at_its_place(origin):
    nobody = f"http://127.0.0.1:{free_port()}"
    tried = await try_connections(config_of(f"'{origin}', '{nobody}'"))

    assert tried.works == [f"{origin} responds 200 to GET /"]
    [one] = tried.findings
    assert one.steps == ("sites", 0, "upstream", 1)
    assert nobody in one.text
    assert not one.warning


async def test_an_upstream_that_fails_for_the_sites_host_is_a_doubt(origin):
    config = load_config(
        f"listen: 127.0.0.1:0\nsites: [{{ hosts: [broken.callkom.io], upstream: '{origin}' }}]\n"
    )
    [one] = (await try_connections(config)).findings

    assert "responds 500" in one.text
    assert one.warning


@pytest.mark.parametrize(("more", "doubts"), [("", 0), (", health: /not-there", 1)])
async def test_a_health_path_that_is_not_there_is_a_doubt_and_a_missing_front_page_is_none(
    aiohttp_server, more, doubts
):
    from aiohttp import web

    server = await aiohttp_server(web.Application())
    site = f"{{ hosts: [a.callkom.io], upstream: 'http://127.0.0.1:{server.port}'{more} }}"
    tried = await try_connections(load_config(f"listen: 127.0.0.1:0\nsites: [{site}]\n"))

    assert [one.warning for one in tried.findings] == [True] * doubts
    assert len(tried.works) == 1 - doubts


async def test_a_certificate_of_an_upstream_that_nobody_trusts_is_told(aiohttp_server):
    import ssl

    from aiohttp import web

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    server = await aiohttp_server(web.Application(), ssl=context)
    [one] = (await try_connections(config_of(f"'https://127.0.0.1:{server.port}'"))).findings

    assert "certificate verify failed" in one.text


async def test_a_postgresql_that_can_be_written_works_and_nothing_is_made_in_it(origin, postgres):
    url = await postgres.fresh()
    tried = await try_connections(config_of(f"'{origin}'", f"records: {url}\n"))

    assert tried.findings == []
    assert any("can be written" in words for words in tried.works)
    connection = await asyncpg.connect(url)
    assert await connection.fetch("SELECT * FROM pg_tables WHERE schemaname = 'public'") == []
    await connection.close()


@pytest.mark.parametrize("made", [False, True], ids=["empty", "in use"])
async def test_a_postgresql_whose_user_may_not_write_is_told(origin, postgres, made):
    url = await postgres.fresh()
    if made:
        await (await RecordStore.open(url, keys=[KEY])).close()
    connection = await asyncpg.connect(url)
    name = url.partition("?")[0].rpartition("/")[2]
    await connection.execute(f"CREATE ROLE reader_{name} LOGIN")
    await connection.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader_{name}")
    await connection.close()
    theirs = url.replace("postgres@", f"reader_{name}@")
    [one] = (await try_connections(config_of(f"'{origin}'", f"records: {theirs}\n"))).findings

    assert one.steps == ("records",)
    assert "has no right to" in one.text


async def test_a_postgresql_that_is_not_there_is_told_without_its_password(origin, tmp_path):
    config = config_of(f"'{origin}'", f"records: 'postgresql://me:secret@/x?host={tmp_path}'\n")
    [one] = (await try_connections(config)).findings

    assert "cannot be used" in one.text
    assert "secret" not in one.text


async def test_of_several_servers_each_is_named_with_its_part_and_a_commit_that_waits_for_none(origin, pair):
    primary, standby = pair
    tried = await try_connections(config_of(f"'{origin}'", f"records: '{both(standby, primary)}'\n"))

    assert f"{primary.folder}:{primary.port} is the primary" in tried.works
    assert f"{standby.folder}:{standby.port} is a standby" in tried.works
    assert [(one.steps, one.warning) for one in tried.findings] == [(("records",), True)]
    assert "set synchronous_standby_names" in tried.findings[0].text


def test_the_command_prints_both_and_fails(tmp_path):
    config, port = tmp_path / "config.yaml", free_port()
    config.write_text(
        f"listen: 127.0.0.1:0\nsites: [{{ hosts: [a.callkom.io], upstream: 'http://127.0.0.1:{port}' }}]\n"
    )
    offline, online = (run("check", "--config", config, *more) for more in ([], ["--connect"]))

    assert offline.returncode == 0, offline.stderr
    assert online.returncode == 1
    assert f"config.yaml:2:44: sites[0].upstream http://127.0.0.1:{port}" in online.stderr
    assert read_config(config)


def test_connect_without_a_config_is_wrong_use():
    assert run("check", "--connect").returncode == 2
