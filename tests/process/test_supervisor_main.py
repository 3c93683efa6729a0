"""The supervisor's program: what it runs its workers with, and the status with which it ends."""

import os

import pytest
import uvloop

from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.errors import StartError
from proxy.policy.load import load_policy
from proxy.process.handover import write_handover
from proxy.process.reload import WatchedFiles
from proxy.process.supervisor_main import main
from tests.support.proxying import RULES, config_text


@pytest.fixture
def arguments(tmp_path):
    config = load_config(config_text("http://127.0.0.1:1", more="workers: 2"), folder=tmp_path)
    descriptor = write_handover(
        WatchedFiles(tmp_path / "c", tmp_path / "r"), config, Policies.given(load_policy(RULES))
    )
    yield ["c.yaml", "r.yaml", "--given", str(descriptor)]
    os.close(descriptor)


def test_it_ends_with_the_status_of_its_workers(arguments, monkeypatch, capsysbinary):
    run = []

    def ended(coroutine):
        run.append(coroutine.cr_frame.f_locals)
        coroutine.close()
        return 7

    monkeypatch.setattr(uvloop, "run", ended)

    assert main(arguments) == 7
    [given] = run
    assert given["program"][-4:] == ["-m", "proxy.process.worker_main", "c.yaml", "r.yaml"]
    assert (given["config"].workers, given["given"]) == (2, int(arguments[-1]))


def test_what_stops_it_is_a_sentence_and_status_1(arguments, monkeypatch, capsys):
    def stopped(coroutine):
        coroutine.close()
        raise StartError("cannot listen on 127.0.0.1:80")

    monkeypatch.setattr(uvloop, "run", stopped)

    assert main(arguments) == 1
    assert capsys.readouterr().err == "consent-proxy: cannot listen on 127.0.0.1:80\n"


def test_without_what_was_read_it_does_not_begin(capsys):
    with pytest.raises(SystemExit) as end:
        main(["c.yaml", "r.yaml"])

    assert end.value.code == 2
    assert "--given" in capsys.readouterr().err
