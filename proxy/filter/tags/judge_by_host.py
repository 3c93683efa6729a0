"""Fast path: start tags that their name and the host of their one address decide.

UNDECIDED where a rule needs more than that, or does more than hold: then start_tag.py
judges carefully.
"""

from __future__ import annotations

from proxy.filter.rules.judge import Judge
from proxy.filter.rules.judged_tag import ContentModel, JudgedTag
from proxy.filter.syntax import fetching_attributes
from proxy.filter.syntax.urls import Url
from proxy.filter.tags.document_context import DocumentContext
from proxy.filter.tags.tag_edits import hold_in_place
from proxy.filter.verdict import KEEP, Does, Verdict

UNDECIDED = JudgedTag("?")

_CONTENT_MODELS = {b"script": ContentModel.SCRIPT, b"iframe": ContentModel.RAW_TEXT}
_NAMES = {b"im": b"img", b"so": b"source", b"if": b"iframe", b"sc": b"script", b"li": b"link"}


def judged(context: DocumentContext, raw: bytes) -> JudgedTag | None:
    """Return the judged start tag, or UNDECIDED."""
    judge = context.judge
    rules = judge.rules
    pattern = rules.host_tag_patterns.get(raw[1:3])
    if pattern is None or context.xml:
        return UNDECIDED
    match = pattern.match(raw)
    if match is None or (rules.hostless_paths is not None and rules.hostless_paths.search(raw)):
        return UNDECIDED
    name = _NAMES[raw[1:3]]
    at, rel = match.start("asks"), b""
    if name == b"script":
        if raw.count(b"type=") > 1:
            return UNDECIDED
        at = max(match.start("type1"), match.start("type2"))
    elif name == b"link":
        if raw.count(b"rel=") > 1:
            return UNDECIDED
        rel = match["rel1"] or match["rel_1"] or match["rel2"] or match["rel_2"] or b""
    key = (name, match["host1"] or match["host2"], rel)
    verdict = judge.by_host[key] if key in judge.by_host else judge.by_host.store(key, _verdict(judge, *key))
    if verdict is None:
        return UNDECIDED
    content_model = _CONTENT_MODELS.get(name, ContentModel.NOTHING)
    if verdict.does is Does.KEEP:
        return None if content_model is ContentModel.NOTHING else JudgedTag(name.decode(), content_model)
    out = hold_in_place(raw, verdict, 1 + len(name), at, script=name == b"script")
    return JudgedTag(name.decode(), content_model, out, verdict)


def _verdict(judge: Judge, name: bytes, host: bytes, rel: bytes) -> Verdict | None:
    """Return the verdict for any address on this host, or None where it takes more."""
    element, url = name.decode(), Url(host.decode(), "/")
    rels = rel.decode("utf-8", "surrogateescape").lower().split()
    if element == "link" and fetching_attributes.FETCHING_LINKS.isdisjoint(rels):
        return KEEP
    for matcher in judge.rules.at_host(url.host).matching:
        if matcher.elements and element not in matcher.elements:
            continue
        if matcher.paths or matcher.ids or matcher.classes or matcher.attributes:
            return None
        verdict = judge.verdict_of(matcher)
        if not verdict.note:
            verdict = judge.verdict_with_note(matcher, f"{element} {url.host}")
        break
    else:
        verdict = judge.undeclared(url)
    if verdict.does is Does.HOLD and not fetching_attributes.WARNING_LINKS.isdisjoint(rels):
        return None  # its rel is renamed, too
    return verdict if verdict.does in (Does.KEEP, Does.HOLD) else None
