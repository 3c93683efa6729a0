"""Once, always, and relayed forms: what a placeholder's controls post and what frames show."""

from urllib.parse import urlencode

import pytest

from proxy.consent.answer import How
from proxy.demo.rules import demo_rules
from proxy.errors import RecordsError
from proxy.package_files import bundled
from tests.own.test_addresses import SAME, choose, cookie_of, records
from tests.support.origin import Origin, html
from tests.support.proxying import proxying

SHIPPED = bundled("rules.yaml").read_text()
JSON = "Accept: application/json"
PAGE = "frame+https://calendly.com/callkom/30min"
ONCE = f"choice=once&provider=calendly&embed={PAGE}".encode()
IN_FRAME = ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Mode: navigate")
FORM = "/.consent/form?provider=hubspot&embed=form+eu1+1+a-2"


def running(origin, folder, rules=SHIPPED):
    return proxying(origin.url, folder=folder, rules=rules)


async def frame_of(proxy, *headers):
    got = await choose(proxy, ONCE, SAME, JSON, *headers)
    assert got.status == 200, got.body
    return got.json["frame"]


async def test_once_is_recorded_and_changes_no_answer(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await choose(proxy, ONCE + b"&language=fr", SAME, JSON)
        kept = (await records(proxy))[0].content

    assert got.all(b"Set-Cookie") == []
    assert got.json["receipt"]["how"] == "once"
    assert (kept.how, kept.provider, kept.language) == (How.ONCE, "calendly", "fr")
    assert kept.granted == ()


async def test_once_leaves_a_standing_answer_in_its_proof(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        consent = (
            cookie_of(await choose(proxy, b"choice=save&purpose=performance", SAME)).split(b";")[0].decode()
        )
        await frame_of(proxy, f"Cookie: {consent}")
        kept = [one.content for one in await records(proxy)]

    once = next(one for one in kept if one.how is How.ONCE)
    saved = next(one for one in kept if one.how is How.SAVE)
    assert once.visitor == saved.visitor
    assert once.granted == ("performance",)


async def test_once_is_recorded_behind_the_answer_given_a_moment_before_it(tmp_path):
    """A proof that would count whole seconds stood before an answer given within the same one."""
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=refuse", SAME)).split(b";")[0].decode()
        await frame_of(proxy, f"Cookie: {consent}")
        answer, once = sorted(await records(proxy), key=lambda one: one.position)

    assert answer.time <= once.time
    assert answer.id < once.id
    assert (answer.content.how, once.content.how) == (How.REFUSE, How.ONCE)
    assert once.content.previous == answer.id


async def test_the_frame_shows_that_page_and_opens_its_provider_alone(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await proxy.ask(await frame_of(proxy), *IN_FRAME)
        assert origin.seen == []

    policy = got.one(b"Content-Security-Policy").decode()
    assert got.status == 200
    assert b'<iframe src="https://calendly.com/callkom/30min" title="Content from Calendly"' in got.body
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'self'" in policy
    assert "calendly.com" in policy
    assert not any(other in policy for other in ("hubspot", "hsforms", "stripe", "google", "jsdelivr"))
    assert b"<script" not in got.body
    assert got.one(b"Cache-Control") == b"no-store"


async def test_a_form_once_is_sandboxed_with_its_providers_script(tmp_path):
    body = b"choice=once&provider=hubspot&embed=form+eu1+1+a-2"
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        frame = (await choose(proxy, body, SAME, JSON)).json["frame"]
        got = await proxy.ask(frame, *IN_FRAME)

    policy = got.one(b"Content-Security-Policy").decode()
    assert b'<script src="https://js-eu1.hsforms.net/forms/embed/v2.js">' in got.body
    assert b'"portalId": "1", "formId": "a-2"' in got.body
    assert got.body.index(b"localStorage") < got.body.index(b"js-eu1.hsforms.net/forms")
    assert "sandbox allow-scripts allow-forms" in policy
    assert "allow-same-origin" not in policy
    assert "hsforms.net" in policy
    assert not any(other in policy for other in ("calendly", "hs-scripts", "stripe", "google"))


@pytest.mark.parametrize(
    "headers",
    [
        ("Sec-Fetch-Site: none", "Sec-Fetch-Dest: document"), ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: document"),
        ("Sec-Fetch-Site: same-origin", "Sec-Fetch-Dest: document"), ("Sec-Fetch-Site: cross-site", "Sec-Fetch-Dest: iframe"),
        ("Sec-Fetch-Site: same-site", "Sec-Fetch-Dest: iframe"), (), ("Referer: https://evil.example/",), ("Referer: http://callkom.io.evil.example/",),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rules", [SHIPPED, demo_rules(SHIPPED)], ids=["once", "relayed"])
async def test_only_a_page_of_this_host_opens_the_frame(tmp_path, headers, rules):
    async with Origin() as origin, running(origin, tmp_path, rules) as proxy:
        frame = await frame_of(proxy) if rules == SHIPPED else FORM
        got = await proxy.ask(frame, *headers)

    assert got.status == 403
    assert b"calendly.com" not in got.body
    assert b"hsforms" not in got.body
    assert b"reload" in got.body.lower()


async def test_a_browser_that_does_not_say_where_it_comes_from_is_known_by_its_page(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await proxy.ask(await frame_of(proxy), "Referer: http://callkom.io/booking")

    assert got.status == 200


async def test_a_ticket_opens_nothing_on_another_host_nor_when_it_was_changed(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        frame = await frame_of(proxy)
        other = await proxy.ask(frame, *IN_FRAME, host="app.callkom.io")
        changed = await proxy.ask(frame.replace("ticket=", "ticket=A"), *IN_FRAME)
        without = await proxy.ask("/.consent/embed", *IN_FRAME)

    assert [other.status, changed.status, without.status] == [403, 403, 403]


@pytest.mark.parametrize(
    "body",
    [
        b"choice=once", b"choice=once&provider=calendly", b"choice=once&embed=" + PAGE.encode(), b"choice=once&provider=nobody&embed=" + PAGE.encode(),
        b"choice=once&provider=hubspot&embed=" + PAGE.encode(), b"choice=once&provider=calendly&embed=frame+https://evil.example/",
        b"choice=once&provider=calendly&embed=frame+javascript:alert(1)",
    ],
)  # fmt: skip
async def test_what_no_placeholder_offers_is_not_shown(tmp_path, body):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await choose(proxy, body, SAME, JSON)
        assert await records(proxy) == []

    assert got.status == 400


@pytest.mark.parametrize("site", ["cross-site", "none"])
async def test_only_a_page_of_the_sites_may_agree(tmp_path, site):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await choose(proxy, ONCE, f"Sec-Fetch-Site: {site}", JSON)
        assert await records(proxy) == []

    assert got.status == 403


async def test_what_cannot_be_proven_is_not_shown(tmp_path, monkeypatch):
    async def broken(_):
        raise RecordsError("no")

    async with Origin() as origin, running(origin, tmp_path) as proxy:
        monkeypatch.setattr(proxy.server.snapshot.store, "add", broken)
        got = await choose(proxy, ONCE, SAME, JSON)

    assert got.status == 503
    assert "frame" not in got.json


async def test_agreeing_over_and_over_meets_the_limit(tmp_path):
    more = "trusted_proxies: 127.0.0.0/8\nconsent: { acceptances_per_minute: 2 }"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, rules=SHIPPED, more=more) as proxy:
        found = [(await choose(proxy, ONCE, SAME, JSON, "X-Forwarded-For: 1.2.3.4")).status for _ in range(3)]

    assert found == [200, 200, 429]


async def test_always_adds_its_purpose_to_what_stands_and_names_its_provider(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        consent = (
            cookie_of(await choose(proxy, b"choice=save&purpose=performance", SAME)).split(b";")[0].decode()
        )
        body = b"choice=placeholder&purpose=functional&provider=calendly&language=en"
        got = await choose(proxy, body, SAME, JSON, f"Cookie: {consent}")
        kept = next(one.content for one in await records(proxy) if one.content.how is How.PLACEHOLDER)

    assert got.json["granted"] == ["functional", "performance"]
    assert kept.provider == "calendly"


async def test_always_asks_nothing_about_providers_it_did_not_name(tmp_path):
    """A provider that joined `performance` since the answer stays unasked when `functional` is always allowed."""
    before = SHIPPED.replace(
        "  cloudflare-web-analytics:\n    name: Cloudflare Web Analytics\n",
        "  cloudflare-web-analytics:\n    name: Cloudflare Web Analytics\n    enabled: no\n",
    )
    assert before != SHIPPED
    async with Origin() as origin:
        async with running(origin, tmp_path, before) as proxy:
            consent = (
                cookie_of(await choose(proxy, b"choice=save&purpose=performance", SAME))
                .split(b";")[0]
                .decode()
            )
        async with running(origin, tmp_path) as proxy:
            body = b"choice=placeholder&purpose=functional&provider=calendly"
            got = await choose(proxy, body, SAME, JSON, f"Cookie: {consent}")

    assert got.json["granted"] == ["functional", "performance"]
    assert got.json["ask"] == "new"


async def test_a_relayed_form_stands_in_a_sandbox_that_reaches_us_alone(tmp_path):
    async with Origin() as origin, running(origin, tmp_path, demo_rules(SHIPPED)) as proxy:
        got = await proxy.ask(FORM, *IN_FRAME)
        new = await proxy.ask(FORM.replace("form+eu1", "new-form+eu1"), *IN_FRAME)

    assert got.one(b"Content-Security-Policy") == (
        b"default-src 'self' 'unsafe-inline' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'self'; "
        b"sandbox allow-scripts allow-forms"
    )
    assert b'<script src="/.consent/relay/js-eu1.hsforms.net/forms/embed/v2.js">' in got.body
    assert b'<script src="/.consent/relay/js-eu1.hsforms.net/forms/embed/1.js" defer="">' in new.body
    assert b"https://js" not in got.body + new.body


@pytest.mark.parametrize(
    "query", ["provider=hubspot&embed=form+eu1+1+<2>", "provider=calendly&embed=form+eu1+1+2", "provider=hubspot&embed=frame+https://forms.hubspot.com/", ""]
)  # fmt: skip
async def test_only_forms_of_a_provider_with_a_relay_are_relayed(tmp_path, query):
    async with Origin() as origin, running(origin, tmp_path, demo_rules(SHIPPED)) as proxy:
        got = await proxy.ask(f"/.consent/form?{query}", *IN_FRAME)

    assert got.status == 403


async def test_without_a_relay_in_the_rules_no_form_is_relayed(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        assert (await proxy.ask(FORM, *IN_FRAME)).status == 403


@pytest.mark.parametrize(("rules", "relayed"), [(SHIPPED, False), (demo_rules(SHIPPED), True)])
async def test_the_page_carries_the_relayed_form_where_its_rule_says_so(tmp_path, rules, relayed):
    page = b'<!doctype html><html lang=en><body><script>hbspt.forms.create({region:"eu1",portalId:"1",formId:"a-2"})</script></body></html>'
    async with Origin({b"/": html(page)}) as origin, running(origin, tmp_path, rules) as proxy:
        got = await proxy.ask("/")
        framed = await proxy.ask("/", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: same-origin")

    frame = b'<iframe src="/.consent/form?provider=hubspot&amp;embed=form+eu1+1+a-2&amp;language=en"'
    assert (frame in got.body) is relayed
    assert (b"data-cc-once=" in got.body) is not relayed
    assert b"data-cc-once=" not in framed.body, "no script of ours runs there"


async def test_a_frame_that_a_script_made_gets_its_placeholder_in_the_pages_language(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await proxy.ask("/.consent/offer?address=https://calendly.com/c%3Fa%3D1%26b%3D2&language=fr-CA")

    assert got.one(b"Content-Type") == b"text/plain; charset=utf-8"
    assert got.one(b"X-Content-Type-Options") == b"nosniff"
    assert b'href="https://calendly.com/c?a=1&amp;b=2"' in got.body
    assert b'data-cc-once="frame https://calendly.com/c?a=1&amp;b=2"' in got.body
    assert b'lang="fr"' in got.body


@pytest.mark.parametrize(
    "query", ["", "address=https://evil.example/", "address=javascript:alert(1)", "address=https://calendly.com/%22%3E%3Cscript%3E", "address=%ff", "x", "embed=form+eu1+1+<2>", "embed=frame+https://evil.example/", "embed=quote+https://x.com/a/status/1"]
)  # fmt: skip
async def test_nothing_is_offered_for_frames_of_nobody_we_know(tmp_path, query):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await proxy.ask(f"/.consent/offer?{query}")

    assert (got.status, got.body) == (204, b"")


@pytest.mark.parametrize(("rules", "relayed"), [(SHIPPED, False), (demo_rules(SHIPPED), True)])
async def test_a_form_that_a_script_asks_for_is_offered_as_on_any_page(tmp_path, rules, relayed):
    async with Origin() as origin, running(origin, tmp_path, rules) as proxy:
        got = await proxy.ask("/.consent/offer?embed=form+eu1+1+a-2&language=fr")

    assert got.status == 200
    assert b"Contenu de HubSpot" in got.body
    assert (b'data-cc-once="form eu1 1 a-2"' in got.body) is not relayed
    assert (b"/.consent/form?provider=hubspot" in got.body) is relayed
    assert b"https://js" not in got.body, "the provider's script is no page to open"


@pytest.mark.parametrize(
    ("said", "once", "relayed"),
    [
        ("", True, True),
        ("without=once", False, True),
        ("without=frames", False, False),
        ("policy=frame-src+https://calendly.com", False, False),
        ("policy=connect-src+'none'", False, True),
        ("policy=default-src+'self',+img-src+'none'", True, True),
        ("policy=default-src+%e9%00", False, False),
    ],
)
async def test_what_is_offered_for_a_script_is_what_its_page_can_show(tmp_path, said, once, relayed):
    async with Origin() as origin, running(origin, tmp_path, demo_rules(SHIPPED)) as proxy:
        frame = await proxy.ask(f"/.consent/offer?address=https://calendly.com/c&{said}")
        form = await proxy.ask(f"/.consent/offer?embed=form+eu1+1+2&{said}")

    assert (b"data-cc-once" in frame.body) is once
    assert (b"<iframe" in form.body) is relayed
    assert b"data-cc-always" in frame.body
    assert b"data-cc-always" in form.body


CALENDLY = b'<!doctype html><html lang=en><body><iframe src="https://calendly.com/c"></iframe></body></html>'


async def test_a_sites_policy_lets_in_what_its_placeholders_frame_and_ask_and_only_while_there_are_any(
    tmp_path,
):
    strict = html(CALENDLY, b"Content-Security-Policy: frame-src https://calendly.com; connect-src a.example")
    async with Origin({b"/": strict}) as origin, running(origin, tmp_path, demo_rules(SHIPPED)) as proxy:
        first = await proxy.ask("/")
        framed = await proxy.ask("/", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: same-origin")
        consent = cookie_of(await choose(proxy, b"choice=accept", SAME)).split(b";")[0].decode()
        agreed = await proxy.ask("/", f"Cookie: {consent}")

    def said(got):
        return [part.strip() for part in got.all(b"Content-Security-Policy")[0].decode().split(";")]

    at = "callkom.io/.consent/"
    assert said(first) == [
        f"frame-src https://calendly.com {at}choice {at}embed {at}form {at}relay/",
        f"connect-src a.example {at}choice {at}state {at}offer",
    ]
    assert said(agreed) == ["frame-src https://calendly.com", f"connect-src a.example {at}choice {at}state"]
    assert said(framed) == ["frame-src https://calendly.com", "connect-src a.example"]


@pytest.mark.parametrize(
    ("embedder", "once"),
    [
        (b"require-corp", False),
        (b'credentialless; report-to="x"', False),
        (b"unsafe-none", True),
        (b"", True),
    ],
)
async def test_a_site_that_isolates_its_frames_is_offered_no_view_that_would_stay_blank(
    tmp_path, embedder, once
):
    answers = {
        b"/": html(CALENDLY, b"Cross-Origin-Embedder-Policy: " + embedder),
        b"/open": html(CALENDLY),
    }
    async with Origin(answers) as origin, running(origin, tmp_path) as proxy:
        got = await proxy.ask("/")
        open_ = await proxy.ask("/open")

    assert (b'data-cc-once="frame' in got.body) is once
    assert (b'data-without="once"' in got.body) is not once
    assert b'data-cc-once="frame' in open_.body
    assert b"data-without" not in open_.body


async def test_a_relayed_form_and_all_it_is_made_of_obey_a_site_that_isolates_its_frames(tmp_path):
    async with Origin() as origin, running(origin, tmp_path, demo_rules(SHIPPED)) as proxy:
        form = await proxy.ask(FORM, *IN_FRAME)
        relayed = await proxy.ask("/.consent/relay/elsewhere.example/")
        once = await proxy.ask(await frame_of(proxy), *IN_FRAME)

    isolated = (b"Cross-Origin-Embedder-Policy", b"require-corp")
    assert isolated in form.headers
    assert isolated in relayed.headers
    assert isolated not in once.headers, "the provider's page in it says nothing of the kind"


async def test_nothing_is_offered_to_who_granted_it(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=accept", SAME)).split(b";")[0].decode()
        got = await proxy.ask("/.consent/offer?address=https://calendly.com/c", f"Cookie: {consent}")

    assert got.status == 204


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ('<div class="calendly-inline-widget" data-url="https://calendly.com/c"></div>', b"data-cc-once="),
        ('<iframe src="https://calendly.com/c" title="a &amp; b"></iframe>', b"data-cc-once="),
        ('<embed src="https://calendly.com/c">', b"data-cc-once="),
        (
            '<div class="hs-form-frame" data-portal-id="1" data-form-id="a" data-region="eu1"></div>',
            b"form eu1 1 a",
        ),
        ('<div class="own"></div>', b""),
        ('<script src="https://js.hs-scripts.com/1.js"></script>', b""),
        ('<div class="calendly-inline-widget"></div><p>', b""),
        ("<div class=calendly-inline-widget>", b""),
        ('<div class="calendly-inline-widget" onclick="a>b"></div>', b""),
        ("calendly-inline-widget", b""),
        ("<", b""),
    ],
)
async def test_an_element_that_came_later_is_offered_what_its_start_tag_gets_from_the_rules(
    tmp_path, tag, expected
):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        got = await proxy.ask(f"/.consent/offer?{urlencode({'tag': tag})}")

    assert got.status == (200 if expected else 204)
    assert expected in got.body
    assert bool(expected) is bool(got.body)


async def test_nothing_is_offered_for_an_element_whose_purpose_is_granted(tmp_path):
    async with Origin() as origin, running(origin, tmp_path) as proxy:
        consent = cookie_of(await choose(proxy, b"choice=accept", SAME)).split(b";")[0].decode()
        frame = urlencode({"tag": '<iframe src="https://calendly.com/c"></iframe>'})
        got = await proxy.ask(f"/.consent/offer?{frame}", f"Cookie: {consent}")

    assert (got.status, got.body) == (204, b"")
