"""A prefetch follows no redirect to whom the visitor's pages may not load from."""

from tests.support.origin import Origin, ok
from tests.support.proxying import proxying

AHEAD = ("Sec-Purpose: prefetch", "Sec-Purpose: prefetch;prerender", "Purpose: prefetch", "X-Moz: prefetch")
ELSEWHERE = {
    b"/1": b"https://tracker.example/",
    b"/2": b"//tracker.example",
    b"/3": b"/\\tracker.example/",
    b"/4": b"https:tracker.example",
    b"/5": b" https://calendly.com/x",
    b"/6": b"https://callkom.io@tracker.example/",
}
HERE = {
    b"/a": b"/other",
    b"/b": b"other",
    b"/c": b"https://app.callkom.io/",
    b"/d": b"?a=https://tracker.example/",
}


def leading_to(address: bytes) -> bytes:
    return ok(b"", b"Location: " + address, b"Set-Cookie: a=1", status=b"302 Found")


async def asked(tmp_path, addresses, *ways):
    """Ask for each redirect each way, more than once: the second and third time go the fast way."""
    answers = {path: leading_to(address) for path, address in addresses.items()}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        return [
            (path, await proxy.ask(path.decode(), *way)) for path in answers for way in ways for _ in range(3)
        ]


async def test_a_prefetch_is_not_led_to_a_third_party(tmp_path):
    for path, got in await asked(tmp_path, ELSEWHERE, *((way,) for way in AHEAD)):
        assert (path, got.status, got.one(b"Cache-Control")) == (path, 503, b"no-store")
        assert got.one(b"Location") is None
        assert got.one(b"Set-Cookie") is None


async def test_a_prefetch_is_led_to_the_sites_own_hosts(tmp_path):
    for path, got in await asked(tmp_path, HERE, (AHEAD[0],)):
        assert (got.status, got.one(b"Location")) == (302, HERE[path])


async def test_who_clicks_is_led_anywhere(tmp_path):
    for path, got in await asked(tmp_path, ELSEWHERE, ()):
        assert (got.status, got.one(b"Location")) == (302, ELSEWHERE[path].strip())
