"""What stands beside the proxy in a demo or a preview."""

import socket
import urllib.request

from aiohttp import web

from proxy.commands.beside import is_free, serve_beside


def test_a_port_is_free_until_somebody_listens_there():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_site_answers_while_its_caller_does_something_else():
    async def hello(_: web.Request) -> web.Response:
        return web.Response(text="hello")

    site = web.Application()
    site.router.add_get("/", hello)
    with urllib.request.urlopen(f"http://127.0.0.1:{serve_beside(site)}/", timeout=10) as response:
        assert response.read() == b"hello"
