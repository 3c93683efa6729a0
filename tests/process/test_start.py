"""The start reads and checks everything, then becomes the program that serves; what is wrong stops it before."""

import os
import socket
import sys

import pytest

from proxy.errors import ConfigError, RulesTestsError
from proxy.process.handover import read_handover
from proxy.process.rules_tests import RulesTests
from proxy.process.start import run
from tests.process.test_rules_tests import FAILING
from tests.support.proxying import RULES, config_text


@pytest.fixture
def become(monkeypatch, capsysbinary):
    """What this process would have become: the command and what it hands over."""
    found = []

    def execv(path, arguments):
        found.append((path, arguments))

    monkeypatch.setattr(os, "execv", execv)
    return found


def started(folder, rules=RULES, more="", tests=RulesTests.REFUSE):
    (folder / "config.yaml").write_text(config_text("http://127.0.0.1:1", more=more))
    (folder / "rules.yaml").write_text(rules)
    run(folder / "config.yaml", folder / "rules.yaml", tests)


@pytest.mark.parametrize(
    ("more", "module"), [("", "proxy.process.worker_main"), ("workers: 2", "proxy.process.supervisor_main")]
)
def test_one_worker_is_the_process_itself_and_several_have_a_supervisor(become, tmp_path, more, module):
    started(tmp_path, more=more)
    [(path, arguments)] = become
    *command, config, rules, flag, descriptor = arguments
    watched, read, policies = read_handover(int(descriptor))

    assert (path, command[-2:], flag) == (sys.executable, ["-m", module], "--given")
    assert [config, rules] == [str(tmp_path / "config.yaml"), str(tmp_path / "rules.yaml")]
    assert (watched.rules_path, read.sites[0].hosts[0], policies.all[0].version) == (tmp_path / "rules.yaml", "callkom.io", "2026-11-01")  # fmt: skip
    assert os.get_inheritable(int(descriptor))
    os.close(int(descriptor))


def test_the_signing_key_is_made_before_anybody_serves(become, tmp_path):
    started(tmp_path)

    assert (tmp_path / "consent.key").stat().st_mode & 0o777 == 0o600
    os.close(int(become[0][1][-1]))


def test_rules_whose_tests_fail_start_on_demand_with_a_doubt(become, tmp_path):
    with pytest.raises(RulesTestsError):
        started(tmp_path, FAILING)
    assert become == []

    started(tmp_path, FAILING, tests=RulesTests.WARN)
    watched, _, _ = read_handover(int(become[0][1][-1]))
    assert "rules.yaml" in watched.doubt
    os.close(int(become[0][1][-1]))


def test_what_cannot_be_served_here_is_told_before(become, tmp_path):
    with pytest.raises(ConfigError):
        started(tmp_path, more="tls: { certificate: gone.pem, key: gone.pem }")

    assert become == []


def test_who_starts_beside_a_process_that_serves_is_warned(become, tmp_path, capsysbinary):
    with socket.socket() as serving:
        serving.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        serving.bind(("127.0.0.1", 0))
        serving.listen()
        address = f"127.0.0.1:{serving.getsockname()[1]}"
        text = config_text("http://127.0.0.1:1").replace("127.0.0.1:0", address, 1)
        assert address in text
        (tmp_path / "config.yaml").write_text(text)
        (tmp_path / "rules.yaml").write_text(RULES)
        run(tmp_path / "config.yaml", tmp_path / "rules.yaml")
    os.close(int(become[0][1][-1]))

    assert b'"event":"port_shared"' in capsysbinary.readouterr().out
