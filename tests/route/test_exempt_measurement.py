"""Audience measurement that is exempt: on, with its switch; an objection holds, cookies go."""

import pytest

from proxy.errors import PolicyError
from proxy.policy.lint import unfounded
from proxy.policy.load import load_policy
from tests.route.test_relay import accept
from tests.support.origin import Origin, html
from tests.support.proxying import RULES, proxying

CONDITIONS = "conditions: { one_site: yes, cross_site: no, renewed: no, data: 25 months }"
MEASURED = (
    RULES.replace(
        "  performance: { basis: consent }\n",
        f"  performance: {{ basis: consent }}\n  audience: {{ basis: exempt, {CONDITIONS} }}\n",
    )
    + """
  matomo:
    name: Matomo
    cookies:
      - { name: "_pk_id*", domain: .callkom.io, purpose: audience, lasts: 13 months, why: Audience measurement }
    tags:
      - { from: matomo.example.org, purpose: audience }
"""
)
TAG = b'<script src="https://matomo.example.org/matomo.js"></script>'
PAGE = (
    b"<!doctype html><html lang=en><head><title>A</title>" + TAG + b"</head><body><p>Hello</p></body></html>"
)
COUNTS = b"Set-Cookie: _pk_id.1=a; Max-Age=63072000; Domain=.callkom.io\r\n"


def served():
    page = html(PAGE)
    return {b"/": page.replace(b"\r\n", b"\r\n" + COUNTS, 1)}


async def test_it_runs_before_any_answer_and_its_cookie_is_capped(tmp_path):
    async with Origin(served()) as origin, proxying(origin.url, folder=tmp_path, rules=MEASURED) as proxy:
        first = await proxy.ask("/")
        panel = await proxy.ask("/.consent/")

    assert TAG in first.body
    (cookie,) = [line for line in first.all(b"Set-Cookie") if line.startswith(b"_pk_id")]
    assert b"Max-Age=34128000" in cookie
    assert b"matomo.example.org" in first.one(b"Content-Security-Policy")
    switch = panel.body.partition(b'value="audience"')[2].partition(b">")[0]
    assert b"checked" in switch
    assert b"checked" not in panel.body.partition(b'value="performance"')[2].partition(b">")[0]


async def test_the_first_layer_asks_consent_for_the_others_alone_and_its_switch_is_on(tmp_path):
    async with Origin(served()) as origin, proxying(origin.url, folder=tmp_path, rules=MEASURED) as proxy:
        shown = (await proxy.ask("/")).body.decode()

    asking = shown.partition("With your consent")[2].partition("</div>")[0]
    assert "audience</b>" not in asking
    assert "Performance" in asking
    assert 'value="audience" checked="checked"' in shown
    assert 'value="performance"/>' in shown


@pytest.mark.parametrize("body", [b"choice=refuse", b"choice=save&purpose=performance"])
async def test_an_objection_holds_it_and_takes_its_cookies_away(tmp_path, body):
    async with Origin(served()) as origin, proxying(origin.url, folder=tmp_path, rules=MEASURED) as proxy:
        got = await proxy.ask(
            "/.consent/choice", "Content-Type: application/x-www-form-urlencoded", method="POST", body=body
        )
        cookie = got.all(b"Set-Cookie")[0].split(b";")[0].decode()
        after = await proxy.ask("/", f"Cookie: {cookie}; _pk_id.1=a")

    assert TAG not in after.body
    lines = [line for line in after.all(b"Set-Cookie") if line.startswith(b"_pk_id")]
    assert lines
    assert all(b"Max-Age=0" in line or b"1970" in line for line in lines)


async def test_global_privacy_control_objects(tmp_path):
    async with Origin(served()) as origin, proxying(origin.url, folder=tmp_path, rules=MEASURED) as proxy:
        assert TAG not in (await proxy.ask("/", "Sec-GPC: 1")).body


async def test_agreeing_at_a_placeholder_objects_to_nothing(tmp_path):
    async with Origin(served()) as origin, proxying(origin.url, folder=tmp_path, rules=MEASURED) as proxy:
        body = b"choice=placeholder&provider=hubspot&purpose=functional"
        got = await proxy.ask(
            "/.consent/choice", "Content-Type: application/x-www-form-urlencoded", method="POST", body=body
        )
        cookie = got.all(b"Set-Cookie")[0].split(b";")[0].decode()
        after = await proxy.ask("/", f"Cookie: {cookie}")

    assert TAG in after.body


async def test_who_accepted_all_goes_on_being_measured(tmp_path):
    async with Origin(served()) as origin, proxying(origin.url, folder=tmp_path, rules=MEASURED) as proxy:
        cookie = await accept(proxy)
        assert TAG in (await proxy.ask("/", f"Cookie: {cookie}")).body


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (f", {CONDITIONS}", "", "where they cannot be stated, it needs 'basis: consent'"),
        ("one_site: yes", "one_site: no", "conditions.one_site is 'no'"),
        ("renewed: no, ", "", "conditions has no 'renewed'"),
        ("data: 25 months", "data: 3 years", "the exemption allows 25 months at most"),
        ("basis: exempt, ", "basis: consent, ", "states conditions, which belong to 'basis: exempt'"),
    ],
)
def test_without_its_conditions_it_needs_consent(old, new, told):
    assert old in MEASURED
    with pytest.raises(PolicyError, match=told):
        load_policy(MEASURED.replace(old, new))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "domain: .callkom.io, purpose: audience",
            "domain: .example.org, purpose: audience",
            "it needs consent",
        ),
        ("lasts: 13 months, why: Audience", "lasts: 2 years, why: Audience", "13 months at most"),
    ],
)
def test_cookies_beyond_the_exemption_are_faults(old, new, told):
    assert unfounded(load_policy(MEASURED)) == ()
    assert told in unfounded(load_policy(MEASURED.replace(old, new)))[0].text
