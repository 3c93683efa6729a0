"""What offers.js costs a page that goes on changing: processor time in Chromium, as a ratio to the page without us.

    python -m bench.observing

2,000 insertions in tasks of their own, into documents of several sizes; as many changes of text and of attributes, which
bring no embed. Each kind with ours and without in turn, the cheapest of several rounds: other work can only add.
"""

import shutil

from playwright.sync_api import CDPSession, Page, sync_playwright

from tests.banner.stage import Stage, launched, serving

ROUNDS, CHANGES = 3, 2_000
WAYS = ("without", "granted", "refused")
"""The page alone, with guard and link, with offers, too."""
SIZES = (500, 20_000)
CHANGED = {
    "insertions": "list.insertAdjacentHTML('beforeend', '<li class=\"row\"><a href=\"/a\">Row</a> <span>text</span></li>')",
    "removals and insertions": "list.append(list.firstElementChild)",
    "texts": "list.firstElementChild.textContent = 'now ' + n",
    "attributes": "list.firstElementChild.className = 'row ' + n",
}
WORK = """n => new Promise(done => {
  let list = document.querySelector("ul"), port = new MessageChannel();
  port.port1.onmessage = () => { CHANGE; n-- > 0 ? port.port2.postMessage(0) : setTimeout(done, 300); };
  port.port2.postMessage(0);
})"""


def document(size: int) -> str:
    """Return a page of about that many elements, with a widget that is refused."""
    row = '<li class="row"><a href="/a">Row</a> <span>text</span></li>'
    widget = '<div class="calendly-inline-widget" data-url="https://calendly.com/callkom/30min"></div>'
    return Stage.page(body=f"<main>{widget}<ul>{row * (size // 3)}</ul></main>")


def seconds(page: Page, client: CDPSession, change: str) -> float:
    """Return how long the page's thread worked on that many changes."""

    def worked() -> float:
        told = client.send("Performance.getMetrics")["metrics"]
        return sum(metric["value"] for metric in told if metric["name"] == "TaskDuration")

    began = worked()
    page.evaluate(WORK.replace("CHANGE", change), CHANGES)
    return worked() - began


def main() -> None:
    """Print the table."""
    print(f"{'elements':>8}  {'2,000':26}" + "".join(f"{ours:>12}" for ours in WAYS) + "  ratios")
    with sync_playwright() as engine, serving() as stage:
        browser = launched(engine, str(shutil.which("chromium")))
        page = browser.new_page()
        client = page.context.new_cdp_session(page)
        client.send("Performance.enable", {"timeDomain": "threadTicks"})
        stage.answered = True
        for size in SIZES:
            stage.html = document(size)
            for kind, change in CHANGED.items():
                best = {}
                for _ in range(ROUNDS):
                    for ours in WAYS:
                        stage.raw = stage.html.encode() if ours == "without" else None
                        stage.granted = ("functional", "performance") if ours == "granted" else ()
                        page.goto(stage.origin)
                        page.wait_for_timeout(400)
                        spent = seconds(page, client, change)
                        best[ours] = min(best.get(ours, spent), spent)
                times = "".join(f"{best[ours] * 1000:10.0f}ms" for ours in WAYS)
                ratios = "".join(f"{best[ours] / best['without']:8.2f}" for ours in WAYS[1:])
                print(f"{size:8}  {kind:26}{times}{ratios}")
        browser.close()


if __name__ == "__main__":
    main()
