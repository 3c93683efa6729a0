"""In which document something stands, and what may be asked from there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.filter.rules.judge import Judge
from proxy.filter.syntax import css
from proxy.filter.syntax.urls import url_of
from proxy.filter.tags.injection import Injector
from proxy.filter.verdict import Verdict


@dataclass(slots=True)
class Reader:
    """What a tag or text is judged with: the judge, and the document around it."""

    judge: Judge
    base: str = ""  # host of a `<base href>` on a third party
    xml: bool = False
    depth: int = 0  # documents around this one
    entities: dict[str, str] = field(default_factory=dict)
    is_based: bool = False  # a <base href> was seen: the first one counts
    inject: Injector | None = None  # for placeholders inside srcdoc
    nested: Callable[[Reader, bytes, bool], tuple[bytes, list[Verdict]]] | None = None

    def refuses(self, address: str, element: str, refused: list[Verdict]) -> bool:
        """True when that element may not ask this address; the verdict is noted."""
        url = url_of(address, self.base)
        if url is None:
            return False
        verdict = self.judge.judge_url(url, element)
        if not verdict.keeps:
            refused.append(verdict)
        return not verdict.keeps

    def without_refused(self, style: str, refused: list[Verdict]) -> str:
        """Return a style sheet that asks nobody it may not ask; the verdicts are noted."""
        hosts = css.hosts_in(style)
        rules = self.judge.rules
        if (
            hosts is not None
            and not self.base
            and all(rules.leaves_alone(host, style) for host in (*hosts, ""))
        ):
            return style
        return css.without_refused(style, lambda address: self.refuses(address, "style", refused))

    def document(self, inside: bytes, *, xml: bool) -> tuple[bytes, list[Verdict]]:
        """Return a document inside an attribute filtered, and what was refused in it."""
        return self.nested(self, inside, xml) if self.nested is not None else (inside, [])
