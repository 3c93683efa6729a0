"""The demo site alone, without the proxy: `python -m proxy.demo 9001`, on every address of the machine."""

from __future__ import annotations

import sys

from aiohttp import web

from proxy.demo.site import demo_site

if __name__ == "__main__":
    web.run_app(demo_site(), port=int(sys.argv[1]) if len(sys.argv) > 1 else 9001, print=None)
