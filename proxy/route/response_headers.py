"""The head of the response that the visitor gets.

What no line here speaks of passes byte for byte, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass

from proxy.filter.body.body_filter import BodyFilter
from proxy.filter.headers.cache_headers import depending
from proxy.filter.headers.cookies import NO_GRANT_DAYS, judge_cookie
from proxy.filter.headers.fields import Headers
from proxy.filter.headers.judged_headers import end_to_end, judged_headers
from proxy.filter.headers.presumption import Occasion, returns_from_sign_in
from proxy.filter.headers.sweep import names_of, outlived, sweep, swept
from proxy.filter.verdict import Does, Verdict
from proxy.http.header_names import CONNECTION, COOKIE, GONE, PASS, RESPONSE_FIELDS, is_plain
from proxy.route.context import RequestContext
from proxy.telemetry.metrics import Judgement

KEEP = Does.KEEP  # a global is found faster than a member


def judged(headers: Headers, context: RequestContext) -> tuple[Headers, list[Judgement]]:
    """Return a response's headers without what was refused, and every verdict that was not keep.

    Only fields that decide what a browser makes of a body may hold a control character
    (http/upstream/parser.py); a page with such a policy is refused where it is composed.
    """
    out: Headers = []
    verdicts: list[Judgement] = []
    variant, known = context.variant, RESPONSE_FIELDS
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


def without_refused_cookies(headers: Headers, context: RequestContext) -> Headers:
    """Return the headers of a site that is switched off: all but the cookies that some rule refuses."""
    return [
        pair
        for pair in end_to_end(headers)
        if pair[0].lower() != b"set-cookie" or not _is_refused(pair[1], context)
    ]


def _is_refused(line: bytes, context: RequestContext) -> bool:
    request = context.request
    context.snapshot.sightings.note_set_cookie(
        context.site.name, request.host, line, request.path, request.now
    )
    verdict, _ = judge_cookie(
        context.site.cookies, line, host=request.host, grants=context.variant.grants, now=request.now,
    )  # fmt: skip
    if verdict.does is not Does.DROP or verdict.provider is None:
        return False
    context.verdicts.append(("cookie", verdict))
    return True


def _judged_with_care(headers: Headers, context: RequestContext) -> tuple[Headers, list[Judgement]]:
    """Return the same for a head with fields that need more than a look at their names."""
    headers = end_to_end(headers)
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
    context.snapshot.sightings.note_set_cookie(
        context.site.name, request.host, pair[1], request.path, request.now
    )
    known = context.variant.cookies.verdict(pair[1], request.host)
    if known is not None:
        if known.does is KEEP:
            out.append(pair)
        else:
            _note_cookie(pair[1], known, context, verdicts)
        return
    answer = context.decision.answer
    verdict, line = judge_cookie(
        context.site.cookies,
        pair[1],
        host=request.host,
        grants=context.variant.grants,
        now=request.now,
        since=answer.since if answer is not None else NO_GRANT_DAYS,
        occasion=_occasion(context),
    )
    _note_cookie(pair[1], verdict, context, verdicts)
    if line is not None:
        out.append(pair if line is pair[1] else (pair[0], line))


def _occasion(context: RequestContext) -> Occasion:
    """Return what of the request speaks for a sign-in."""
    request = context.request
    return Occasion(
        posted=request.method == b"POST",
        returned=returns_from_sign_in(
            request.path,
            request.query,
            site=request.first(b"sec-fetch-site"),
            mode=request.first(b"sec-fetch-mode"),
        ),
        cookies=tuple(request.fields.get(b"cookie", ())),
    )


def _note_cookie(line: bytes, verdict: Verdict, context: RequestContext, verdicts: list[Judgement]) -> None:
    """Record a verdict: what was presumed once by name, what the response to a POST lost each time."""
    if verdict.presumed:
        context.note_presumed(line)
    if verdict.does is KEEP:
        return
    verdicts.append(("cookie", verdict))
    if verdict.does is Does.DROP and context.request.method == b"POST":
        context.warn_of_drop(line, verdict)


def expired_cookies(context: RequestContext, hidden: list[bytes]) -> Headers:
    """Return the Set-Cookie lines that take away what may no longer be in the visitor's jar."""
    site, request, decision = context.site, context.request, context.decision
    if decision.withheld:
        return []
    host, secure, domain = request.host, request.visitor.secure, site.own.domain
    names = list(hidden)
    lines: list[bytes] = []
    cookies = b";".join(request.fields.get(b"cookie", ()))
    # in no cookie of ours yet, or set by with_taken_answer
    unset = decision.is_due or context.taken is not None
    answer = None if unset else decision.answer
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


def with_taken_answer(headers: Headers, context: RequestContext) -> Headers:
    """Return the headers with our cookie where another tool's answer was taken: for one visitor alone."""
    if context.taken is None:
        return headers
    line = context.site.cookie_line(context.request, context.taken)
    return [*depending(headers, b"Cookie"), (b"Set-Cookie", line)]


@dataclass(slots=True)
class VisitorResponse:
    """A response as the visitor gets it."""

    headers: Headers
    body: BodyFilter
