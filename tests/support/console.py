"""Whoever uses the console of a proxy that runs as processes of its own."""

import asyncio

from proxy.console.tokens import hash_of, new_token
from tests.support.processes import Running

TOKEN = new_token()
CONFIG = f"console: {{ tokens: {{ name: ops, roles: [view, records, reload], hash: {hash_of(TOKEN, 10)} }} }}"
FORM = "Content-Type: application/x-www-form-urlencoded"


class Operator:
    """Signed in, until the proxy ends."""

    def __init__(self, proxy: Running) -> None:
        self._proxy = proxy
        self._host = f"127.0.0.1:{proxy.admin}"
        self._cookie = ""

    async def ask(self, target, body=None):
        method = "GET" if body is None else "POST"
        headers = [] if body is None else [FORM, f"Origin: http://{self._host}"]
        if self._cookie:
            headers.append(f"Cookie: {self._cookie}")
        async with asyncio.timeout(60):
            return await self._proxy.ask(
                f"/console{target}", *headers, "Connection: close",
                method=method, body=body or b"", host=self._host, port=self._proxy.admin,
            )  # fmt: skip

    async def sign_in(self):
        got = await self.ask("/sign-in", f"token={TOKEN}".encode())
        assert got.status == 303
        self._cookie = got.one(b"Set-Cookie").partition(b";")[0].decode()
        return self

    async def data(self, until=bool, seconds=60):
        """Return the figures once they are as wanted: workers hand theirs over once a second."""
        async with asyncio.timeout(seconds):
            while True:
                data = (await self.ask("/data")).json
                if until(data):
                    return data
                await asyncio.sleep(0.1)
