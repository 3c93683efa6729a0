"""The document filter beside python-lolhtml doing the same whole job, interleaved in one run.

    python bench/html.py [--rounds 5] [--chunk 16384] [--compiled] [--each]

With --compiled the filter is the one that `make compiled` left in .compiled. With --each only our filter is
run, and what every page of the corpus takes is printed: of two such runs, one --compiled, no page may be slower.
Cold: every cache emptied before each page. Warm: the caches have seen these very pages, which
is their best case. Processor time of this thread is measured, and both engines take turns on every
page: ratios count, not milliseconds.
"""

import sys
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[1]
sys.path[0] = str(ROOT)  # not this folder, whose html.py hides the library's
if "--compiled" in sys.argv:
    sys.path.insert(0, str(ROOT / ".compiled"))

import argparse
import gc
import re
import time
from collections import Counter
from collections.abc import Callable
from html import unescape

import lolhtml

from proxy.build_digest import build_kind
from proxy.filter.body.body_filter import PageCacheKey, cached_filter
from proxy.filter.cache import PageCache
from proxy.filter.headers.content_kind import BodyKind
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from tests.shared import SHARED

HOSTS = [
    "googletagmanager.com",
    "google-analytics.com",
    "doubleclick.net",
    "hs-scripts.com",
    "hs-analytics.net",
    "hsforms.net",
    "calendly.com",
    "js.stripe.com",
    "facebook.net",
    "hotjar.com",
    "clarity.ms",
    "cloudflareinsights.com",
    "pinterest.com",
    "twitter.com",
    "tiktok.com",
    "linkedin.com",
    "snapchat.com",
    "criteo.com",
    "taboola.com",
    "outbrain.com",
    "amazon-adsystem.com",
    "adnxs.com",
    "quantserve.com",
    "scorecardresearch.com",
    "segment.com",
    "mixpanel.com",
    "optimizely.com",
    "newrelic.com",
    "sentry-cdn.com",
    "intercom.io",
]
TEXTS = [
    "gtm.start",
    "GoogleAnalyticsObject",
    "fbq('",
    "hbspt.forms.create",
    "appInsightsSDK",
    "Calendly.init",
    "hotjar.com",
    "clarity.ms/tag",
    "_linkedin_partner_id",
    "optimizely.push",
]
CLASSES = [
    "calendly-inline-widget",
    "hs-form-frame",
    "meetings-iframe-container",
    "fb-like",
    "twitter-timeline",
]
EVENTS = ["onclick", "onload", "onsubmit", "onchange"]
HEAD, BODY, FOOT = b"<script>/*guard*/</script>", b"<div id=c></div>", b"<script>/*banner*/</script>"

TEMPLATE = """
policy:
  version: 2026-11-01
  page: https://own.example/cookies
  privacy: https://own.example/privacy
  contact: privacy@own.example
  ask_again_after: 6 months
purposes:
  necessary: { basis: legitimate interest }
  performance: { basis: consent }
undeclared: { cookies: drop, tags: hold }
providers:
  many:
    name: Many
    tags:
"""


_SEEN = re.compile(rb"(?:src|href)=[\"']?https?://([a-z0-9.-]+)")


def homes() -> frozenset[str]:
    """Return the hosts the pages come from: the most frequent one of each page, and its kin."""
    found: set[str] = set()
    for page in pages():
        hosts = Counter(host.decode() for host in _SEEN.findall(page))
        if hosts:
            home = ".".join(hosts.most_common(1)[0][0].split(".")[-2:])
            found |= {host for host in hosts if host == home or host.endswith("." + home)}
    return frozenset(found)


def judge(count: int) -> Judge:
    """Return a judge over `count` rules: three quarters hosts, one quarter words in scripts, and containers."""
    hosts = HOSTS + [f"vendor{n}.example" for n in range(count * 3 // 4 - len(HOSTS))]
    texts = TEXTS + [f"vendorCall{n}(" for n in range(count // 4 - len(TEXTS))]
    rules = [f'      - {{ from: "{host}", purpose: performance }}' for host in hosts]
    rules += [f'      - {{ text: "{text}", purpose: performance }}' for text in texts]
    rules += [f"      - {{ class: {name}, purpose: performance }}" for name in CLASSES]
    rules += [f"      - {{ id: {name}, purpose: performance }}" for name in CLASSES]
    rules += [f'      - {{ attribute: {{ {name}: "*gtag(*" }}, purpose: performance }}' for name in EVENTS]
    policy = load_policy(TEMPLATE + "\n".join(rules) + "\n")
    return judge_for(compile_rules(policy, OwnHosts(homes())), frozenset())


class Injected:
    """Fixed bytes at the three places."""

    always = False
    amp = False

    def head(self, _page) -> bytes:
        return HEAD

    def body(self, _page) -> bytes:
        return BODY

    def foot(self, _page) -> bytes:
        return FOOT

    def placeholder(self, _verdict, _facts) -> bytes:
        return b""


def ours(judge: Judge, inject: Injected) -> Callable[[list[bytes]], int]:
    """Return a run of our filter over the chunks of a page."""

    def run(chunks: list[bytes]) -> int:
        page = HtmlFilter(judge, inject=inject)
        size = 0
        for chunk in chunks:
            size += len(page.feed(chunk))
        return size + len(page.close())

    return run


class Lol:
    """The same job on lol-html: one handler per element kind, dictionaries for hosts, buffered script text."""

    ADDRESS = {
        "script": ("src", "data-src", "data-lazy-src", "data-rocket-src"),
        "iframe": ("src", "srcdoc", "data-src", "data-lazy-src"),
        "img": ("src", "srcset", "data-src", "data-srcset", "data-lazy-src", "data-lazy-srcset"),
        "link": ("href", "imagesrcset"),
        "source": ("src", "srcset", "data-srcset"),
        "video": ("src", "poster"),
        "audio": ("src",),
        "embed": ("src",),
        "object": ("data",),
        "track": ("src",),
        "input": ("src",),
        "a": ("ping",),
        "body": ("background",),
    }
    URL = re.compile(r"(?:https?:)?//([^/?#\s,\"')]+)")

    def __init__(self, *, styles: bool) -> None:
        self.styles = styles
        self.refused: dict[str, bool] = {}
        self.own = homes()

    def refuses(self, text: str | None) -> bool:
        if not text or "//" not in text:
            return False
        if "&" in text:
            text = unescape(text)
        return any(self._host(match) for match in self.URL.findall(text))

    def _host(self, host: str) -> bool:
        known = self.refused.get(host)
        if known is None:
            known = self.refused[host] = host not in self.own
        return known

    def run(self, chunks: list[bytes]) -> int:
        out = []
        rewriter = lolhtml.HTMLRewriter(out.append)
        text: list[str] = []

        def handler(names):
            class Handler:
                def element(self, element):
                    for name in names:
                        if refuses(element.get_attribute(name)):
                            element.set_attribute("data-consent", "performance")
                            element.set_attribute("data-consent-" + name, element.get_attribute(name))
                            element.remove_attribute(name)

            return Handler()

        refuses = self.refuses

        class Script:
            def element(self, element):
                text.clear()
                if refuses(element.get_attribute("src")) or refuses(element.get_attribute("data-src")):
                    element.set_attribute("type", "text/plain")

            def text(self, chunk):
                text.append(chunk.text)
                if chunk.last_in_text_node:
                    body = "".join(text)
                    if any(word in body for word in TEXTS):
                        chunk.replace("")

        class Style:
            def element(self, element):
                if refuses(element.get_attribute("style")):
                    element.remove_attribute("style")

            def text(self, chunk):
                text.append(chunk.text)
                if chunk.last_in_text_node:
                    refuses("".join(text))
                    text.clear()

        class Event:
            def element(self, element):
                for name in EVENTS:
                    if "gtag(" in (element.get_attribute(name) or ""):
                        element.remove_attribute(name)

        class Container:
            def element(self, element):
                element.set_attribute("data-consent", "performance")

        class Put:
            def __init__(self, first, last):
                self.first, self.last = first, last

            def element(self, element):
                if self.first:
                    element.prepend(self.first, lolhtml.ContentType.HTML)
                if self.last:
                    element.append(self.last, lolhtml.ContentType.HTML)

        for name, names in self.ADDRESS.items():
            rewriter.on(name if name != "a" else "a[ping]", Script() if name == "script" else handler(names))
        for name in EVENTS:
            rewriter.on(f"[{name}]", Event())
        for name in CLASSES:
            rewriter.on("." + name, Container())
            rewriter.on("#" + name, Container())
        if self.styles:
            rewriter.on("style", Style())
            rewriter.on('[style*="("]', Style())
        rewriter.on("head", Put(HEAD.decode(), ""))
        rewriter.on("body", Put(BODY.decode(), FOOT.decode()))
        for chunk in chunks:
            rewriter.write(chunk)
        rewriter.end()
        return sum(map(len, out))


def pages() -> list[bytes]:
    return [path.read_bytes() for path in sorted((SHARED / "corpus" / "pages").glob("real-*.html"))]


def cut(page: bytes, size: int) -> list[bytes]:
    return [page[at : at + size] for at in range(0, len(page), size)]


def forget(judge: Judge) -> None:
    """Empty every cache."""
    judge.empty_caches()


def least(
    pages_: list[list[bytes]], runs: dict[str, Callable], before: dict[str, Callable], rounds: int
) -> dict[str, list[float]]:
    """Return the best seconds per engine and page; engines take turns on every page."""
    best = {name: [float("inf")] * len(pages_) for name in runs}
    for round_ in range(rounds):
        for number, chunks in enumerate(pages_):
            names = list(runs) if round_ % 2 else list(reversed(runs))
            for name in names:
                before.get(name, lambda: None)()
                start = time.thread_time()
                runs[name](chunks)
                best[name][number] = min(best[name][number], time.thread_time() - start)
    return best


def paired(
    pages_: list[list[bytes]], runs: dict[str, Callable], before: dict[str, Callable], rounds: int
) -> dict[str, float]:
    """Return the best seconds per engine, summed over pages."""
    return {name: sum(times) for name, times in least(pages_, runs, before, rounds).items()}


def each(chunk: int, rounds: int) -> None:
    """Print what every page of the corpus takes, cold and warm."""
    paths = sorted((SHARED / "corpus" / "pages").glob("*.html"))
    cold, warm = judge(40), judge(40)
    runs = {"cold": ours(cold, Injected()), "warm": ours(warm, Injected())}
    whole = [cut(path.read_bytes(), chunk) for path in paths]
    for chunks in whole:
        runs["warm"](chunks)
    gc.freeze()
    times = least(whole, runs, {"cold": lambda: forget(cold)}, rounds)
    print(f"{build_kind():40}{'cold us':>10}{'warm us':>10}")
    for path, *taken in zip(paths, times["cold"], times["warm"], strict=True):
        print(f"{path.name:40}" + "".join(f"{seconds * 1e6:10.0f}" for seconds in taken))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--chunk", type=int, default=16_384)
    parser.add_argument("--compiled", action="store_true")
    parser.add_argument("--each", action="store_true")
    given = parser.parse_args()
    if given.compiled and build_kind() != "compiled":
        parser.error("nothing compiled in .compiled: run python -m tools.compiled")
    if given.each:
        each(given.chunk, given.rounds)
        return
    raw = pages()
    whole = [cut(page, given.chunk) for page in raw]
    size = sum(map(len, raw))
    inject = Injected()
    cold, warm, cold400, warm400 = judge(40), judge(40), judge(400), judge(400)
    lol, less = Lol(styles=True), Lol(styles=False)
    cache = PageCache(limit=64_000_000)

    def remembered(chunks: list[bytes]) -> int:
        body = b"".join(chunks)
        stream = cached_filter(
            PageCacheKey(cache, hash(body)),
            sort=BodyKind.HTML,
            content_type=b"text/html; charset=utf-8",
            content_encoding=b"",
            response_coding=None,
            judge=warm,
            inject=lambda: inject,
            asking=SimpleNamespace(language=""),
        )
        return len(stream.whole(body))

    runs = {
        "lol whole job": lol.run,
        "lol without styles": less.run,
        "ours cold, 40 rules": ours(cold, inject),
        "ours warm, 40 rules": ours(warm, inject),
        "ours cold, 400 rules": ours(cold400, inject),
        "ours warm, 400 rules": ours(warm400, inject),
        "ours, page cache": remembered,
    }
    before = {"ours cold, 40 rules": lambda: forget(cold), "ours cold, 400 rules": lambda: forget(cold400)}
    for name in ("ours warm, 40 rules", "ours warm, 400 rules", "ours, page cache", "ours, page cache"):
        for chunks in whole:
            runs[name](chunks)
    gc.freeze()
    times = paired(whole, runs, before, given.rounds)
    yard = times["lol whole job"]
    print(
        f"{len(raw)} real pages, {size / 1e6:.2f} MB, {given.chunk} byte chunks, best of {given.rounds}, "
        f"interleaved; {build_kind()}"
    )
    print(f"{'':24}{'ms':>9}{'MB/s':>9}{'x lol':>8}")
    for name, seconds in times.items():
        print(f"{name:24}{seconds * 1e3:9.1f}{size / seconds / 1e6:9.0f}{yard / seconds:8.2f}")
    small(raw, runs, before, given.rounds)
    setup(cold, cold400, inject)


def small(raw: list[bytes], runs: dict[str, Callable], before: dict[str, Callable], rounds: int) -> None:
    """A 15 kB page: the head of the page with the most scripts, closed properly."""
    page = max(raw, key=lambda page: page[:15_000].count(b"<script"))[:15_000]
    times = paired([[page]], runs, before, rounds * 10)
    print("\na 15 kB page (the busiest head of them)")
    for name, seconds in times.items():
        print(f"{name:24}{seconds * 1e6:9.0f} us{times['lol whole job'] / seconds:8.2f}")


def setup(few: Judge, many: Judge, inject: Injected) -> None:
    print("\nset-up per request")
    for name, judge_ in (("40 rules", few), ("400 rules", many)):
        best = float("inf")
        for _ in range(20):
            start = time.thread_time()
            for _ in range(1_000):
                HtmlFilter(judge_, inject=inject)
            best = min(best, time.thread_time() - start)
        print(f"{name:24}{best * 1e3:9.2f} us")


if __name__ == "__main__":
    main()
