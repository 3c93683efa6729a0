"""Readers of strangers' bytes beside the page itself, each with inputs made to be expensive; for bench/hostile.py."""

from collections.abc import Callable

from proxy.banner.words import accepted
from proxy.consent.cookie import read_answers
from proxy.filter.body.encoding import ask_upstream, choose
from proxy.filter.headers.content_kind import body_kind, names_document
from proxy.filter.headers.cookies import CookieRules, judge_cookie, strip_cookie_header, values_of
from proxy.filter.headers.csp_admission import admit
from proxy.filter.headers.link_header import link_header, refresh_header, speculation_rules
from proxy.filter.headers.reporting import csp_reports, report_to, reporting_endpoints
from proxy.filter.headers.set_cookie import parse_date, parse_set_cookie
from proxy.filter.headers.sweep import sweep
from proxy.filter.html.scanner import HtmlFilter
from proxy.filter.rules.collection_requests import RequestRules, refused_request
from proxy.filter.rules.judge import compile_rules, judge_for
from proxy.filter.syntax.css import without_refused
from proxy.filter.syntax.json_blocks import speculates_off_site, without_refused_modules
from proxy.filter.syntax.urls import srcset_addresses, url_of
from proxy.own.browser_reports import read_reports
from proxy.policy.load import load_policy
from proxy.policy.own_hosts import OwnHosts
from proxy.policy.scope import scope_of
from tests.shared import ROOT

Reader = Callable[[bytes], object]
POLICY = load_policy((ROOT / "rules.yaml").read_text())
OWN = OwnHosts(frozenset({"callkom.io"}), "callkom.io")
RULES, COOKIES = compile_rules(POLICY, OWN), CookieRules(POLICY, OWN)
REQUESTS = RequestRules(POLICY)
JUDGE = judge_for(RULES, frozenset())
NOBODY: frozenset = frozenset()


def _set_cookie(line: bytes) -> object:
    return judge_cookie(COOKIES, line, host="callkom.io", grants=NOBODY, now=1_795_000_000)


def _cookies(line: bytes) -> object:
    _, hidden = strip_cookie_header(COOKIES, line, host="callkom.io", grants=NOBODY)
    return sweep(hidden, host="callkom.io", path=b"/a/b", domain="callkom.io", secure=True)


def _answers(line: bytes) -> object:
    return read_answers(values_of(line, "consent_callkom"), [b"k" * 32], scope_of(POLICY), now=1_795_000_000)


def _reports(body: bytes) -> object:
    return read_reports(body, RULES, COOKIES)


def _xml(inside: bytes) -> object:
    page = HtmlFilter(JUDGE, xml=True)
    return page.feed(b"<!DOCTYPE x [" + inside) + page.close()


def _text_of_xml(text: bytes) -> object:
    page = HtmlFilter(JUDGE, xml=True)
    return page.feed(b"<x>" + text) + page.close()


def _refuses(address: str) -> bool:
    return address.startswith("x")


READERS: dict[str, tuple[Reader, tuple[bytes, ...]]] = {
    "Set-Cookie": (_set_cookie, (b"_ga=1;", b"a=1; max-age=", b"a=1; expires=Mon ", b"=", b"a;Domain=.", b"\t ")),
    "its attributes": (parse_set_cookie, (b"a=b; Path=/ ;", b";;;=", b"; =; ")),
    "its date": (lambda text: parse_date(text.decode("latin-1")), (b"1 ", b"Jan 1 00:00:", b"999")),
    "Cookie": (_cookies, (b"_ga=1; ", b"_ga", b"a%d=1;", b"__hstc=a;", b"; =")),
    "the answers in it": (_answers, (b"consent_callkom=AA; ", b"consent_callkom=" + b"A" * 40 + b";")),
    "Link": (lambda value: link_header(value, JUDGE), (b"<//a.example>;rel=preload,", b"<", b'";a="', b';a="\\')),
    "Refresh": (lambda value: refresh_header(value, JUDGE), (b" ", b"0", b" ;url= ", b"url=", b"0 ,")),
    "Speculation-Rules": (lambda value: speculation_rules(value, JUDGE), (b'"/a",', b'"\\', b", ")),
    "Content-Security-Policy": (lambda value: admit([value], ["sha256-a"]), (b"script-src 'self';", b" ;", b"default-src a,", b"'nonce-")),
    "its reports": (lambda value: csp_reports(value, JUDGE), (b"report-uri //a.example ", b"report-uri ", b";  ")),
    "Reporting-Endpoints": (lambda value: reporting_endpoints(value, JUDGE), (b'a="//b.example",', b'="', b'\\"')),
    "Report-To": (lambda value: report_to(value, JUDGE), (b'{"endpoints":[{"url":"//a.example"}]},', b"{", b'{"', b"[{")),
    "Accept-Encoding": (lambda value: (choose(value), ask_upstream(value)), (b"gzip;q=0.1,", b"br ;q", b", ;")),
    "an XML doctype": (_xml, (b"<!--", b"<?", b"<!ENTITY a '", b"<")),
    "XML with no names": (_text_of_xml, (b"<>", b"< ", b"</>x", b"<&")),
    "Accept-Language": (lambda value: accepted(value, ("en", "fr")), (b"a-", b"-", b"en;q=0.1,", b" ,")),
    "the first bytes": (lambda first: (body_kind([], nosniff=False, dest=None, first=first, disposition=None), names_document(first)), (b"<!--", b"<?", b" ", b"<!doctype ", b"\xef\xbb\xbf")),
    "an address": (lambda text: url_of(text.decode("latin-1")), (b"/", b"//a", b"%2f", b"@", b"..")),
    "a target": (lambda target: refused_request(REQUESTS, "callkom.io", b"/" + target, NOBODY), (b"/g/", b"/gtm.js?", b"%2f", b"collect", b"//")),
    "srcset": (lambda text: srcset_addresses(text.decode("latin-1")), (b"a 1x,", b"a (", b", ", b"(,)")),
    "CSS": (lambda text: without_refused(text.decode("latin-1"), _refuses), (b"url(", b"@import ", b"/*", b"\\", b"a{b:url('x", b'"')),
    "an import map": (lambda text: without_refused_modules(text, _refuses), (b':"\\', b'{"a":"b",', b': "')),
    "rules of speculation": (lambda text: speculates_off_site(text, _refuses), (b'{"a":', b"[", b'{"prefetch":[{"urls":["/"]}],')),
    "reports": (_reports, (b'[{"type":"csp-violation","body":{"blockedURL":"https://a.example/"}},', b"[", b'{"csp-report":{"blocked-uri":"https://a.example', b'{"cookies":{"a')),
}  # fmt: skip
"""By what is read: the reader, and the pieces of which its inputs consist."""
