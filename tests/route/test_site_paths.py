"""Parts of a site without banner, or only observed, by both routes of a request."""

import pytest

from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, proxying, read_answer, request

SITE = """    paths:
      - { path: /office, banner: no }
      - { path: /draft, mode: observe }
"""
HELD = b'type="text/plain"'
BANNER, LINK = b"Refuse all", b"Manage my cookies"


def shown(got):
    return {name for name, mark in (("banner", BANNER), ("link", LINK), ("held", HELD)) if mark in got.body}


async def asked_in_turn(proxy, *targets, headers=("Cookie: _ga=1; a=2",)):
    """Ask for these on one connection, with one head: from the second time on the fast path takes them."""
    reader, writer = await proxy.connect()
    found = []
    for target in targets:
        writer.write(request(target, *headers))
        found.append(await read_answer(reader))
    return found


@pytest.fixture
def pages():
    return dict.fromkeys((b"/", b"/office/x", b"/draft/x", b"/draft/%2e%2e/", b"/office;x"), html(PAGE))


async def test_each_part_is_treated_as_it_says_whatever_was_asked_before(tmp_path, pages):
    wanted = {
        "/": {"banner", "link", "held"},
        "/office/x": {"link", "held"},
        "/draft/x": set(),
        "/draft/%2e%2e/": {"banner", "link", "held"},
        "/office;x": {"banner", "link", "held"},
    }
    order = [
        *wanted,
        *wanted,
        *reversed(wanted),
        "/",
        "/",
        "/office/x",
        "/office/x",
        "/draft/x",
        "/draft/x",
        "/",
    ]
    async with Origin(pages) as origin, proxying(origin.url, folder=tmp_path, site=SITE) as proxy:
        got = await asked_in_turn(proxy, *order)

    assert [shown(one) for one in got] == [wanted[target] for target in order]


async def test_where_it_is_observed_refused_cookies_reach_the_site_and_elsewhere_not(tmp_path, pages):
    async with Origin(pages) as origin, proxying(origin.url, folder=tmp_path, site=SITE) as proxy:
        await asked_in_turn(proxy, "/draft/x", "/", "/draft/x", "/", "/", "/office/x")

        assert [dict(one.headers)[b"Cookie"] for one in origin.seen] == [
            b"_ga=1; a=2", b"a=2", b"_ga=1; a=2", b"a=2", b"a=2", b"a=2",
        ]  # fmt: skip


async def test_a_page_without_banner_is_never_confirmed_for_one_with_it(tmp_path, pages):
    pages = {target: html(PAGE, b'ETag: "1"') for target in pages}
    async with Origin(pages) as origin, proxying(origin.url, folder=tmp_path, site=SITE) as proxy:
        asking, silent = await asked_in_turn(proxy, "/", "/office/x", headers=())

    assert asking.one(b"ETag") != silent.one(b"ETag")
