"""What a start read is handed to the process that serves through a file that has no name."""

import os
import subprocess
import sys

import pytest

from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.policy.load import load_policy
from proxy.process import handover
from proxy.process.handover import read_handover, write_handover
from proxy.process.reload import WatchedFiles
from tests.shared import ROOT
from tests.support.proxying import RULES, config_text


@pytest.fixture
def given(tmp_path):
    read = WatchedFiles(tmp_path / "config.yaml", tmp_path / "rules.yaml"), load_config(config_text("http://127.0.0.1:1"), folder=tmp_path), Policies.given(load_policy(RULES))  # fmt: skip
    descriptor = write_handover(*read)
    yield read, descriptor
    os.close(descriptor)


def test_what_was_read_arrives_whole_as_often_as_it_is_asked_for(given):
    read, descriptor = given

    for _ in range(2):
        watched, config, policies = read_handover(descriptor)
        assert (watched, config, policies.digests) == (read[0], read[1], read[2].digests)
        assert config.file(config.languages or watched.rules_path) == read[0].rules_path


def test_a_process_that_is_started_inherits_it(given):
    _, descriptor = given
    code = f"from proxy.process.handover import read_handover as r; print(r({descriptor})[2].versions)"
    told = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, close_fds=False, capture_output=True, text=True, check=True
    )

    assert told.stdout == "2026-11-01\n"


def test_it_has_no_name_that_another_program_could_open(given, monkeypatch):
    _, descriptor = given
    monkeypatch.delattr(os, "memfd_create", raising=False)
    other = handover._anonymous_file()

    assert all(os.fstat(one).st_nlink == 0 for one in (descriptor, other))
    os.write(other, b"x")
    assert os.pread(other, 9, 0) == b"x"
    os.close(other)
