"""The demo's providers, played on this machine: by a script on its pages, and by a server for the relay.

A browser without a network fetches a provider's script in vain; static/played.js then does what it
would have done. The relay fetches HubSpot's forms from the server here, over TLS, as from their own.
"""

from __future__ import annotations

import ssl
from functools import cache
from importlib.resources import as_file, files

from aiohttp import web

HOSTS = ("js-eu1.hsforms.net", "forms-eu1.hsforms.com")
"""What the demo's rules relay."""

THANKS = "<!doctype html><meta charset=utf-8><p>Merci. Thank you. The demo sent nothing."


@cache
def _static(name: str) -> str:
    return files("proxy.demo").joinpath("static", name).read_text(encoding="utf-8")


@cache
def played_script() -> str:
    """Return the script that plays the providers on the demo's pages."""
    return _static("played.js").replace("$forms", _static("hubspot-forms.js"))


def certificate() -> str:
    """Return the certificate of the played server; its key is everybody's, so it is trusted here alone."""
    text = _static("played.pem")
    return text[text.index("-----BEGIN CERTIFICATE") :]


def played_tls() -> ssl.SSLContext:
    """Return the TLS of the played server."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with as_file(files("proxy.demo").joinpath("static", "played.pem")) as path:
        context.load_cert_chain(path)
    return context


async def _form(_: web.Request) -> web.Response:
    return web.Response(text=_static("hubspot-forms.js"), content_type="text/javascript")


async def _thanks(_: web.Request) -> web.Response:
    return web.Response(text=THANKS, content_type="text/html")


def played_providers() -> web.Application:
    """Return HubSpot's form hosts, as the relay asks them."""
    app = web.Application()
    app.router.add_get("/forms/{path:.*}", _form)
    app.router.add_post("/submissions/{path:.*}", _thanks)
    return app
