"""The script of a service worker between our lines: its own bytes, as strict as it was."""

import pytest

from proxy.filter.body.service_worker import worker_filter


def filtered(script: bytes, *, piece: int = 10_000) -> bytes:
    body = worker_filter(b"BEFORE;", b"BEHIND", content_encoding=b"", response_coding=None)
    pieces = [script[at : at + piece] for at in range(0, len(script), piece)]
    return b"".join(map(body.feed, pieces)) + body.close()


@pytest.mark.parametrize(
    "script", [b"", b"pass()", b"pass() // end", b"a" * 9000, b"'use stricter'", b"// 'use strict'"]
)
@pytest.mark.parametrize("piece", [1, 4096, 10_000])
def test_its_bytes_stay_between_our_lines(script, piece):
    assert filtered(script, piece=piece) == b"BEFORE;" + script + b"\n;BEHIND\n"


@pytest.mark.parametrize(
    "script",
    [b"'use strict';a", b'"use strict"\na', b"/* a * b **/ // c\r\n ;'use strict'", b"\n\t/**/'use strict'"],
)
def test_a_strict_script_is_strict_behind_our_lines(script):
    assert filtered(script, piece=3) == b'"use strict";BEFORE;' + script + b"\n;BEHIND\n"


def test_a_mark_of_the_encoding_goes_since_it_would_stand_in_the_middle():
    assert filtered(b"\xef\xbb\xbf'use strict'") == b"\"use strict\";BEFORE;'use strict'\n;BEHIND\n"
