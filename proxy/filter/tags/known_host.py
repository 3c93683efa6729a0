"""Tags judged by their name and the host of their one address: the usual case, told quickly.

Where a rule asks for more than that, or does more than hold, the answer is UNSURE, and
`tags` decides the same at length.
"""

from __future__ import annotations

from proxy.filter.rules.compiled import MOST_KNOWN
from proxy.filter.rules.judge import Judge
from proxy.filter.rules.judged_tag import Follow, JudgedTag
from proxy.filter.syntax import fetching_attributes
from proxy.filter.syntax.urls import Url
from proxy.filter.tags.document_context import Reader
from proxy.filter.tags.tag_edits import held_at_once
from proxy.filter.verdict import KEEP, Does, Verdict

UNSURE = JudgedTag("?")

_FOLLOWS = {b"script": Follow.SCRIPT, b"iframe": Follow.RAW_TEXT}
_NAMES = {b"im": b"img", b"so": b"source", b"if": b"iframe", b"sc": b"script", b"li": b"link"}


def judged(reader: Reader, raw: bytes) -> JudgedTag | None:
    """Return what becomes of this start tag, if its name and one host tell."""
    judge = reader.judge
    rules = judge.rules
    pattern = rules.hosted.get(raw[1:3])
    if pattern is None or reader.xml:
        return UNSURE
    match = pattern.match(raw)
    if match is None or (rules.roams is not None and rules.roams.search(raw)):
        return UNSURE
    name = _NAMES[raw[1:3]]
    at, rel = match.start("asks"), b""
    if name == b"script":
        if raw.count(b"type=") > 1:
            return UNSURE
        at = max(match.start("type1"), match.start("type2"))
    elif name == b"link":
        if raw.count(b"rel=") > 1:
            return UNSURE
        rel = match["rel1"] or match["rel_1"] or match["rel2"] or match["rel_2"] or b""
    key = (name, match["host1"] or match["host2"], rel)
    if key in judge.hosted:
        verdict = judge.hosted[key]
    else:
        if len(judge.hosted) > MOST_KNOWN:
            judge.hosted.clear()
        verdict = judge.hosted[key] = _verdict(judge, *key)
    if verdict is None:
        return UNSURE
    follow = _FOLLOWS.get(name, Follow.NOTHING)
    if verdict.does is Does.KEEP:
        return None if follow is Follow.NOTHING else JudgedTag(name.decode(), follow)
    out = held_at_once(raw, verdict, 1 + len(name), at, script=name == b"script")
    return JudgedTag(name.decode(), follow, out, verdict)


def _verdict(judge: Judge, name: bytes, host: bytes, rel: bytes) -> Verdict | None:
    """Return what happens to such a tag with any address on this host; None where more has to be known."""
    element, url = name.decode(), Url(host.decode(), "/")
    if element == "link" and fetching_attributes.FETCHING_LINKS.isdisjoint(
        rel.decode("utf-8", "surrogateescape").lower().split()
    ):
        return KEEP
    for matcher in judge.rules.at(url.host).reaching:
        if matcher.elements and element not in matcher.elements:
            continue
        if matcher.paths or matcher.ids or matcher.classes or matcher.attributes:
            return None
        verdict = judge.verdict_of(matcher)
        if not verdict.note:
            verdict = judge.noted(matcher, f"{element} {url.host}")
        break
    else:
        verdict = judge.undeclared(url)
    return verdict if verdict.does in (Does.KEEP, Does.HOLD) else None
