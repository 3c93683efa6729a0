"""What we add to a page, in bytes: the demo's own pages and the shared corpus, in every state, by part.

    python -m bench.weight

`added` is a page as it leaves less the same page filtered and not dressed, raw and under gzip -9. The parts are
each by itself in an otherwise empty page; compressed together they are less. Nothing here is timed.

The last table compares what leaves, in each coding, with what an origin sends of the same page in gzip -6: at first
sight in blocks, and once it is sent often (`+` more, `-` fewer bytes).
"""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from proxy.banner.render import Renderer
from proxy.catalogue.shipped import shipped_catalogue
from proxy.consent.answer import Answer
from proxy.consent.decision import Decision, decide
from proxy.demo.site import PAGES, page_html
from proxy.filter.body.encoding import encoder, smallest
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of

ROOT = Path(__file__).resolve().parents[1]
CORPUS = ROOT.parent / "shared" / "corpus"
NOW, HALF_A_YEAR = 1_795_000_000, 180 * 86_400
STATES = {
    "first visit": None,
    "refused": (),
    "performance": ("performance",),
    "all": ("functional", "performance"),
}
EMPTY = b'<!doctype html><html lang="en"><head><title>x</title></head><body><p>x</p></body></html>'


class Scales:
    """Weighs what one policy adds to pages."""

    def __init__(self) -> None:
        self.policy = load_policy((ROOT / "rules.yaml").read_text(), "rules.yaml", shipped_catalogue())
        self.own = OwnHosts(frozenset({"callkom.io", "app.callkom.io"}), "callkom.io")
        self.renderer = Renderer(self.policy, own=self.own)
        self.rules = compile_rules(self.policy, self.own)

    def decision(self, state: str) -> Decision:
        granted, scope = STATES[state], scope_of(self.policy)
        since = dict.fromkeys(granted or (), NOW // 86_400 - 2)
        answer = (
            None if granted is None else Answer("v" * 16, NOW - 86_400, frozenset(granted), scope, "1", since)
        )
        return decide(scope, answer, now=NOW, ask_again_after=HALF_A_YEAR)

    def page(self, page: bytes, state: str, *, dressed: bool = True) -> bytes:
        """Return a page as it leaves."""
        decision = self.decision(state)
        inject = self.renderer.injector(decision, back="/", accept=b"en") if dressed else None
        run = HtmlFilter(judge_for(self.rules, decision.grants), inject=inject)
        return run.feed(page) + run.close()

    def added(self, page: bytes, state: str) -> tuple[int, int, int]:
        """Return the bytes added, raw and compressed, and the number of placeholders in the page."""
        bare, ours = self.page(page, state, dressed=False), self.page(page, state)
        return len(ours) - len(bare), zipped(ours) - zipped(bare), ours.count(b'class="cc ph')

    def parts(self, state: str) -> dict[str, str]:
        """Return what is put into an empty page, by part."""
        text = self.page(EMPTY, state).decode()
        inline = re.search(r"<style>.*?</style>", text)
        scripts = re.findall(r"<script.*?</script>|<link [^>]*>", text)
        return {
            "style": inline[0] if inline else "",
            "script": "".join(scripts),
            "banner": "".join(re.findall(r"<section id=.*?</section>", text, re.DOTALL)),
            "foot": text.partition('<nav id="cc-l"')[2],
        }

    def files(self, state: str) -> dict[str, bytes]:
        """Return the files that such pages name."""
        decision = self.decision(state)
        names = [path.rpartition("/")[2] for path in self.renderer.files(decision)]
        return {name: self.renderer.file(name, decision).body for name in names}


def zipped(data: bytes) -> int:
    return len(gzip.compress(data, 9, mtime=0))


def demo() -> Iterator[tuple[str, bytes]]:
    """Yield the demo's pages."""
    for language, pages in PAGES.items():
        for page in pages:
            yield f"{page}.{language}", page_html(language, page).encode()


def corpus() -> Iterator[tuple[str, bytes]]:
    """Yield the complete pages of the shared corpus that are HTML in an ASCII-compatible charset."""
    if not CORPUS.exists():
        return
    for page in json.loads((CORPUS / "manifest.json").read_text())["pages"]:
        data = (CORPUS / page["file"]).read_bytes()
        if b"<html" in data[:2000].lower() and "utf16" not in page["file"] and "amp" not in page["file"]:
            yield page["file"], data


def against_origin(scales: Scales, pages: list[bytes]) -> None:
    """Print by how much pages are larger or smaller than the origin's gzip -6."""
    print(
        f"\n{'state':<13}{'coding':<8}{'at first':>9}{'bytes':>8}{'most':>8}{'often sent':>12}{'bytes':>8}{'most':>8}"
    )
    for state in STATES:
        sent = [scales.page(page, state) for page in pages]
        for coding in (b"zstd", b"br", b"gzip"):
            cells = ""
            for code in (lambda data, c=coding: in_blocks(c, data), lambda data, c=coding: smallest(c, data)):
                more = [
                    len(code(ours)) - len(gzip.compress(page, 6, mtime=0))
                    for page, ours in zip(pages, sent, strict=True)
                ]
                share = sum(more) / sum(len(gzip.compress(page, 6, mtime=0)) for page in pages)
                cells += f"{share:>+9.1%}{median(more):>+8.0f}{max(more):>+8}   "
            print(f"{state:<13}{coding.decode():<8}{cells}")


def in_blocks(coding: bytes, data: bytes) -> bytes:
    """Return a page as it leaves at first sight, read from the origin in pieces of 64 kB."""
    write = encoder(coding)
    return b"".join(write.add(data[at : at + 65_536]) for at in range(0, len(data), 65_536)) + write.close()


def main() -> None:
    scales = Scales()
    print(
        f"{'pages':<8}{'state':<13}{'placeholders':<14}{'pages':>6}{'raw':>8}{'gzip':>7}{'most':>7}   bytes added, median"
    )
    for kind, pages in (("demo", list(demo())), ("corpus", list(corpus()))):
        for state in STATES:
            found = [scales.added(data, state) for _, data in pages]
            for some in (False, True):
                rows = [row for row in found if bool(row[2]) == some]
                if rows:
                    raw, small, most = (
                        median(r[0] for r in rows),
                        median(r[1] for r in rows),
                        max(r[1] for r in rows),
                    )
                    print(
                        f"{kind:<8}{state:<13}{'some' if some else 'none':<14}{len(rows):>6}{raw:>8.0f}{small:>7.0f}{most:>7}"
                    )
    print()
    for state in STATES:
        parts = {
            name: (len(text), zipped(EMPTY + text.encode()) - zipped(EMPTY))
            for name, text in scales.parts(state).items()
        }
        print(f"{state:<13}", "  ".join(f"{name} {raw}/{small}" for name, (raw, small) in parts.items()))
        for name, body in scales.files(state).items():
            print(f"{'':<13} file {name}: {len(body)}/{zipped(body)}")
    against_origin(
        scales, [data for _, data in corpus() if 4_000 < len(data) < 400_000] or [d for _, d in demo()]
    )


if __name__ == "__main__":
    main()
