"""Both heads on their way: what the upstream is asked, what the visitor is answered.

What no line here speaks of passes byte for byte, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from proxy.errors import UpstreamError
from proxy.filter.body.encoding import ask_upstream
from proxy.filter.headers.cookies import NEVER, judge_cookie, strip_cookie_header
from proxy.filter.headers.judged import (
    Headers,
    ask_whole,
    end_to_end,
    fault_in,
    judged_headers,
    translate_conditionals,
)
from proxy.filter.headers.sweep import names_of, outlived, sweep, swept
from proxy.filter.verdict import Does, Verdict
from proxy.http.forwarded import forwarded_headers
from proxy.http.header_names import ANSWERED, ASKED, CODING, CONNECTION, COOKIE, GONE, PASS, TRUSTED, is_plain
from proxy.http.max_forwards import one_hop_less
from proxy.http.request import TOKEN
from proxy.route.context import RequestContext
from proxy.telemetry.verdict_summary import Judgement

KEEP = Does.KEEP  # a global is found faster than a member
VIA = (b"Via", b"1.1 " + TOKEN)
_CONDITIONS = frozenset({b"if-none-match", b"if-modified-since", b"range", b"if-range"})


@dataclass(slots=True)
class UpstreamHead:
    """The request as the upstream gets it, and what was kept from it."""

    headers: Headers
    hidden: list[bytes] = field(default_factory=list)  # names of cookies it is not shown
    ours: bool = False  # a 304 to it speaks of a document of this variant


def asked(context: RequestContext) -> UpstreamHead:
    """Return the headers for the upstream: refused cookies hidden, our validators turned back."""
    request, site = context.request, context.site
    result = UpstreamHead([(b"Host", site.upstream_host or request.authority)])
    _walk(context, result)
    if not (site.observes or _CONDITIONS.isdisjoint(request.fields)):
        result.headers, result.ours = translate_conditionals(ask_whole(result.headers), context.tag)
    result.headers = one_hop_less(request, result.headers)
    result.headers += forwarded_headers(request.visitor, request.peer, request.authority)
    result.headers += (VIA, (b"X-Request-ID", request.id))
    return result


def _walk(context: RequestContext, result: UpstreamHead) -> None:
    """Add the visitor's own fields; where a site is only observed, each as it came."""
    request, observes = context.request, context.site.observes
    headers, known, out = request.headers, ASKED, result.headers
    said = request.fields.get(b"connection")
    if said is not None and not is_plain(said):
        headers = end_to_end(headers)
    for pair in headers:
        fate = known[pair[0]][1]
        if fate is PASS:
            out.append(pair)
        elif fate is COOKIE:
            shown = pair[1] if observes else _shown_cookies(pair[1], context, result)
            if shown:
                out.append((pair[0], shown))
        elif fate is CODING:
            # A document in a coding we cannot read could not be shown (T1).
            readable = pair[1] if observes else ask_upstream(pair[1])
            if readable is not None:
                out.append((pair[0], readable))
        elif fate is TRUSTED and context.snapshot.trust.believes(request.peer):
            out.append(pair)


def _shown_cookies(value: bytes, context: RequestContext, result: UpstreamHead) -> bytes:
    """Return a Cookie line without what was refused: it is not read either (SAN-2025-005)."""
    site, host = context.site, context.request.host
    shown, names = strip_cookie_header(site.cookies, value, host=host, grants=context.variant.grants)
    result.hidden += names
    return shown


def ask_identity(headers: Headers) -> Headers:
    """Return the headers of a second try that wants the body uncoded and whole."""
    gone = (b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since")
    return [*(pair for pair in headers if pair[0].lower() not in gone), (b"Accept-Encoding", b"identity")]


def judged(headers: Headers, context: RequestContext) -> tuple[Headers, list[Judgement]]:
    """Return an answer's headers without what was refused, and every verdict that was not keep.

    Values hold no control characters: answer.py takes no head with one.
    """
    out: Headers = []
    verdicts: list[Judgement] = []
    variant, known = context.variant, ANSWERED
    refused = variant.refused_headers
    for pair in headers:
        lower, fate = known[pair[0]]
        if fate is PASS and lower not in refused:
            out.append(pair)
        elif fate is COOKIE:
            _judge_cookie(pair, context, out, verdicts)
        elif fate is not GONE and not (fate is CONNECTION and is_plain((pair[1],))):
            return _judged_with_care(headers, context)
    return out, verdicts


def _judged_with_care(headers: Headers, context: RequestContext) -> tuple[Headers, list[Judgement]]:
    """Return the same for a head with fields that need more than a look at their names."""
    headers = end_to_end(headers)
    if fault := fault_in(headers):
        raise UpstreamError(f"its answer's {fault}")
    out: Headers = []
    verdicts: list[Judgement] = []
    for pair in headers:
        if pair[0].lower() == b"set-cookie":
            _judge_cookie(pair, context, out, verdicts)
        else:
            out.append(pair)
    variant = context.variant
    out, touched = judged_headers(out, variant.judge, variant.refused_headers)
    verdicts += [("header", Verdict(Does.DROP, note=name.decode("latin-1"))) for name in touched]
    return out, verdicts


def _judge_cookie(
    pair: tuple[bytes, bytes], context: RequestContext, out: Headers, verdicts: list[Judgement]
) -> None:
    """Judge one Set-Cookie line by itself, on whatever status it came (T18): as one like it, or anew."""
    request = context.request
    known = context.variant.cookies.verdict(pair[1], request.host)
    if known is not None:
        if known.does is KEEP:
            out.append(pair)
        else:
            verdicts.append(("cookie", known))
        return
    answer = context.decision.answer
    verdict, line = judge_cookie(
        context.site.cookies,
        pair[1],
        host=request.host,
        grants=context.variant.grants,
        now=request.now,
        since=answer.since if answer is not None else NEVER,
    )
    if verdict.does is not KEEP:
        verdicts.append(("cookie", verdict))
    if line is not None:
        out.append(pair if line is pair[1] else (pair[0], line))


def cleaning(context: RequestContext, hidden: list[bytes]) -> Headers:
    """Return the Set-Cookie lines that take away what may no longer be in the visitor's jar."""
    site, request, decision = context.site, context.request, context.decision
    if decision.withheld:
        return []
    host, secure, domain = request.host, request.visitor.secure, site.own.domain
    names = list(hidden)
    lines: list[bytes] = []
    cookies = b";".join(request.fields.get(b"cookie", ()))
    answer = decision.answer
    if answer is not None and decision.grants and (rows := outlived(site.cookies, answer, request.now)):
        names += names_of(site.cookies, rows, cookies, host)
        lines.append(site.cookie_line(request, swept(answer, request.now)))
    if names:
        lines += sweep(names, host=host, path=request.path, domain=domain, secure=secure)
    if context.reading.doubled:
        lines += site.expire_doubles(request)
        if answer is not None:
            lines.append(site.cookie_line(request, answer))
    return [(b"Set-Cookie", line) for line in lines]
