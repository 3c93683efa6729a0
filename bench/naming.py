"""What naming costs: a request in microseconds, a page in per cent, and a flood of invented names.

    python -m bench.naming

Paired in one process: the same page with and without naming, in turns.
"""

import asyncio
import tempfile
import time
from pathlib import Path

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.filter.body.body_filter import document_filter
from proxy.filter.headers.content_kind import BodyKind
from proxy.policy.load import load_policy
from proxy.records.store import RecordStore
from proxy.seen.names import Kind
from proxy.seen.seen_store import MOST, SeenStore
from proxy.seen.sightings import Key, Report, Seen, Sightings
from proxy.snapshot.sites import build_sites
from proxy.telemetry.metrics import summary_of_tags

ROOT = Path(__file__).resolve().parents[1]
CONFIG = "listen: 127.0.0.1:0\nsites:\n  - { hosts: [callkom.io], upstream: 'http://127.0.0.1:1' }\n"
COOKIES = b"; ".join(b"name_%d=value" % n for n in range(20))
NOW = 1_795_435_200


def page(number: int) -> bytes:
    tags = b"".join(b"<p>Some words of a page like any other, number %d.</p>" % n for n in range(200))
    strangers = b"".join(
        b'<script src="https://cdn%d-%d.vendor.example/a.js"></script>' % (n, number) for n in range(10)
    )
    return (
        b"<!doctype html><html><head><title>x</title>"
        + strangers
        + b"</head><body>"
        + tags
        + b"</body></html>"
    )


def requests(turns: int = 20_000) -> float:
    """Return microseconds of one page request: its tags, a Set-Cookie line, twenty sent cookies."""
    site = build_sites(
        load_config(CONFIG),
        Policies.given(load_policy((ROOT / "rules.yaml").read_text(), catalogue=shipped_catalogue())),
        (b"k" * 32,),
        NOW,
    ).all[0]
    judging = document_filter(
        sort=BodyKind.HTML, content_type=b"text/html", content_encoding=b"", response_coding=None,
        judge=site.variant(frozenset(), secure=True).judge, inject=None,
    )  # fmt: skip
    judging.whole(page(0))
    said, sightings, best = summary_of_tags(tuple(judging.verdicts)), Sightings(b"key"), []
    for _ in range(15):
        began = time.process_time()
        for turn in range(turns):
            if turn % 2_000 == 0:
                sightings.take(NOW)  # as after five seconds of 400 pages each
            sightings.note_tags("site", said, b"/shop")
            sightings.note_set_cookie("site", "callkom.io", b"sid=1; HttpOnly", b"/shop", NOW)
            sightings.note_sent_cookies("site", COOKIES, b"/shop")
        best.append((time.process_time() - began) / turns * 1e6)
        sightings.take(NOW)
    return min(best)


def pages(count: int = 60) -> float:
    """Return how much longer pages never seen before take with naming, in per cent (best of six each, in turns)."""
    policy = load_policy((ROOT / "rules.yaml").read_text(), catalogue=shipped_catalogue())
    judge = (
        build_sites(load_config(CONFIG), Policies.given(policy), (b"k" * 32,), NOW)
        .all[0]
        .variant(frozenset(), secure=True)
        .judge
    )
    sums = {False: 0.0, True: 0.0}
    for number in range(count):
        raw = page(number)
        best = {False: 9.0, True: 9.0}
        for turn in range(12):
            naming = bool(turn % 2)
            sightings = Sightings(b"key")
            judge.empty_caches()
            began = time.process_time()
            read = document_filter(
                sort=BodyKind.HTML, content_type=b"text/html", content_encoding=b"", response_coding=None,
                judge=judge, inject=None,
            )  # fmt: skip
            read.whole(raw)
            summary = summary_of_tags(list(read.verdicts))
            if naming:
                sightings.note_tags("site", summary, b"/shop")
                sightings.note_sent_cookies("site", COOKIES, b"/shop")
            best[naming] = min(best[naming], time.process_time() - began)
        for naming, taken in best.items():
            sums[naming] += taken
    return (sums[True] / sums[False] - 1) * 100


async def flood(count: int = 100_000) -> tuple[int, int, float]:
    """Return the names kept of a flood, how many of thirty known ones are left, and megabytes on the disk."""
    with tempfile.TemporaryDirectory() as folder:
        store = await RecordStore.open(f"sqlite:///{folder}/proofs.db", keys=[b"k" * 32])
        kept, sightings = SeenStore(store.database), Sightings(b"key")
        known = {
            Key("site", Kind.HOST, f"known{n}.example"): Seen(NOW - 9000, NOW - 9000, 1, by_us=True)
            for n in range(30)
        }
        await kept.add(known)
        for number in range(count):
            report = Report(Kind.HOST, f"x{number}.flood.example", "script", path=f"/p{number}")
            sightings.report("site", [report], f"{number // 40}", NOW + number // 1000)
            if number % 1500 == 1499:
                await kept.add(sightings.take(NOW))
        await kept.add(sightings.take(NOW))
        found = await kept.all()
        await store.database.scrub()
        await store.close()
        size = sum(path.stat().st_size for path in Path(folder).iterdir()) / 1e6
    return len(found), len(known.keys() & found.keys()), size


if __name__ == "__main__":
    print(f"a page request: {requests():.2f} us")
    print(f"a page never seen: {pages():+.1f} %")
    names, left, megabytes = asyncio.run(flood())
    print(
        f"100,000 invented names: {names} kept (at most {MOST}), {left} of 30 known left, {megabytes:.2f} MB"
    )
