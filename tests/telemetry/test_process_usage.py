"""What a process says of itself is what the system says of it."""

import os
import subprocess

from proxy.telemetry.process_usage import cpu_seconds, open_files, open_files_limit, resident_bytes


def test_memory_is_what_ps_shows():
    asked = ["ps", "-o", "rss=,vsz=", "-p", str(os.getpid())]
    resident, virtual = map(int, subprocess.run(asked, capture_output=True, check=True).stdout.split())
    told = resident_bytes() / 1024

    assert abs(told - resident) < 20_000
    assert abs(told - resident) < abs(told - virtual)


def test_a_file_that_is_opened_counts(tmp_path):
    before = open_files()
    with (tmp_path / "file").open("w"):
        assert open_files() == before + 1
    assert open_files_limit() >= before


def test_work_counts_as_processor_time():
    before = cpu_seconds()
    while cpu_seconds() == before:
        sum(range(100_000))

    assert cpu_seconds() > before
