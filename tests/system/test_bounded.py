"""What strangers send is kept nowhere for long: every cache is bounded in bytes, and one flood meets them all (T46)."""

import functools
import gc
import itertools

from proxy.filter.cache import UNBOUNDED, Cache, PageCache
from tests.support.origin import Origin, ok
from tests.support.proxying import proxying

MARK = "flood"
LONG = 12_000
MOST = 4_500
"""Characters of the longest thing that a cache may keep which counts entries alone: 4,096 of them are 18 MB."""


def strange(number: int, size: int = LONG) -> str:
    return f"{MARK}{number}".ljust(size, "x")


def caches() -> list[object]:
    """Return every cache of the program, whoever holds it."""
    gc.collect()  # what nobody holds any more
    found = []
    for thing in gc.get_objects():
        if isinstance(thing, Cache | PageCache) or (
            isinstance(thing, functools._lru_cache_wrapper) and (thing.__module__ or "").startswith("proxy.")
        ):
            found.append(thing)
        elif str(type(thing).__module__).startswith("proxy.") and hasattr(thing, "__dict__"):
            found += [
                part
                for part in vars(thing).values()
                if isinstance(part, dict) and not isinstance(part, Cache)
            ]
    return found


def bounded_in_bytes(cache: object) -> bool:
    return isinstance(cache, PageCache) or (
        isinstance(cache, Cache) and (cache._limit < UNBOUNDED or cache._budget is not None)
    )


def texts(thing: object, depth: int = 6, seen: set[int] | None = None):
    """Yield the texts of strangers in a thing and in what it holds."""
    seen = set() if seen is None else seen
    if isinstance(thing, str | bytes):
        if (MARK if isinstance(thing, str) else MARK.encode()) in thing:
            yield thing
        return
    if depth == 0 or id(thing) in seen or isinstance(thing, type) or (callable(thing) and depth < 6):
        return
    seen.add(id(thing))
    for part in gc.get_referents(thing):
        yield from texts(part, depth - 1, seen)


def requests(number: int):
    """Yield requests that are strange in one place each, but for what is refused as too long."""
    word, short = strange(number), strange(number, 200)
    page = ("Sec-Fetch-Dest: document", "Accept: text/html")
    yield f"/{word}", page
    yield f"/?{word}", page
    yield f"/.consent/{word}", page
    yield f"/.consent/offer?tag={word}", ("Sec-Fetch-Site: same-origin",)
    for name in ("Accept-Language", "Accept-Encoding", "Sec-Fetch-Dest", "Referer", "User-Agent", "X-Forwarded-For",
                 "Accept", "Origin", "If-None-Match", "Content-Type", "CF-Connecting-IP", "Forwarded", "Sec-Purpose"):  # fmt: skip
        yield "/", (f"{name}: {word}",)
    for cookie in (f"{word}=1", f"consent_callkom={word}", f"_ga={word}", f"{short}=1; " * 40):
        yield "/", (*page, f"Cookie: {cookie}")


def answer(number: int) -> bytes:
    word, short = strange(number), strange(number, 3000)
    body = (
        f'<!doctype html><html lang="{word}"><head><meta charset="{word}"><base href="/{short}">'
        f'<script src="https://{short[:200]}.example/{word}"></script><script>{word}.a=1</script><style>{word}{{}}</style>'
        f'<iframe src="https://calendly.com/{word}"></iframe></head><body></body></html>'
    )
    fields = (f"Content-Type: text/html; charset={short}", f"X-{short[:200]}: {word}", f"Set-Cookie: {short}=1; Domain={short}",
              f"Link: <https://{short}/>; rel=preload", f"Content-Security-Policy: default-src {short}", f'ETag: "{short}"',
              f"Content-Language: {short}", f"Vary: {short}")  # fmt: skip
    return ok(body.encode(), *(field.encode() for field in fields))


async def test_no_cache_that_counts_entries_alone_keeps_what_is_long(tmp_path):
    numbers = itertools.count()
    async with (
        Origin({}, otherwise=lambda _: answer(next(numbers))) as origin,
        proxying(origin.url, folder=tmp_path) as proxy,
    ):
        for number in range(3):
            for target, headers in requests(number):
                for _ in range(2):
                    got = await proxy.ask(target, *headers)
                    assert got.status < 600
        await proxy.ask("/", host=strange(1, 250))
        found = caches()
        assert len(found) > 50, "the instrument works"
        assert any(list(texts(cache)) for cache in found), "the instrument works"
        kept = {}
        for cache in found:
            longest = max((len(text) for text in texts(cache)), default=0)
            if longest > MOST and not bounded_in_bytes(cache):
                owners = [type(owner).__name__ for owner in gc.get_referrers(cache)][:3]
                kept[f"{getattr(cache, '__qualname__', type(cache).__name__)} {owners}"] = longest

    assert kept == {}


def test_every_cache_is_bounded():
    without = [
        cache for cache in caches() if isinstance(cache, functools._lru_cache_wrapper) and cache.cache_parameters()["maxsize"] is None
        and cache.__wrapped__.__code__.co_argcount
    ]  # fmt: skip
    assert {f"{cache.__module__}.{cache.__qualname__}" for cache in without} <= OURS


OURS = {
    "proxy.banner.assets.parts_of",
    "proxy.banner.assets._built",
    "proxy.banner.markup._template",
    "proxy.demo.played._static",
    "proxy.demo.site.page_html",
    "proxy.audit.browser.page_script",
}
"""Without bound, since their arguments are names of files of the program, or of pages of its demo."""
