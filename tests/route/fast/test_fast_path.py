"""The fast path is on where aiohttp has every name that it uses, else off with one line in the log."""

import ast
from pathlib import Path

import pytest
from aiohttp.web_protocol import RequestHandler

from proxy.route.fast import aiohttp_internals
from proxy.route.fast.aiohttp_internals import PRIVATE, missing_names
from tests.support.guest import guest, ways
from tests.support.origin import Origin, ok
from tests.support.proxying import proxying, request


def test_the_installed_aiohttp_has_every_name():
    assert missing_names() == []


def test_every_listed_name_is_used_and_says_why():
    tree = ast.parse(Path(aiohttp_internals.__file__).read_text("utf-8"))
    used = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)}

    assert set(PRIVATE) <= used
    assert all(PRIVATE.values())


def test_no_name_is_used_that_is_not_listed():
    private = {
        name
        for kind in RequestHandler.__mro__
        for name in (*vars(kind), *getattr(kind, "__slots__", ()))
        if name.startswith("_") and not name.startswith("__")
    }
    tree = ast.parse(Path(aiohttp_internals.__file__).read_text("utf-8"))
    used = {one.attr for one in ast.walk(tree) if isinstance(one, ast.Attribute)}

    assert used & private == set(PRIVATE)


@pytest.mark.parametrize("name", PRIVATE)
async def test_where_a_name_is_gone_it_is_off_and_everything_is_served(tmp_path, monkeypatch, name):
    class Unknown:
        pass

    for other in PRIVATE:
        if other != name:
            setattr(Unknown, other, None)
    monkeypatch.setattr(aiohttp_internals, "RequestHandler", Unknown)
    async with Origin(otherwise=ok(b"x")) as origin, proxying(origin.url, folder=tmp_path) as proxy:
        went = ways(proxy, origin)
        visitor = await guest(proxy)
        for _ in range(3):
            assert (await visitor.ask(request("/a"))).endswith(b"x")
        [line] = proxy.records("fast_path_off")

    assert went == ["ordinary"] * 3
    assert line["missing"] == [name]
