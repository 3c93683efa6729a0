"""Streamlit (PyPI): a socket that carries the page, an upload with a token, a download."""

from pathlib import Path

import pytest

from tests.apps.installing import DATA, from_pypi, serving
from tests.apps.places import BEHIND, Loads, Person, assert_works_as_direct

pytestmark = pytest.mark.apps

LOADS: Loads = {None: {"data.streamlit.io"}}


@pytest.fixture(scope="module")
def origin(tmp_path_factory):
    streamlit = from_pypi("streamlit", "streamlit==1.67.0") / "streamlit"
    flags = ["--server.port", "{port}", "--server.headless", "true", "--server.address", "127.0.0.1"]
    with serving(streamlit, "run", DATA / "board.py", *flags, cwd=tmp_path_factory.mktemp("board")) as port:
        yield port


def walk(person: Person) -> None:
    page = person.page
    with person.step("the page comes over its socket"):
        person.goes("/")
        person.sees("Board of figures")
    with person.step("a button runs the program"):
        person.clicks("button", "Count")
        person.sees("Counted 1 times")
    with person.step("what is typed arrives"):
        page.get_by_label("Name").fill("Ada")
        page.get_by_label("Name").press("Enter")
        person.sees("Hello Ada")
    with person.step("uploads a table"):
        page.locator("input[type=file]").set_input_files(
            {"name": "table.csv", "mimeType": "text/csv", "buffer": b"1,2\n" * 50_000}
        )
        person.sees("200000 bytes arrived")
    with person.step("draws a chart"):
        page.locator(
            "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"
        ).first.wait_for()
    with person.step("downloads a table"):
        with page.expect_download() as download:
            person.clicks("button", "Take the table")
        assert Path(download.value.path()).read_text() == "a,b\n1,2\n"


@pytest.mark.parametrize("place", BEHIND)
def test_every_step_in_streamlit_works_as_direct(walked, place):
    assert_works_as_direct(walked, place, LOADS, complaints=("Failed to fetch metrics config",))
