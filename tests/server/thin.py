"""A relay with nothing in it but transport and upstream: what those two do is seen unmixed."""

from contextlib import asynccontextmanager

from proxy.errors import UpstreamError
from proxy.server.transport import Incoming, RawResponse
from proxy.server.upstream import UpstreamRequest, Upstreams
from proxy.server.websocket import relay_websocket, wants_websocket
from tests.server.visitor import listening

HOPS = {b"connection", b"upgrade", b"expect", b"keep-alive", b"te", b"transfer-encoding", b"trailer"}


def passing(headers):
    return [pair for pair in headers if pair[0].lower() not in HOPS]


@asynccontextmanager
async def relaying(url: str, visible=lambda headers: headers, allowance=None, **options):
    upstreams = Upstreams([url], **options)

    async def answer(request: Incoming) -> RawResponse:
        body = request.body() if request.has_body else None
        ask = UpstreamRequest(
            request.method, request.target, passing(request.headers), body, upgrade=wants_websocket(request)
        )
        reply = await upstreams.fetch(ask)
        try:
            if reply.status == 101:
                return await relay_websocket(request, reply, visible(passing(reply.headers)))
            first, complete = reply.arrived()
            headers = visible(passing(reply.headers))
            response = RawResponse(reply.status, headers, first, complete=complete, reason=reply.reason)
            if complete:
                return response
            await response.prepare(request)
            try:
                while piece := await reply.read():
                    await response.write(piece)
                await response.finish()
            except UpstreamError:
                response.cut()
            return response
        finally:
            reply.abort()

    async with listening(answer, allowance) as here:
        here.upstreams = upstreams
        try:
            yield here
        finally:
            await upstreams.close()
