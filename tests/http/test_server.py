"""The server: what it needs to start, what it makes of errors, how it drains."""

import ast
import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest
from aiohttp import http_parser, web
from aiohttp.web_protocol import RequestHandler

from proxy import http
from proxy.errors import BadRequest, StartError, UpstreamError
from proxy.http.server import Response, check_server
from tests.support.origin import until
from tests.support.visitor import LAST, body_of, get, listening, status


def test_the_installed_aiohttp_is_one_that_was_tested():
    check_server()


def test_without_the_compiled_parser_nothing_starts(monkeypatch):
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(StartError, match="compiled HTTP parser"):
        check_server()


def test_without_the_compiled_parser_nothing_starts_in_a_real_process():
    code = "from proxy.http.server import check_server; check_server()"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"AIOHTTP_NO_EXTENSIONS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode != 0
    assert "compiled HTTP parser" in ran.stderr


def test_another_version_of_aiohttp_starts(monkeypatch):
    monkeypatch.setattr(aiohttp, "__version__", "4.0.0")

    check_server()


def test_the_ordinary_route_uses_nothing_private_of_aiohttp():
    """Names with an underscore that aiohttp's classes have and ours do not define themselves."""
    private = {
        name
        for kind in (RequestHandler, web.Server, web.BaseRequest)
        for name in (*dir(kind), *(slot for one in kind.__mro__ for slot in getattr(one, "__slots__", ())))
        if name.startswith("_") and not name.startswith("__")
    }
    for path in [*Path(http.__file__).parent.rglob("*.py")]:
        tree = ast.parse(path.read_text("utf-8"))
        bases = {
            ast.unparse(base) for one in ast.walk(tree) if isinstance(one, ast.ClassDef) for base in one.bases
        }
        if not bases & {"RequestHandler", "web.Server", "web.BaseRequest", "Connection"}:
            continue
        used = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)}
        assert not used & private, path.name


# -- what is refused --------------------------------------------------------------------------------------


async def test_a_refusal_may_be_a_page_of_our_own():
    def refuse(code, request):
        return Response(
            code, [(b"X-Own", b"1")], b"sorry %d %b" % (code, request.target if request else b"?")
        )

    async def failing(request):
        raise UpstreamError("x", 504) if request.target == b"/late" else BadRequest("no", 421)

    async with listening(failing, refuse=refuse) as here:
        assert body_of(await here.ask(get(b"/late", LAST))) == b"sorry 504 /late"
        assert body_of(await here.ask(get(b"/x", LAST))) == b"sorry 421 /x"
        assert body_of(await here.ask(get(b"/", b"X : y", LAST))) == b"sorry 400 ?"


async def test_an_error_nobody_expected_is_500_and_is_reported_without_words_for_the_visitor():
    async def broken(_):
        raise KeyError("secret")

    async with listening(broken) as here:
        answer = await here.ask(get())

        assert status(answer) == 500
        assert b"secret" not in answer
        assert [type(error) for error in here.errors] == [KeyError]


# -- connections ------------------------------------------------------------------------------------------


# -- who closes their half -------------------------------------------------------------------------------


# -- how connections last ----------------------------------------------------------------------------------


async def test_draining_ends_idle_connections_finishes_busy_ones_and_says_that_they_end():
    async def slow(_):
        await asyncio.sleep(0.2)
        return Response(200, [], b"done")

    async with listening(slow) as here:
        idle_reader, idle_writer = await here.connect()
        busy = asyncio.create_task(here.ask(get()))
        await until(lambda: here.http_server.busy)
        left = await here.http_server.drain(2)

        assert left == 0
        assert (await busy).endswith(b"done")
        assert b"Connection: close" in await busy
        assert await idle_reader.read() == b""
        idle_writer.close()


async def test_draining_lets_an_upload_that_has_begun_arrive():
    async def collect(request):
        return Response(200, [], b"".join([piece async for piece in request.body()]))

    async with listening(collect) as here:
        reader, writer = await here.connect()
        writer.write(get(b"/", b"Content-Length: 10", method=b"POST") + b"01234")
        await until(lambda: here.http_server.busy)
        draining = asyncio.create_task(here.http_server.drain(3))
        await asyncio.sleep(0.1)
        writer.write(b"56789")

        assert (await reader.read()).endswith(b"0123456789")
        assert await draining == 0
        writer.close()


async def test_draining_cuts_what_does_not_end_in_time():
    async def endless(_):
        await asyncio.sleep(30)
        raise AssertionError

    async with listening(endless) as here:
        busy = asyncio.create_task(here.ask(get()))
        await until(lambda: here.http_server.busy)

        assert await here.http_server.drain(0.1) == 1
        assert await busy == b""


async def test_nothing_of_a_visitor_reaches_a_logger(caplog):
    async with listening() as here:
        await here.ask(get(b"/secret-path", b"X : secret"))
        await here.ask(b"secret\r\n\r\n")

    assert "secret" not in caplog.text
    assert "127.0.0.1" not in caplog.text


async def test_uploads_are_not_unpacked_by_the_server():
    import gzip

    packed = gzip.compress(b"hello" * 100)

    async def echo(request):
        return Response(200, [], await request.whole_body(10_000))

    async with listening(echo) as here:
        fields = (b"Content-Encoding: gzip", b"Content-Length: %d" % len(packed), LAST)
        assert body_of(await here.ask(get(b"/", *fields, method=b"POST") + packed)) == packed
