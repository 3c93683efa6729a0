"""What the form relay asks and lets back: the list in rules.yaml and not a byte beyond it (T45)."""

import contextlib
import ssl

import pytest
import trustme

from tests.support.origin import Origin, ok
from tests.support.proxying import RULES, proxying

HOST = "forms.hsforms.net"
RELAY = RULES + (
    "    relay: { host: [forms.hsforms.net, js.hsforms.net], path: ['/forms/*', '/submit'], max_body: 1 kB, per_minute: 50 }\n"
)
FRAME = ("Sec-Fetch-Site: cross-site", "Origin: null")
LEAKS = (
    "Cookie: consent_callkom=1; hubspotutk=2", "Authorization: Basic eA==", "Referer: https://callkom.io/secret", "User-Agent: Mozilla",
    "X-Forwarded-For: 1.2.3.4", "Forwarded: for=1.2.3.4", "CF-Connecting-IP: 1.2.3.4", "X-Real-IP: 1.2.3.4", "Accept-Language: fr",
    "X-Custom: 1", "Via: 1.1 x",
)  # fmt: skip


@contextlib.asynccontextmanager
async def relaying(folder, answers, rules=RELAY):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(HOST, "js.hsforms.net").configure_cert(tls)
    async with Origin() as site, Origin(answers, tls=tls) as provider:
        at = provider.url.removeprefix("https://")
        more = f"relay: {{ resolve: {{ {HOST}: '{at}', js.hsforms.net: '{at}' }}, ca: ca.pem }}"
        async with proxying(site.url, folder=folder, rules=rules, more=more) as proxy:
            yield proxy, provider
            assert site.seen == [], "nothing under our path ever reaches the site"


async def test_a_form_is_asked_for_with_nothing_of_the_visitors(tmp_path):
    script = ok(
        b"hello()",
        b"Content-Type: text/javascript",
        b"Set-Cookie: _cfuvid=1; Domain=.hsforms.net",
        b"Server: x",
    )
    async with relaying(tmp_path, {b"/forms/v2.js?x=1": script}) as (proxy, provider):
        got = await proxy.ask(f"/.consent/relay/{HOST}/forms/v2.js?x=1", *FRAME, *LEAKS)
        seen = provider.seen[0]

    assert got.status == 200
    assert got.body == b"hello()"
    assert dict(seen.headers) == {
        b"Host": HOST.encode(),
        b"Accept-Encoding": b"identity",
        b"Accept": b"*/*",
        b"User-Agent": b"consent-proxy",
    }
    assert got.all(b"Set-Cookie") == []
    assert got.all(b"Server") == []
    assert got.one(b"Access-Control-Allow-Origin") == b"*"
    assert got.one(b"X-Content-Type-Options") == b"nosniff"
    assert got.one(b"Content-Security-Policy").startswith(
        b"sandbox allow-scripts allow-forms; default-src 'self'"
    )
    assert got.one(b"Cache-Control") == b"private, max-age=300"


async def test_what_is_sent_arrives_and_its_answer_is_kept_by_nobody(tmp_path):
    async with relaying(tmp_path, {b"/submit": ok(b"thanks", b"Content-Type: text/html")}) as (
        proxy,
        provider,
    ):
        got = await proxy.ask(
            f"/.consent/relay/{HOST}/submit",
            *FRAME,
            "Content-Type: application/json",
            method="POST",
            body=b'{"a":1}',
        )
        seen = provider.seen[0]

    assert (seen.method, seen.body, seen.get(b"Content-Type")) == (b"POST", b'{"a":1}', [b"application/json"])
    assert (got.status, got.body, got.one(b"Cache-Control")) == (200, b"thanks", b"no-store")


async def test_a_rule_may_pass_on_what_a_provider_insists_on(tmp_path):
    rules = RELAY.replace("per_minute: 50", "per_minute: 50, pass_on: [Referer, User-Agent]")
    async with relaying(tmp_path, {}, rules) as (proxy, provider):
        await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *FRAME, *LEAKS)
        seen = provider.seen[0]

    assert seen.get(b"Referer") == [b"https://callkom.io/secret"]
    assert seen.get(b"User-Agent") == [b"Mozilla"]
    assert seen.get(b"Cookie") == seen.get(b"Origin") == []


@pytest.mark.parametrize(
    "target",
    [
        "evil.example/forms/a", "127.0.0.1/forms/a", "sub.forms.hsforms.net/forms/a", "hsforms.net/forms/a", "FORMS.hsforms.net/forms/a",
        "forms.hsforms.net:443/forms/a", "forms.hsforms.net@evil.example/forms/a", "forms.hsforms.net%2eevil.example/forms/a",
        "forms.hsforms.net", "forms.hsforms.net/", "forms.hsforms.net/other", "forms.hsforms.net/submit/x",
        "forms.hsforms.net/forms/../other", "forms.hsforms.net/forms/%2e%2e/other", "forms.hsforms.net/forms/%252e%252e/other",
        "forms.hsforms.net/forms/..%2fother", "forms.hsforms.net/forms/..\\other", "forms.hsforms.net/forms/..;/..;/other", "forms.hsforms.net/forms/%2e.;a=b/other", "forms.hsforms.net/forms//evil.example/",
        "forms.hsforms.net/forms/a%00", "forms.hsforms.net/forms/a%0d%0aX:1", "//evil.example/forms/a", "https://forms.hsforms.net/forms/a", "",
    ],
)  # fmt: skip
async def test_what_is_not_on_the_list_is_never_asked_for(tmp_path, target):
    async with relaying(tmp_path, {}) as (proxy, provider):
        got = await proxy.ask(f"/.consent/relay/{target}", *FRAME)
        assert provider.seen == []

    assert got.status == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "PATCH"])
async def test_only_the_methods_of_the_rule(tmp_path, method):
    async with relaying(tmp_path, {}) as (proxy, provider):
        got = await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *FRAME, method=method)
        assert provider.seen == []

    assert got.status == 405


@pytest.mark.parametrize(
    "headers",
    [
        ("Sec-Fetch-Site: same-origin",), ("Sec-Fetch-Site: same-site",), ("Sec-Fetch-Site: none", "Sec-Fetch-Dest: document"),
        ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"), ("Sec-Fetch-Site: cross-site", "Origin: https://evil.example"),
        ("Origin: https://callkom.io",),
    ],
)  # fmt: skip
async def test_only_a_frame_without_an_origin_may_ask(tmp_path, headers):
    async with relaying(tmp_path, {}) as (proxy, provider):
        got = await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *headers)
        assert provider.seen == []

    assert got.status == 403


async def test_a_browser_that_asks_first_is_answered_here(tmp_path):
    async with relaying(tmp_path, {}) as (proxy, provider):
        got = await proxy.ask(
            f"/.consent/relay/{HOST}/submit", *FRAME, "Access-Control-Request-Method: POST", method="OPTIONS"
        )
        assert provider.seen == []

    assert got.status == 204
    assert got.one(b"Access-Control-Allow-Methods") == b"GET, POST"
    assert got.all(b"Access-Control-Allow-Credentials") == []


async def test_what_is_too_large_is_refused_before_it_leaves(tmp_path):
    async with relaying(tmp_path, {}) as (proxy, provider):
        got = await proxy.ask(f"/.consent/relay/{HOST}/submit", *FRAME, method="POST", body=b"x" * 1001)
        assert provider.seen == []

    assert got.status == 413


async def test_too_many_are_refused(tmp_path):
    rules = RELAY.replace("per_minute: 50", "per_minute: 3")
    async with relaying(tmp_path, {}, rules) as (proxy, provider):
        found = [(await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *FRAME)).status for _ in range(4)]
        assert len(provider.seen) == 3

    assert found == [200, 200, 200, 429]


def moved(where: bytes) -> bytes:
    return ok(b"", b"Location: " + where, status=b"302 Found")


@pytest.mark.parametrize(
    ("where", "onward"),
    [
        (b"/forms/b?x=1", b"/.consent/relay/forms.hsforms.net/forms/b?x=1"),
        (b"https://js.hsforms.net/forms/c", b"/.consent/relay/js.hsforms.net/forms/c"),
    ],
)
async def test_a_redirect_on_the_list_leads_through_us_again(tmp_path, where, onward):
    async with relaying(tmp_path, {b"/forms/a": moved(where)}) as (proxy, _):
        got = await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *FRAME)

    assert (got.status, got.one(b"Location")) == (302, onward)


@pytest.mark.parametrize(
    "where",
    [b"https://evil.example/forms/a", b"http://js.hsforms.net/forms/a", b"//js.hsforms.net/other", b"/other", b"forms/a", b"", b"https://js.hsforms.net:1/forms/a"],
)  # fmt: skip
async def test_a_redirect_off_the_list_ends_here(tmp_path, where):
    async with relaying(tmp_path, {b"/forms/a": moved(where)}) as (proxy, provider):
        got = await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *FRAME)
        assert len(provider.seen) == 1

    assert got.status == 502
    assert got.all(b"Location") == []


async def test_a_provider_that_cannot_be_reached_is_said_so_without_its_address(tmp_path):
    more = f"relay: {{ resolve: {{ {HOST}: '127.0.0.1:1' }} }}"
    async with Origin() as site, proxying(site.url, folder=tmp_path, rules=RELAY, more=more) as proxy:
        got = await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *FRAME)
        logged = proxy.records("form_relay_failed")

    assert (got.status, got.body) == (502, b"not available\n")
    assert len(logged) == 1


async def test_a_form_sent_in_vain_is_told_in_its_frame_in_the_visitors_language(tmp_path):
    """A plain `not available` in place of what somebody had filled in says nothing to them."""
    down = f"relay: {{ resolve: {{ {HOST}: '127.0.0.1:1' }} }}"
    into = (*FRAME, "Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate", "Accept-Language: fr")
    async with Origin() as site, proxying(site.url, folder=tmp_path, rules=RELAY, more=down) as proxy:
        got = await proxy.ask(f"/.consent/relay/{HOST}/submit", *into, method="POST", body=b"name=Ada")

    assert got.status == 502
    assert got.one(b"Content-Type") == b"text/html; charset=utf-8"
    assert got.body.decode().count("Ce formulaire est injoignable") == 2, "its title, and once to be read"
    assert b"default-src 'none'" in got.one(b"Content-Security-Policy")
    assert HOST.encode() not in got.body


async def test_without_a_relay_in_the_rules_there_is_none(tmp_path):
    async with Origin() as site, proxying(site.url, folder=tmp_path) as proxy:
        got = await proxy.ask(f"/.consent/relay/{HOST}/forms/a", *FRAME)

    assert got.status == 404


async def test_each_site_relays_what_its_own_rules_allow(tmp_path):
    (tmp_path / "fr.yaml").write_text(RELAY)
    async with Origin() as site:
        more = (
            f"  - {{ hosts: example.fr, upstream: '{site.url}', rules: fr.yaml }}\n"
            f"relay: {{ resolve: {{ {HOST}: '127.0.0.1:1' }} }}"
        )
        async with proxying(site.url, folder=tmp_path, more=more, files=True) as proxy:
            told = [
                await proxy.ask(f"/.consent/relay/{HOST}/forms/v2.js", *FRAME, host=host)
                for host in ("callkom.io", "example.fr")
            ]

    assert [got.status for got in told] == [404, 502]
