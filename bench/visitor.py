"""What a visitor feels, in Chromium at 4 x slower CPU on slow 4G: `python -m bench.visitor [--rounds N]`.

One page, gzipped, in turns: without any tool, behind this proxy (asking, and after a refusal), and with the consent
tools of npm as their manuals show them. Times are medians; `cpu` is the processor time of the page's main thread up to
a second after its load event, which other work on the machine disturbs less than the clock. `gone` is from the click
on "refuse" to the first frame without the banner, `first` in how many visits the first frame that showed anything
showed the banner, `heap` the MB of scripts' memory after a second, `lcp` in how many visits the largest contentful
paint was the banner or a card of ours, not of the site. A page with twelve embeds, all refused, is compared with the
page without any tool and without embeds. Last, the least processor time of the main thread of such visits on a fast
machine: unthrottled, on loopback. Nothing of it is asserted anywhere: it is printed.
"""

import argparse
import asyncio
import gzip
import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from statistics import median

from playwright.async_api import Browser, Page, async_playwright

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.process.read_files import for_configured_hosts
from proxy.process.worker import Worker

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "tarteaucitronjs": "1.34.0",
    "vanilla-cookieconsent": "3.1.0",
    "klaro": "0.7.22",
    "orejime": "3.2.1",
    "@c15t/react": "2.2.1",
    "react": "19",
    "react-dom": "19",
    "esbuild": "0.28.2",
}
BUNDLED = """import * as React from "react";
import { createRoot } from "react-dom/client";
import { ConsentManagerProvider, ConsentBanner, ConsentDialog } from "@c15t/react";
import "@c15t/react/styles.css";
let make = React.createElement, at = document.body.appendChild(document.createElement("div"));
let options = { mode: "offline", overrides: { country: "FR", language: "en" } };
createRoot(at).render(make(ConsentManagerProvider, { options }, make(ConsentBanner), make(ConsentDialog)));
"""
"""c15t as its readme shows it, without a server of theirs; esbuild makes one script and one style sheet of it."""
FOLDER = ROOT / ".tests" / "visitor"
HOST = "www.callkom.localhost"
WORDS = (
    "<p>We build the phone integrations that let your team see who is calling, answer and keep the CRM.</p>"
)
STYLE = "<style>body{font:16px/1.5 sans-serif;margin:2em}</style>"

SLOW_4G = {
    "offline": False,
    "latency": 150,
    "downloadThroughput": 1_600_000 / 8,
    "uploadThroughput": 750_000 / 8,
}
SLOWER = 4

SERVICES = '[{name:"functional",title:"Functional",purposes:["functional"]},{name:"performance",title:"Performance",purposes:["performance"]}]'
PURPOSES = (
    '[{id:"functional",title:"Functional",cookies:[]},{id:"performance",title:"Performance",cookies:[]}]'
)
TOOLS = {
    "tarteaucitron": (
        (
            '<script src="/npm/tarteaucitronjs/tarteaucitron.min.js"></script><script>tarteaucitron.init({privacyUrl:"/p",'
            'orientation:"bottom",showIcon:false,DenyAllCta:true,AcceptAllCta:true,highPrivacy:true,mandatory:false});'
            '(tarteaucitron.job=tarteaucitron.job||[]).push("youtube")</script>'
        ),
        "#tarteaucitronAllDenied2",
        "#tarteaucitronAlertBig",
    ),
    "vanilla-cookieconsent": (
        (
            '<link rel="stylesheet" href="/npm/vanilla-cookieconsent/dist/cookieconsent.css">'
            '<script defer src="/npm/vanilla-cookieconsent/dist/cookieconsent.umd.js"></script><script>addEventListener('
            '"DOMContentLoaded",()=>CookieConsent.run({hideFromBots:false,categories:{necessary:{readOnly:true,enabled:true},functional:{},'
            'performance:{}},language:{default:"en",translations:{en:{consentModal:{title:"Cookies",description:"With your '
            'agreement only.",acceptAllBtn:"Accept all",acceptNecessaryBtn:"Refuse all",showPreferencesBtn:"Customize"},'
            'preferencesModal:{title:"Cookies",acceptAllBtn:"Accept all",acceptNecessaryBtn:"Refuse all",savePreferencesBtn:'
            '"Save",sections:[{title:"F",linkedCategory:"functional"},{title:"P",linkedCategory:"performance"}]}}}}}))</script>'
        ),
        "#cc-main [data-role=necessary]",
        "#cc-main .cm",
    ),
    "klaro": (
        (
            f'<script>window.klaroConfig={{privacyPolicy:"/p",lang:"en",services:{SERVICES}}}</script>'
            '<script defer src="/npm/klaro/dist/klaro.js"></script>'
        ),
        ".klaro .cn-decline",
        ".klaro .cookie-notice",
    ),
    "orejime": (
        (
            '<link rel="stylesheet" href="/npm/orejime/dist/orejime-standard.css">'
            f'<script>window.orejimeConfig={{privacyPolicyUrl:"/p",purposes:{PURPOSES}}}</script>'
            '<script defer src="/npm/orejime/dist/orejime-standard-en.js"></script>'
        ),
        ".orejime-Env button:nth-of-type(2), .orejime-Banner-declineButton",
        ".orejime-Banner",
    ),
    "c15t": (
        '<link rel="stylesheet" href="/npm/c15t.css"><script defer src="/npm/c15t.js"></script>',
        "[data-testid=consent-banner-reject-button]",
        "[data-testid=consent-banner-footer]",
    ),
}
"""What the manual puts into the head, the button that refuses, and the banner."""

OURS = ("", "#cc-b [value=refuse]", "#cc-b")

OBSERVE = """banner => {
  window.seen = { shift: 0, banner: 0, lcp: 0 };
  let look = time => {
    let box = document.querySelector(banner), at = box?.checkVisibility({ opacityProperty: true, visibilityProperty: true }) ? box.getBoundingClientRect() : 0;
    at.height && at.top < innerHeight ? seen.banner = time : requestAnimationFrame(look);
  };
  if (banner) requestAnimationFrame(look);
  new PerformanceObserver(list => list.getEntries().forEach(e => e.hadRecentInput ? 0 : seen.shift += e.value))
    .observe({ type: "layout-shift", buffered: true });
  new PerformanceObserver(list => list.getEntries().forEach(e => seen.lcp = e.element?.closest(".cc, " + (banner || ".cc")) ? 1 : 0))
    .observe({ type: "largest-contentful-paint", buffered: true });
}"""
TIMES = """() => {
  let load = performance.getEntriesByType("navigation")[0], sent = performance.getEntriesByType("resource");
  return { paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime || 0, load: load.loadEventStart,
    bytes: [load, ...sent].reduce((sum, e) => sum + e.transferSize, 0), requests: 1 + sent.length, shift: seen.shift, banner: seen.banner, lcp: seen.lcp }; }"""
GONE = """banner => new Promise(done => {
  let began;
  addEventListener("mouseup", () => began = performance.now(), { capture: true, once: true });
  let look = () => {
    let box = document.querySelector(banner), shown = box ? box.checkVisibility({ opacityProperty: true, visibilityProperty: true }) : false;
    let here = shown ? box.getBoundingClientRect() : 0;
    if (began ? !shown || here.top >= innerHeight || !here.height : false) return done(performance.now() - began);
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
  window.ready = 1;
})"""


EMBED = '<iframe src="https://calendly.com/callkom/{}" width="600" height="400"></iframe>'
EMBEDS = 12


def page_of(head: str = "", embeds: int = 0) -> bytes:
    """Return the page with a tool's lines in its head."""
    frames = [EMBED.format(number) for number in range(embeds)]
    body = "<h1>Your phone system</h1>" + WORDS * (40 - 3 * embeds)
    body += "".join(WORDS * 3 + frame for frame in frames)
    return f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Callkom</title>{STYLE}{head}</head><body>{body}</body></html>'.encode()


def packages() -> Path:
    """Return the folder of the tools, installed from npm once."""
    if not all((FOLDER / "node_modules" / name).is_dir() for name in PACKAGES):
        FOLDER.mkdir(parents=True, exist_ok=True)
        wanted = [f"{name}@{version}" for name, version in PACKAGES.items()]
        command = [
            "npm",
            "install",
            "--no-save",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--omit=peer",
        ]
        subprocess.run(
            [*command, "--legacy-peer-deps", *wanted],
            cwd=FOLDER,
            check=True,
            timeout=200,
            capture_output=True,
        )
    bundle(FOLDER)
    return FOLDER / "node_modules"


def bundle(folder: Path) -> None:
    """Make one script and one style sheet of c15t."""
    define = "--define:process.env.NODE_ENV='production'"
    (folder / "c15t.mjs").write_text(BUNDLED)
    command = [
        "node_modules/.bin/esbuild",
        "c15t.mjs",
        "--bundle",
        "--minify",
        define,
        "--outdir=node_modules",
    ]
    subprocess.run(command, cwd=folder, check=True, timeout=100, capture_output=True)


async def serve(tools: Path) -> asyncio.Server:
    """Serve the pages and the tools' files, gzipped, as an origin does."""
    types = {".js": b"text/javascript", ".css": b"text/css"}
    pages = {f"/{name}": page_of(head) for name, (head, _, _) in TOOLS.items()} | {
        "/plain": page_of(),
        "/embeds": page_of(embeds=EMBEDS),
    }

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                path = head.split(b" ", 2)[1].decode().partition("?")[0]
                file = tools / path.removeprefix("/npm/")
                known = path in pages or (path.startswith("/npm/") and file.is_file())
                body = gzip.compress((pages.get(path) or file.read_bytes()) if known else b"", 6)
                kind = types.get(Path(path).suffix, b"text/html; charset=utf-8")
                status = b"200 OK" if known else b"404 Not Found"
                writer.write(
                    b"HTTP/1.1 %b\r\nContent-Type: %b\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n"
                    % (status, kind, len(body))
                    + body
                )
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


async def proxied(origin: int, folder: Path) -> Worker:
    """Return the proxy before that origin, with the shipped rules."""
    text = (
        f'listen: 127.0.0.1:0\nsites:\n  - {{ hosts: [{HOST}], upstream: "http://127.0.0.1:{origin}" }}\n'
        "consent: { stands_for: callkom.io }\nlog: { requests: no, level: error }\n"
    )
    config = load_config(text, folder=folder)
    rules = load_policy((ROOT / "rules.yaml").read_text(), "rules.yaml", shipped_catalogue())
    worker = Worker(config, Policies.given(for_configured_hosts(rules, config)))
    await worker.start(admin=False)
    return worker


async def visit(
    browser: Browser,
    address: str,
    refuse: tuple[str, str] | None,
    *,
    again: bool = False,
    slower: int = SLOWER,
) -> dict[str, float]:
    """Return what one visitor saw; `again`: of the page after the refusal. Unthrottled the network is, too."""
    context = await browser.new_context(viewport={"width": 412, "height": 823})
    page = await context.new_page()
    banner = json.dumps(refuse[1] if refuse is not None and not again else "")
    await page.add_init_script(f"({OBSERVE})({banner})")
    if again and refuse is not None:
        await page.goto(address)
        await page.click(refuse[0])
        await page.wait_for_timeout(500)
    told = await context.new_cdp_session(page)
    await told.send("Network.enable")
    if slower > 1:
        await told.send("Network.emulateNetworkConditions", SLOW_4G)
        await told.send("Emulation.setCPUThrottlingRate", {"rate": slower})
    await told.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = await metric(told, "TaskDuration")
    await page.goto(address, wait_until="load")
    await page.wait_for_timeout(1000)
    found: dict[str, float] = await page.evaluate(TIMES)
    found["cpu"] = (await metric(told, "TaskDuration") - before) * 1000
    found["first"] = float(0 < found["banner"] <= found["paint"])
    await told.send("HeapProfiler.collectGarbage")
    found["heap"] = await metric(told, "JSHeapUsedSize") / 1e6
    if refuse is not None and not again and slower > 1:
        found["gone"] = await gone(page, refuse)
    await context.close()
    return found


async def metric(told, name: str) -> float:
    metrics = (await told.send("Performance.getMetrics"))["metrics"]
    return next(float(one["value"]) for one in metrics if one["name"] == name)


async def gone(page: Page, refuse: tuple[str, str]) -> float:
    await page.wait_for_selector(refuse[0], state="visible", timeout=15_000)
    waiting = asyncio.ensure_future(page.evaluate(GONE, refuse[1]))
    await page.wait_for_function("window.ready")
    await page.click(refuse[0])
    return float(await asyncio.wait_for(waiting, 15))


async def main(rounds: int) -> None:
    tools = packages()
    with tempfile.TemporaryDirectory() as folder:
        origin = await serve(tools)
        port = origin.sockets[0].getsockname()[1]
        worker = await proxied(port, Path(folder))
        ours = f"http://{HOST}:{worker.listeners[0].port}/plain"
        jobs: dict[str, tuple[str, tuple[str, str] | None, bool]] = {
            "without any tool": (f"http://{HOST}:{port}/plain", None, False),
            "this proxy, asking": (ours, OURS[1:], False),
            "this proxy, answered": (ours, OURS[1:], True),
            "12 embeds, asking": (ours.replace("plain", "embeds"), OURS[1:], False),
            "12 embeds, answered": (ours.replace("plain", "embeds"), OURS[1:], True),
        }
        unthrottled = dict(jobs)
        jobs |= {
            name: (f"http://{HOST}:{port}/{name}", (button, banner), False)
            for name, (_, button, banner) in TOOLS.items()
        }
        found: dict[str, list[dict[str, float]]] = {name: [] for name in jobs}
        fast: dict[str, list[float]] = {name: [] for name in unthrottled}
        async with async_playwright() as engine:
            path = shutil.which("chromium")
            browser = await engine.chromium.launch(executable_path=path, args=["--no-sandbox"])
            for _ in range(rounds):
                for name, (address, refuse, again) in jobs.items():
                    found[name].append(await visit(browser, address, refuse, again=again))
                    if name in fast:
                        seen = await visit(browser, address, refuse, again=again, slower=1)
                        fast[name].append(seen["cpu"])
            await browser.close()
        await worker.stop(0.5)
        origin.close()
    report(found)
    print("main thread, unthrottled, least, and over no tool:")
    base = min(fast["without any tool"])
    for name, times in fast.items():
        print(f"{name:<24}{min(times):>10.1f}{min(times) - base:>10.1f}")


def report(found: dict[str, list[dict[str, float]]]) -> None:
    base = {key: median(one[key] for one in found["without any tool"]) for key in ("paint", "load", "cpu")}
    heads = (
        "paint",
        "over",
        "load",
        "over",
        "cpu",
        "over",
        "gone",
        "first",
        "bytes",
        "requests",
        "heap",
        "shift",
        "lcp",
    )
    print(f"{'ms, medians':<24}" + "".join(f"{head:>10}" for head in heads))
    for name, rows in found.items():

        def middle(key: str, rows: list[dict[str, float]] = rows) -> float:
            return median(row[key] for row in rows)

        cells = [
            f"{value:>10.0f}"
            for key in ("paint", "load", "cpu")
            for value in (middle(key), middle(key) - base[key])
        ]
        cells.append(f"{middle('gone'):>10.0f}" if "gone" in rows[0] else f"{'':>10}")
        first = f"{sum(row['first'] for row in rows):.0f} of {len(rows)}" if "gone" in rows[0] else ""
        cells += [f"{first:>10}", f"{middle('bytes'):>10.0f}", f"{middle('requests'):>10.0f}"]
        cells += [f"{middle('heap'):>10.1f}", f"{middle('shift'):>10.3f}"]
        cells.append(f"{sum(row['lcp'] for row in rows):.0f} of {len(rows)}".rjust(10))
        print(f"{name:<24}" + "".join(cells))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    asyncio.run(main(parser.parse_args().rounds))
