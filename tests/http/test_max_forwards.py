"""Max-Forwards: an OPTIONS request goes as far as it says and no further."""

import pytest

from tests.support.origin import Origin
from tests.support.proxying import proxying


async def ask(tmp_path, *headers, method="OPTIONS", mode="enforce"):
    site = f"    mode: {mode}\n"
    async with Origin() as origin, proxying(origin.url, folder=tmp_path, site=site) as proxy:
        got = await proxy.ask("/x", *headers, method=method)
        said = [seen.get(b"max-forwards") for seen in origin.seen]
    return got.status, said


@pytest.mark.parametrize("mode", ["enforce", "observe"])
async def test_at_zero_we_answer_and_nobody_else_hears_of_it(tmp_path, mode):
    assert await ask(tmp_path, "Max-Forwards: 0", mode=mode) == (204, [])


@pytest.mark.parametrize("mode", ["enforce", "observe"])
@pytest.mark.parametrize(("said", "passed"), [("1", b"0"), ("010", b"9"), ("999999999", b"999999998")])
async def test_above_zero_it_goes_on_with_one_less(tmp_path, said, passed, mode):
    assert await ask(tmp_path, f"max-forwards: {said}", mode=mode) == (200, [[passed]])


@pytest.mark.parametrize(
    "said", [["Max-Forwards: x"], ["Max-Forwards: -1"], ["Max-Forwards:"], ["Max-Forwards: 1"] * 2]
)
async def test_what_is_no_number_is_refused(tmp_path, said):
    assert await ask(tmp_path, *said) == (400, [])


async def test_of_other_methods_it_is_none_of_our_business(tmp_path):
    assert await ask(tmp_path, "Max-Forwards: 0", method="GET") == (200, [[b"0"]])


async def test_an_options_request_without_it_passes(tmp_path):
    assert await ask(tmp_path) == (200, [[]])
