"""What the scanner sees in a document, and how that compares with what a parser built of it."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from proxy.filter.cache import Cache
from proxy.filter.html import stream
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.judge import Judge, compile_rules, judge_for
from proxy.filter.rules.scan import steps
from proxy.filter.syntax.attributes import tag_name, values
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts

LOOKED_AT = {"script", "img", "iframe", "link"}

PASSES_WHOLE = steps._SHAPES | {"svg", "title"}
"""What is looked at only where a cut keeps a whole drawing or title from passing in one step."""

_HEAD = """
policy:
  version: 2026-11-01
  page: https://own.example/cookies
  privacy: https://own.example/privacy
  contact: privacy@own.example
  ask_again_after: 6 months
purposes:
  necessary: { basis: legitimate interest }
  performance: { basis: consent }
"""
OPEN = _HEAD + "undeclared: { cookies: keep, tags: keep }\nproviders: {}\n"
FIRING = (
    _HEAD
    + """
undeclared: { cookies: drop, tags: hold }
providers:
  evil:
    name: Evil
    tags:
      - { from: evil.example, purpose: performance }
      - { class: foo, purpose: performance, do: replace, link: "https://evil.example/" }
      - { text: "<img src", purpose: performance }
      - { attribute: { onclick: "*" }, purpose: performance }
"""
)


def judge_of(rules: str) -> Judge:
    """Return a judge for a visitor who granted nothing."""
    return judge_for(compile_rules(load_policy(rules), OwnHosts(frozenset({"own.example"}))), frozenset())


class Watched(Cache[bytes, object]):
    """A cache of judged tags that keeps none, so that every start tag is judged, and lists them all."""

    def __init__(self, seen: list[bytes]) -> None:
        super().__init__(limit=0, longest=0)
        self._seen = seen

    def store_repeated(self, key: bytes, value: object, size: int | None = None) -> None:
        self._seen.append(key)


def passing() -> Judge:
    """Return a judge who keeps everything and remembers nothing: every tag is looked at anew."""
    judge = judge_of(OPEN)
    judge.rules.steps = judge.rules.based_steps  # no address passes unasked
    return judge


def filtered(judge: Judge, document: bytes, cuts: tuple[int, ...] = ()) -> bytes:
    """Return the document filtered, fed in the pieces between these cuts."""
    run = HtmlFilter(judge)
    edges = (0, *cuts, len(document))
    return b"".join(run.feed(document[a:b]) for a, b in zip(edges, edges[1:], strict=False)) + run.close()


@contextmanager
def watched(judge: Judge, seen: list[bytes]) -> Iterator[None]:
    """Record every start tag that the scanner judges, behind a <base> too."""
    judge.tags = Watched(seen)
    of_based_pages, stream.Cache = stream.Cache, lambda **_: Watched(seen)
    try:
        yield
    finally:
        stream.Cache = of_based_pages


def _text(value: str) -> str:
    return (
        value.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\0", "\ufffd")
        .encode("utf-8", "replace")
        .decode()
    )


def element(raw: bytes) -> tuple | None:
    """Return (name, attributes) of a start tag that the oracle lists too."""
    name = tag_name(raw).decode("utf-8", "replace")
    name = "img" if name == "image" else name
    if name not in LOOKED_AT:
        return None
    return name, tuple(sorted((_text(n), _text(v)) for n, v in values(raw).items()))


def listed(elements: list) -> Counter:
    """Return the oracle's elements in the same form."""
    return Counter(
        (name, tuple(sorted((n.lower(), v) for n, v in attributes.items()))) for name, attributes in elements
    )


@dataclass
class Counts:
    """Counted in documents."""

    documents: int = 0
    missed_on: list[str] = field(default_factory=list)
    missed_off: list[str] = field(default_factory=list)
    phantom: int = 0
    not_identical: list[str] = field(default_factory=list)
    raised: list[str] = field(default_factory=list)
    split: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"documents {self.documents}  missed on {len(self.missed_on)}  missed off {len(self.missed_off)}"
            f"  phantom {self.phantom}  not identical {len(self.not_identical)}  raised {len(self.raised)}"
            f"  split failures {len(self.split)}"
        )


class Measure:
    """Compares the scanner with the oracle, document by document."""

    def __init__(self) -> None:
        self.counts = Counts()
        self._passing = passing()
        self._firing = judge_of(FIRING)

    def document(self, text: str, source: str, oracle: list) -> None:
        """Look at one document: what was seen, and whether it came out as it went in."""
        counts = self.counts
        counts.documents += 1
        raw = text.encode()
        seen: list[bytes] = []
        try:
            with watched(self._passing, seen):
                out = filtered(self._passing, raw)
        except Exception as error:
            counts.raised.append(f"{source}: {error!r}")
            return
        if out != raw:
            counts.not_identical.append(source)
        found = Counter(e for e in map(element, seen) if e is not None)
        on, off = listed(oracle[0]), listed(oracle[1])
        if on - found:
            counts.missed_on.append(source)
        if off - found:
            counts.missed_off.append(source)
        if found - (on | off):
            counts.phantom += 1

    def splits(self, text: str, source: str, every: int) -> None:
        """Cut one document in two at every so many bytes, and into single bytes."""
        raw = text.encode()
        for judge in (self._passing, self._firing):
            try:
                whole = self._seen(judge, raw)
                cuts = [(at,) for at in range(1, len(raw), every)] + [tuple(range(1, len(raw)))]
                bad = next((cut for cut in cuts if self._seen(judge, raw, cut) != whole), None)
            except Exception as error:
                self.counts.raised.append(f"{source} cut: {error!r}")
                return
            if bad is not None:
                self.counts.split.append(f"{source} at {bad[:3]}")
                return

    def _seen(self, judge: Judge, raw: bytes, cuts: tuple[int, ...] = ()) -> tuple[bytes, list[bytes]]:
        """Return the filtered document, and the tags that were looked at."""
        seen: list[bytes] = []
        if judge is not self._passing:  # it remembers tags: only what comes out can be compared
            return filtered(judge, raw, cuts), seen
        with watched(judge, seen):
            out = filtered(judge, raw, cuts)
        return out, [tag for tag in seen if tag_name(tag).decode("latin-1") not in PASSES_WHOLE]
