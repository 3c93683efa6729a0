"""A relay with nothing in it but transport and upstream: what those two do is seen unmixed."""

from contextlib import asynccontextmanager

from proxy.errors import UpstreamError
from proxy.http.server import IncomingMessage, Response
from proxy.http.upstream.balancer import UpstreamRequest, Upstreams
from proxy.http.websocket import relay_websocket, wants_websocket
from tests.support.visitor import listening

HOPS = {b"connection", b"upgrade", b"expect", b"keep-alive", b"te", b"transfer-encoding", b"trailer"}


def passing(headers):
    return [pair for pair in headers if pair[0].lower() not in HOPS]


@asynccontextmanager
async def relaying(url: str, visible=lambda headers: headers, allowance=None, **options):
    upstreams = Upstreams([url], **options)

    async def answer(request: IncomingMessage) -> Response:
        body = request.body() if request.has_body else None
        ask = UpstreamRequest(
            request.method, request.target, passing(request.headers), body, upgrade=wants_websocket(request)
        )
        upstream_response = await upstreams.fetch(ask)
        try:
            if upstream_response.status == 101:
                return await relay_websocket(
                    request, upstream_response, visible(passing(upstream_response.headers))
                )
            first, complete = upstream_response.arrived()
            headers = visible(passing(upstream_response.headers))
            response = Response(
                upstream_response.status, headers, first, complete=complete, reason=upstream_response.reason
            )
            if complete:
                return response
            await response.prepare(request)
            try:
                while piece := await upstream_response.read():
                    await response.write(piece)
                await response.finish()
            except UpstreamError:
                response.cut()
            return response
        finally:
            upstream_response.abort()

    async with listening(answer, allowance) as here:
        here.upstreams = upstreams
        try:
            yield here
        finally:
            await upstreams.close()
