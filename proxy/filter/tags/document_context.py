"""The document a tag is in: its <base>, depth and entities, and what may be requested from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.filter.rules.judge import Judge
from proxy.filter.syntax import css
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.injection import Injector
from proxy.filter.verdict import Verdict


@dataclass(slots=True)
class DocumentContext:
    """What a tag or text is judged with: the judge, and facts of its document."""

    judge: Judge
    base: str = ""  # host of a `<base href>` on a third party
    xml: bool = False
    depth: int = 0  # how many documents this one is nested in
    entities: dict[str, str] = field(default_factory=dict)
    is_based: bool = False  # a <base href> was seen: the first one counts
    inject: Injector | None = None  # for placeholders inside srcdoc
    nested: Callable[[DocumentContext, bytes, bool], tuple[bytes, list[Verdict]]] | None = None

    def refuses(self, address: str, element: str, refused: list[Verdict]) -> bool:
        """True when that element may not load this address; appends the verdict."""
        url = url_of(address, self.base)
        if url is None:
            return False
        verdict = self.judge.judge_url(url, element)
        if not verdict.keeps:
            refused.append(verdict)
        return not verdict.keeps

    def without_refused(self, style: str, refused: list[Verdict]) -> str:
        """Return a style sheet without refused addresses; appends their verdicts."""
        hosts = css.hosts_in(style)
        rules = self.judge.rules
        if (
            hosts is not None
            and not self.base
            and all(rules.passes_everywhere(host, style) for host in (*hosts, ""))
        ):
            return style
        return css.without_refused(style, lambda address: self.refuses(address, "style", refused))

    def filtered_document(self, inside: bytes, *, xml: bool) -> tuple[bytes, list[Verdict]]:
        """Return a document inside an attribute, filtered, and what was refused in it."""
        return self.nested(self, inside, xml) if self.nested is not None else (inside, [])
