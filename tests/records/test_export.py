"""Records for other programs: a line each, every column, and nothing that a spreadsheet would run."""

import csv
import io
import json

import pytest

from proxy.consent.record import content_of
from proxy.records.chain import Chain, ChainHead
from proxy.records.export import (
    COLUMNS,
    csv_line,
    csv_record,
    heads_line,
    heads_of,
    json_line,
    lines,
    read_heads,
)
from proxy.records.queries import Which
from tests.records.answers import NOON, answer, refusal

HEAD = ChainHead("writer", 7, b"\x01\xff", NOON)


def record(**changes):
    return Chain(b"k" * 32, "writer", 0, b"s" * 32).append(
        "a" * 26, NOON, content_of(answer("ana", **changes), None)
    )


def test_a_line_of_json_is_the_record():
    line = json_line(record(site="café.example"))

    assert line.endswith("}\n")
    assert line.count("\n") == 1
    assert "café.example" in line
    assert json.loads(line) == record(site="café.example").to_json()


def test_a_line_of_csv_has_every_column_in_its_place():
    [cells] = csv.reader(io.StringIO(csv_record(record())))
    cell = dict(zip(COLUMNS, cells, strict=True))

    assert cell["time"] == "2026-11-23T12:00:00.000Z"
    assert cell["granted"] == "functional performance"
    assert (cell["refused"], cell["provider"], cell["position"]) == ("", "", "1")
    assert json.loads(cell["scope"]) == {"functional": ["hubspot"], "performance": ["analytics", "hubspot"]}
    assert set(COLUMNS) == record().to_json().keys()


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_a_text_that_a_spreadsheet_would_run_gets_a_quote_in_front(text):
    assert next(csv.reader(io.StringIO(csv_line([text]), newline=""))) == [f"'{text}"]


def test_any_other_cell_is_as_it_is_quoted_where_it_has_to_be():
    assert csv_line(["a,b", 'c"d', None, 5, "x=1"]) == '"a,b","c""d",,5,x=1\r\n'


async def test_an_export_gives_each_record_meant_oldest_first_and_says_how_far_it_is(store):
    for number in range(3):
        await store.add(answer(time=NOON + number))
    await store.add(refusal(time=NOON + 3))
    done: list[int] = []

    found = [json.loads(line) async for line in lines(store, Which(how="accept"), on_progress=done.append)]
    table = [line async for line in lines(store, Which(), as_csv=True)]

    assert [one["time"][-5:] for one in found] == [".000Z", ".001Z", ".002Z"]
    assert done == [3]
    assert table[0] == ",".join(COLUMNS) + "\r\n"
    assert len(table) == 5


def test_heads_come_back_from_their_line_and_from_a_log_that_holds_them():
    line = heads_line([HEAD], NOON)
    log = json.dumps({"event": "chain_heads", "heads": heads_of([HEAD])})

    assert json.loads(line)["time"] == "2026-11-23T12:00:00.000Z"
    assert read_heads(f'{{"event":"other"}}\n\n{line}{log}\n') == [ChainHead("writer", 7, b"\x01\xff", 0)] * 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "no line holds"), ('{"heads": []}', "no line holds"), ("\nno json", "line 2 holds no"), ("[1]", "line 1 holds no"), ('{"heads": [{"writer": "a"}]}', "line 1 holds no"),
     ('{"heads": [{"writer": "a", "position": 1, "link": "xy"}]}', "line 1 holds no")],
)  # fmt: skip
def test_what_holds_no_heads_is_said_with_its_line(text, said):
    with pytest.raises(ValueError, match=said):
        read_heads(text)
