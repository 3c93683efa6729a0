"""Both heads on their way: what the upstream is asked, what the visitor is answered.

What no line here speaks of passes byte for byte, in its order.
"""

from __future__ import annotations

from dataclasses import dataclass

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
from proxy.server.forwarded import forwarded_headers, is_claim
from proxy.server.passage import Judgement, Passage
from proxy.server.sites import Site, Variant
from proxy.server.visit import TOKEN, Visit

VIA = (b"Via", b"1.1 " + TOKEN)
_OURS = frozenset({b"host", b"expect", b"x-request-id"})


@dataclass(slots=True)
class Asked:
    """The request as the upstream gets it, and what was kept from it."""

    headers: Headers
    hidden: tuple[bytes, ...] = ()  # names of cookies it is not shown
    ours: bool = False  # a 304 to it speaks of a document of this variant


def asked(passage: Passage) -> Asked:
    """Return the headers for the upstream: refused cookies hidden, our validators turned back."""
    visit, site = passage.visit, passage.site
    kept = [pair for pair in end_to_end(visit.headers) if not _is_ours(pair[0])]
    host = site.config.upstream_host
    headers: Headers = [(b"Host", host.encode() if host else visit.authority), *kept]
    result = Asked(headers)
    if not site.observes:
        _hide_cookies(result, visit, site, passage.variant)
        _ask_readable(result)
        translated = translate_conditionals(ask_whole(result.headers), passage.tag)
        result.headers, result.ours = translated
    result.headers += forwarded_headers(visit.visitor, visit.peer, visit.authority)
    result.headers += [VIA, (b"X-Request-ID", visit.id)]
    return result


def _is_ours(name: bytes) -> bool:
    return name.lower() in _OURS or is_claim(name)


def _hide_cookies(result: Asked, visit: Visit, site: Site, variant: Variant) -> None:
    """Take refused cookies out of the request: what was refused is not read either (SAN-2025-005)."""
    headers: Headers = []
    hidden: list[bytes] = []
    for name, value in result.headers:
        if name.lower() != b"cookie":
            headers.append((name, value))
            continue
        shown, names = strip_cookie_header(site.cookies, value, host=visit.host, grants=variant.grants)
        hidden += names
        if shown:
            headers.append((name, shown))
    result.headers, result.hidden = headers, tuple(hidden)


def _ask_readable(result: Asked) -> None:
    """Ask only for codings we can read: a document in any other could not be shown (T1)."""
    for at, (name, value) in enumerate(result.headers):
        if name.lower() == b"accept-encoding":
            readable = ask_upstream(value)
            if readable is None:
                del result.headers[at]
            elif readable != value:
                result.headers[at] = (name, readable)
            return


def ask_identity(headers: Headers) -> Headers:
    """Return the headers of a second try that wants the body uncoded and whole."""
    gone = (b"accept-encoding", b"range", b"if-range", b"if-none-match", b"if-modified-since")
    return [*(pair for pair in headers if pair[0].lower() not in gone), (b"Accept-Encoding", b"identity")]


def judged(headers: Headers, passage: Passage) -> tuple[Headers, list[Judgement]]:
    """Return an answer's headers without what was refused, and every verdict that was not keep."""
    headers = end_to_end(headers)
    if fault := fault_in(headers):
        raise UpstreamError(f"its answer's {fault}")
    headers, verdicts = judged_cookies(headers, passage)
    variant = passage.variant
    headers, touched = judged_headers(headers, variant.judge, variant.refused_headers)
    verdicts += [("header", Verdict(Does.DROP, note=name.decode("latin-1"))) for name in touched]
    return headers, verdicts


def judged_cookies(headers: Headers, passage: Passage) -> tuple[Headers, list[Judgement]]:
    """Return the headers with each Set-Cookie judged by itself, on whatever status it came (T18)."""
    out: Headers = []
    verdicts: list[Judgement] = []
    visit, answer = passage.visit, passage.decision.answer
    since = answer.since if answer is not None else NEVER
    for name, value in headers:
        if name.lower() != b"set-cookie":
            out.append((name, value))
            continue
        verdict, line = judge_cookie(
            passage.site.cookies,
            value,
            host=visit.host,
            grants=passage.variant.grants,
            now=visit.now,
            since=since,
        )
        if not verdict.keeps:
            verdicts.append(("cookie", verdict))
        if line is not None:
            out.append((name, line))
    return out, verdicts


def cleaning(passage: Passage, hidden: tuple[bytes, ...]) -> Headers:
    """Return the Set-Cookie lines that take away what may no longer be in the visitor's jar."""
    site, visit, decision = passage.site, passage.visit, passage.decision
    if decision.withheld:
        return []
    host, secure, domain = visit.host, visit.visitor.secure, site.own.domain
    names = list(hidden)
    lines: list[bytes] = []
    cookies = b";".join(visit.fields.get(b"cookie", ()))
    answer = decision.answer
    if answer is not None and (rows := outlived(site.cookies, answer, visit.now)):
        names += names_of(site.cookies, rows, cookies, host)
        lines.append(site.cookie_line(visit, swept(answer, visit.now)))
    if names:
        lines += sweep(names, host=host, path=visit.path, domain=domain, secure=secure)
    if passage.reading.doubled:
        lines += site.expire_doubles(visit)
        if answer is not None:
            lines.append(site.cookie_line(visit, answer))
    return [(b"Set-Cookie", line) for line in lines]
