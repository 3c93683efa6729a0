"""Cookies that no rule describes, through a running proxy: what passes, and what is said of it."""

import json

import pytest

from tests.support.origin import Origin, ok
from tests.support.proxying import proxying

DAY = 86_400
WEEK = b"sid=1; Path=/; HttpOnly; Max-Age=604800"
SESSION = b"sid=1; Path=/; HttpOnly"


def setting(*lines):
    return ok(b"{}", b"Content-Type: application/json", *(b"Set-Cookie: " + line for line in lines))


async def set_by(folder, lines, *headers, target="/x", method="GET", **how):
    async with (
        Origin({target.encode(): setting(*lines)}) as origin,
        proxying(origin.url, folder=folder, **how) as proxy,
    ):
        got = await proxy.ask(target, *headers, method=method)
        return got.all(b"Set-Cookie"), proxy.records()


@pytest.mark.parametrize(
    ("headers", "target", "method", "passes"),
    [
        ([], "/x", "GET", SESSION),
        (["Cookie: other=1"], "/x", "GET", SESSION),
        (["Cookie: other=1; sid=0"], "/x", "GET", WEEK),
        ([], "/x", "POST", WEEK),
        (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"], "/cb?code=1&state=2", "GET", WEEK),
        (["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"], "/?utm_source=x", "GET", SESSION),
    ],
)
async def test_a_sign_in_cookie_lives_as_long_as_its_occasion_allows(
    tmp_path, headers, target, method, passes
):
    lines, _ = await set_by(tmp_path, [WEEK], *headers, target=target, method=method)

    assert lines == [passes]


async def test_every_name_is_logged_once_without_what_looks_like_an_id(tmp_path):
    lines = [b"sid=secret; HttpOnly", b"s_0123456789ab=1; HttpOnly", b"PHPSESSID=secret", b"_fbp=1"]
    async with Origin({b"/x": setting(*lines)}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for _ in range(3):
            await proxy.ask("/x")
        logged = proxy.records("cookie_presumed")

    assert [(one["name"], one["platform"], one["purpose"]) for one in logged] == [
        ("sid", None, "necessary"),
        ("s_*", None, "necessary"),
        ("PHPSESSID", "php", "necessary"),
    ]
    assert "secret" not in json.dumps(logged)


async def test_observing_names_them_too_and_changes_nothing(tmp_path):
    lines, records = await set_by(tmp_path, [WEEK, b"_fbp=1"], site="    mode: observe\n")

    assert lines == [WEEK, b"_fbp=1"]
    assert [one["name"] for one in records if one["event"] == "cookie_presumed"] == ["sid"]


@pytest.mark.parametrize(("method", "warned"), [("POST", ["cart", "cart"]), ("GET", [])])
async def test_what_the_response_to_a_post_loses_is_a_warning_by_name(tmp_path, method, warned):
    async with Origin({b"/x": setting(b"cart=1")}) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        for _ in range(2):
            await proxy.ask("/x", method=method)
        said = proxy.records("cookie_dropped")

    assert [(one["name"], one["level"]) for one in said] == [(name, "warning") for name in warned]


async def test_visitors_are_shown_what_was_presumed_in_their_language(tmp_path):
    answers = {b"/x": setting(b"sid=1; HttpOnly", b"csrftoken=2")}
    async with Origin(answers) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        before = await proxy.ask("/.consent/")
        await proxy.ask("/x")
        panel = await proxy.ask("/.consent/?language=fr")
        table = await proxy.ask("/.consent/policy")
        rows = (await proxy.ask("/.consent/policy.json")).json["cookies"]

    assert b"not yet described" not in before.body
    assert "<b>Pas encore décrits</b>" in panel.body.decode()
    assert panel.body.decode().count("pas encore décrit, présumé nécessaire") == 2
    assert table.body.count(b"not yet described, presumed necessary") == 2
    named = {name: row for row in rows for name in row["names"]}
    assert named["csrftoken"]["purpose"] == named["sid"]["purpose"] == "necessary"
    assert not named["sid"]["published"]


async def test_after_30_days_that_nobody_looked_readyz_doubts(tmp_path):
    now = [1_795_428_000.0]
    async with (
        Origin({b"/x": setting(b"sid=1; HttpOnly")}) as origin,
        proxying(origin.url, folder=tmp_path, clock=lambda: now[0]) as proxy,
    ):
        await proxy.ask("/x")
        proxy.server._report_presumed()
        assert "presumed" not in proxy.server.ready()["doubts"]
        now[0] += 30 * DAY
        proxy.server._report_presumed()
        assert "sid" in proxy.server.ready()["doubts"]["presumed"]


async def test_past_presume_until_a_running_proxy_drops_them(tmp_path):
    from tests.support.proxying import RULES

    rules = RULES + "undeclared: { cookies: presume, presume_until: 2026-11-23 }\n"
    now = [1_795_428_000.0]  # on that day
    async with (
        Origin({b"/x": setting(b"sid=1; HttpOnly")}) as origin,
        proxying(origin.url, folder=tmp_path, rules=rules, clock=lambda: now[0]) as proxy,
    ):
        await proxy.server._end_presumption()
        assert (await proxy.ask("/x")).all(b"Set-Cookie") == [b"sid=1; HttpOnly"]
        now[0] += DAY
        await proxy.server._end_presumption()
        assert (await proxy.ask("/x")).all(b"Set-Cookie") == []
