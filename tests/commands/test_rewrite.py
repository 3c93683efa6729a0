"""`rewrite` is the filter on standard input: what a page becomes for somebody."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = b'<!doctype html><html><body><p>caf\xc3\xa9</p><script src="//js.hs-scripts.com/1.js"></script></body></html>'


def rewrite(page: bytes, *arguments: str) -> subprocess.CompletedProcess:
    command = [
        sys.executable,
        "-m",
        "proxy",
        "rewrite",
        "--rules",
        "rules.yaml",
        "--url",
        "https://callkom.io/",
        *arguments,
    ]
    return subprocess.run(command, cwd=ROOT, input=page, capture_output=True, check=False, timeout=60)


def test_a_refused_tag_is_held_and_the_rest_is_untouched():
    told = rewrite(PAGE)

    assert told.returncode == 0
    assert b'<script type="text/plain"' in told.stdout
    before = PAGE.index(b"<script")
    assert told.stdout[:before] == PAGE[:before]
    assert told.stdout.endswith(b"</script></body></html>")


def test_with_its_purpose_granted_the_page_is_the_same_bytes():
    assert rewrite(PAGE, "--granted", "functional,performance").stdout == PAGE


def test_an_unknown_purpose_is_wrong_use():
    told = rewrite(PAGE, "--granted", "marketing")

    assert told.returncode == 2
    assert b"there is no purpose 'marketing'" in told.stderr
    assert told.stdout == b""


def test_a_page_that_cannot_be_read_is_not_written():
    told = rewrite(PAGE, "--content-type", "text/html; charset=iso-2022-jp")

    assert told.returncode == 1
    assert b"cannot be read" in told.stderr
