"""Both heads on their way: what the upstream is asked, what the visitor is answered.

What no line here speaks of passes byte for byte, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.errors import UpstreamError
from proxy.filter.codings import ask_upstream
from proxy.filter.cookies import NEVER, judge_cookie, strip_cookie_header
from proxy.filter.headers import (
    Headers,
    ask_whole,
    end_to_end,
    fault_in,
    judged_headers,
    translate_conditionals,
)
from proxy.filter.sweep import names_of, outlived, sweep, swept
from proxy.filter.verdict import Does, Verdict
from proxy.server.forwarded import forwarded_headers
from proxy.server.hops import one_hop_less
from proxy.server.names import ANSWERED, ASKED, CODING, CONNECTION, COOKIE, GONE, PASS, TRUSTED, is_plain
from proxy.server.passage import Passage
from proxy.server.said import Judgement
from proxy.server.visit import TOKEN

KEEP = Does.KEEP  # a global is found faster than a member
VIA = (b"Via", b"1.1 " + TOKEN)
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"range", b"if-range"})


@dataclass(slots=True)
class Asked:
    """The request as the upstream gets it, and what was kept from it."""

    headers: Headers
    hidden: list[bytes] = field(default_factory=list)  # names of cookies it is not shown
    ours: bool = False  # a 304 to it speaks of a document of this variant


def asked(passage: Passage) -> Asked:
    """Return the headers for the upstream: refused cookies hidden, our validators turned back."""
    visit, site = passage.visit, passage.site
    result = Asked([(b"Host", site.upstream_host or visit.authority)])
    _walk(passage, result)
    if not (site.observes or _CONDITIONS.isdisjoint(visit.fields)):
        result.headers, result.ours = translate_conditionals(ask_whole(result.headers), passage.tag)
    result.headers = one_hop_less(visit, result.headers)
    result.headers += forwarded_headers(visit.visitor, visit.peer, visit.authority)
    result.headers += (VIA, (b"X-Request-ID", visit.id))
    return result


def _walk(passage: Passage, result: Asked) -> None:
    """Add the visitor's own fields; where a site is only observed, each as it came."""
    visit, observes = passage.visit, passage.site.observes
    headers, known, out = visit.headers, ASKED, result.headers
    said = visit.fields.get(b"connection")
    if said is not None and not is_plain(said):
        headers = end_to_end(headers)
    for pair in headers:
        fate = known[pair[0]][1]
        if fate is PASS:
            out.append(pair)
        elif fate is COOKIE:
            shown = pair[1] if observes else _shown_cookies(pair[1], passage, result)
            if shown:
                out.append((pair[0], shown))
        elif fate is CODING:
            # A document in a coding we cannot read could not be shown (T1).
            readable = pair[1] if observes else ask_upstream(pair[1])
            if readable is not None:
                out.append((pair[0], readable))
        elif fate is TRUSTED and passage.house.trust.believes(visit.peer):
            out.append(pair)


def _shown_cookies(value: bytes, passage: Passage, result: Asked) -> bytes:
    """Return a Cookie line without what was refused: it is not read either (SAN-2025-005)."""
    site, host = passage.site, passage.visit.host
    shown, names = strip_cookie_header(site.cookies, value, host=host, grants=passage.variant.grants)
    result.hidden += names
    return shown


def ask_identity(headers: Headers) -> Headers:
    """Return the headers of a second try that wants the body uncoded and whole."""
    gone = (b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since")
    return [*(pair for pair in headers if pair[0].lower() not in gone), (b"Accept-Encoding", b"identity")]


def judged(headers: Headers, passage: Passage) -> tuple[Headers, list[Judgement]]:
    """Return an answer's headers without what was refused, and every verdict that was not keep.

    Values hold no control characters: answer.py takes no head with one.
    """
    out: Headers = []
    verdicts: list[Judgement] = []
    variant, known = passage.variant, ANSWERED
    refused, host = variant.refused_headers, passage.visit.host
    before = variant.cookies
    for pair in headers:
        lower, fate = known[pair[0]]
        if fate is PASS and lower not in refused:
            out.append(pair)
        elif fate is COOKIE:
            verdict = before.verdict(pair[1], host)
            if verdict is None:
                _judge_cookie(pair, passage, out, verdicts)
            elif verdict.does is KEEP:
                out.append(pair)
            else:
                verdicts.append(("cookie", verdict))
        elif fate is not GONE and not (fate is CONNECTION and is_plain((pair[1],))):
            return _judged_with_care(headers, passage)
    return out, verdicts


def _judged_with_care(headers: Headers, passage: Passage) -> tuple[Headers, list[Judgement]]:
    """Return the same for a head with fields that need more than a look at their names."""
    headers = end_to_end(headers)
    if fault := fault_in(headers):
        raise UpstreamError(f"its answer's {fault}")
    out: Headers = []
    verdicts: list[Judgement] = []
    for pair in headers:
        if pair[0].lower() == b"set-cookie":
            _judge_cookie(pair, passage, out, verdicts)
        else:
            out.append(pair)
    variant = passage.variant
    out, touched = judged_headers(out, variant.judge, variant.refused_headers)
    verdicts += [("header", Verdict(Does.DROP, note=name.decode("latin-1"))) for name in touched]
    return out, verdicts


def _judge_cookie(
    pair: tuple[bytes, bytes], passage: Passage, out: Headers, verdicts: list[Judgement]
) -> None:
    """Judge one Set-Cookie line by itself, on whatever status it came (T18)."""
    visit, answer = passage.visit, passage.decision.answer
    verdict, line = judge_cookie(
        passage.site.cookies,
        pair[1],
        host=visit.host,
        grants=passage.variant.grants,
        now=visit.now,
        since=answer.since if answer is not None else NEVER,
    )
    if verdict.does is not Does.KEEP:
        verdicts.append(("cookie", verdict))
    if line is not None:
        out.append(pair if line is pair[1] else (pair[0], line))


def cleaning(passage: Passage, hidden: list[bytes]) -> Headers:
    """Return the Set-Cookie lines that take away what may no longer be in the visitor's jar."""
    site, visit, decision = passage.site, passage.visit, passage.decision
    if decision.withheld:
        return []
    host, secure, domain = visit.host, visit.visitor.secure, site.own.domain
    names = list(hidden)
    lines: list[bytes] = []
    cookies = b";".join(visit.fields.get(b"cookie", ()))
    answer = decision.answer
    if answer is not None and decision.grants and (rows := outlived(site.cookies, answer, visit.now)):
        names += names_of(site.cookies, rows, cookies, host)
        lines.append(site.cookie_line(visit, swept(answer, visit.now)))
    if names:
        lines += sweep(names, host=host, path=visit.path, domain=domain, secure=secure)
    if passage.reading.doubled:
        lines += site.expire_doubles(visit)
        if answer is not None:
            lines.append(site.cookie_line(visit, answer))
    return [(b"Set-Cookie", line) for line in lines]
