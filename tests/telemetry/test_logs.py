import asyncio
import io
import json
import logging
import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from proxy.telemetry.logs import EVENTS, LineWriter, log, start_logs

HOSTILE = 'a\r\nb\x1b[31m\u2028\u0085\ud800\x00"}'


def test_whatever_a_visitor_sends_a_record_is_one_line():
    stream = io.BytesIO()
    start_logs(stream=stream).flush()
    log().info("request_relayed", path=HOSTILE)

    assert stream.getvalue().count(b"\n") == 1
    assert json.loads(stream.getvalue())["path"] == HOSTILE
    assert stream.getvalue().isascii()


@given(st.text(alphabet=st.characters()))
def test_a_record_reads_back_as_it_was_written(text):
    stream = io.BytesIO()
    start_logs(stream=stream)
    log().info("request_relayed", path=text)

    assert json.loads(stream.getvalue())["path"] == text


def test_a_record_says_when_how_grave_and_what():
    stream = io.BytesIO()
    start_logs(stream=stream)
    log().warning("upstream_failed", status=502)
    record = json.loads(stream.getvalue())

    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", record.pop("at"))
    assert record == {"level": "warning", "event": "upstream_failed", "status": 502}


def test_below_the_level_nothing_is_written():
    stream = io.BytesIO()
    start_logs("warning", stream=stream)
    log().info("request_relayed")

    assert stream.getvalue() == b""


async def test_records_of_one_turn_leave_in_one_write():
    written = []

    class Stream(io.BytesIO):
        def write(self, data):
            written.append(bytes(data))
            return len(data)

    lines = LineWriter(Stream())
    for number in range(3):
        lines.write(b"%d" % number)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert written == [b"0\n1\n2\n"]


def test_a_reader_of_logs_that_went_away_ends_nothing():
    stream = io.BytesIO()
    stream.close()

    LineWriter(stream).write(b"x")


def test_libraries_speak_in_one_line_too_without_their_arguments():
    stream = io.BytesIO()
    start_logs(stream=stream)
    logging.getLogger("some.library").error("failed for %s", "me@example.com")
    record = json.loads(stream.getvalue())

    assert record["library"] == "some.library"
    assert "example.com" not in stream.getvalue().decode()


def test_every_event_in_the_code_is_listed_and_every_listed_one_is_used():
    folder = Path(__file__).parents[2] / "proxy"
    text = "\n".join(path.read_text("utf-8") for path in folder.rglob("*.py") if path.name != "logs.py")
    said = set(re.findall(r'log\(\)\.\w+\(\s*"([a-z_]+)"', text))

    assert said - set(EVENTS) == set()
    assert {event for event in EVENTS if f'"{event}"' not in text} == {"request_relayed"}  # logs.py itself
