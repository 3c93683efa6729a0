import gzip

import pytest

from proxy.errors import Unreadable
from proxy.filter.body.service_worker import worker_filter

SCRIPT = b"addEventListener('fetch', answer) // no line end"


def through(body: bytes, coding: bytes = b"", answer: bytes | None = None) -> bytes:
    return worker_filter(b"lines", content_encoding=coding, response_coding=answer).whole(body)


def test_our_lines_stand_behind_the_sites_own_bytes():
    assert through(SCRIPT) == SCRIPT + b"\n;lines\n"


def test_a_script_in_pieces_is_the_same():
    passing = worker_filter(b"lines", content_encoding=b"", response_coding=None)
    pieces = [passing.feed(SCRIPT[:7]), passing.feed(SCRIPT[7:]), passing.close()]

    assert b"".join(pieces) == through(SCRIPT)


def test_a_coded_script_is_read_and_may_be_coded_again():
    assert gzip.decompress(through(gzip.compress(SCRIPT), b"gzip", b"gzip")) == through(SCRIPT)


def test_a_coding_we_cannot_read_is_said():
    with pytest.raises(Unreadable):
        through(SCRIPT, b"dcb")
