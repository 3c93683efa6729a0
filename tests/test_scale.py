"""docs/scale.md: what it computes follows from what it measured and assumed, and that from other pages."""

import math
import re

import pytest

from tests.shared import ROOT

TEXT = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")
DAY = 86_400


def rows(title: str) -> dict[str, list[str]]:
    """Return the table under a title: its first column, and the others."""
    part = TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| ")]
    return {line[0].strip(): [one.strip() for one in line[1:]] for line in lines}


def number(text: str) -> float:
    found = re.match(r"[\d,.]+", text)
    assert found is not None, text
    return float(found[0].replace(",", "")) * (3600 if text.endswith(" h") else 1)


def measured(start: str) -> float:
    [value] = [row[0] for name, row in rows("Measured").items() if name.startswith(start)]
    return number(value)


def assumed(start: str) -> float:
    [value] = [row[0] for name, row in rows("Assumed").items() if name.startswith(start)]
    return number(value)


def computed(rate: float) -> dict[str, float]:
    fresh = assumed("pages that are unlike any before") / 100
    files = assumed("files and calls per page view")
    page = fresh * measured("processor, 1,000 pages unlike") + (1 - fresh) * measured(
        "processor, 1,000 pages seen"
    )
    busiest = rate * assumed("busiest hour over")
    cores = busiest * (page + files * measured("processor, 1,000 files")) / 1000
    workers = max(1, math.ceil(round(cores / (assumed("how busy a core") / 100), 6)))
    views, every = rate * DAY, assumed("page views for each record")
    millions = views / every * 365 / 1e6
    kept = millions * assumed("years that records")
    postgresql = millions * measured("disk of one record, indexes and all, PostgreSQL") / 1e3
    memory = measured("memory of a worker") + measured("most that pages")
    return {
        "page views a day": views,
        "requests a day": views * (1 + files),
        "cores that are busy in the busiest hour": cores,
        "workers, one a core": workers,
        "memory of the workers, at most, GB": workers * memory / 1000,
        "connections to PostgreSQL, at most": workers * 5,
        "records a second, busiest hour": busiest / every,
        "records a year, millions": millions,
        "database a year, SQLite, GB": millions
        * measured("disk of one record, indexes and all, SQLite")
        / 1e3,
        "database a year, PostgreSQL, GB": postgresql,
        "database when the first year is purged, GB": postgresql * assumed("years that records"),
        "purge of one day's records": views / every / 1e6 * measured("purge of a million"),
        "verify of all that is kept": kept * measured("verify of a million"),
        "log a day, GB": views * (1 + files) * measured("log of one request") / 1e9,
    }


@pytest.mark.parametrize(("column", "rate"), [(0, 10), (1, 1_000), (2, 100_000)])
def test_what_is_computed_follows_from_what_was_measured_and_assumed(column, rate):
    table = rows("Computed")
    header = table.pop("")
    page = {name: number(row[column]) for name, row in table.items()}

    assert number(header[column]) == rate
    assert page == pytest.approx(computed(rate), rel=0.07)
    exact = ("page views a day", "requests a day", "workers, one a core")
    assert [page[name] for name in exact] == [computed(rate)[name] for name in exact]


def test_a_worker_at_full_load_is_what_it_does_in_a_second_times_a_day():
    found = re.search(r"all day: ([\d,]+) million pages, or ([\d,]+) million files", TEXT)
    assert found is not None

    assert number(found[1]) == round(measured("pages a second") * DAY / 1e6)
    assert number(found[2]) == round(measured("files a second") * DAY / 1e6)


def test_what_other_pages_measured_is_said_as_they_say_it():
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    [row] = re.findall(
        r"^\| consent-proxy \| ([\d.]+) s \| ([\d.]+) s \| .*?\| ([\d.]+) s", operations, re.MULTILINE
    )
    own = [measured(f"processor, 1,000 {what}") for what in ("pages seen", "pages unlike", "files or calls")]
    records = (ROOT / "docs" / "records.md").read_text(encoding="utf-8")

    assert [float(one) for one in row] == own
    assert f"takes {measured('memory of a worker'):.0f} at rest" in operations
    assert re.search(rf"^\| purge .*\| {measured('purge of a million'):.0f} s \|$", records, re.MULTILINE)
    assert re.search(rf"^\| verify .*\| {measured('verify of a million'):.0f} s \|$", records, re.MULTILINE)
