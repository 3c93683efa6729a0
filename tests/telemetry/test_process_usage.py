"""What a process says of itself is what the system says of it."""

import os
import subprocess

from proxy.telemetry.process_usage import cpu_seconds, open_files, open_files_limit, resident_bytes


def test_memory_is_what_ps_shows():
    told = int(
        subprocess.run(["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, check=True).stdout
    )

    assert abs(resident_bytes() - told * 1024) < 20_000_000


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
