"""What all providers of the catalogue in use cost a page, over eight of them: CPU, interleaved in one run.

    python -m bench.catalogue

`new`: pages of which no tag was seen before; `again`: the same page again and again.
"""

import re
import statistics
import time

from bench.pages import page
from proxy.catalogue.shipped import providers, shipped_catalogue
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts

EIGHT = (
    "hubspot",
    "calendly",
    "google-analytics",
    "google-tag-manager",
    "stripe",
    "youtube",
    "google-maps",
    "clarity",
)
HEAD = """\
policy: { version: 1, page: "https://example.com/c", privacy: "https://example.com/p", contact: x@example.com, ask_again_after: 6 months }
purposes:
  necessary: { basis: legitimate interest }
  functional: { basis: consent }
  performance: { basis: consent }
  social: { basis: consent }
  marketing: { basis: consent }
"""
ROUNDS, PAGES = 15, 40


def judge_of(*names: str) -> Judge:
    """Return the judge of a visitor who refused, with these providers in use."""
    policy = load_policy(f"{HEAD}use: [{', '.join(names)}]\n", catalogue=shipped_catalogue())
    return judge_for(compile_rules(policy, OwnHosts(frozenset({"example.com"}), "example.com")), frozenset())


def another(raw: bytes, number: int) -> bytes:
    """Return a page like that one, every tag of which is new."""
    return re.sub(rb"<([a-z0-9]+)(?=[ >])", rb"<\1 data-n=%d" % number, raw)


def seconds(judge: Judge, pages: list[bytes]) -> float:
    """Return the CPU that filtering these pages takes."""
    began = time.process_time()
    for raw in pages:
        html = HtmlFilter(judge)
        html.feed(raw)
        html.close()
    return time.process_time() - began


def main() -> None:
    raw = page(15_000)
    few, all_ = judge_of(*EIGHT), judge_of(*providers())
    for kind in ("new", "again"):
        ratios = []
        for turn in range(ROUNDS):
            pages = [another(raw, turn * PAGES + n) if kind == "new" else raw for n in range(PAGES)]
            pair = {judge: seconds(judge, pages) for judge in ((few, all_) if turn % 2 else (all_, few))}
            ratios.append(pair[all_] / pair[few])
        print(
            f"{kind}: {len(providers())} providers cost {statistics.median(ratios):.2f} x what {len(EIGHT)} do"
        )


if __name__ == "__main__":
    main()
