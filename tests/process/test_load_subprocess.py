"""A process of its own reads the files: what it read, or what is wrong, is what the caller gets."""

import sys

import pytest

from proxy.errors import ConfigError, StartError
from proxy.process import load_subprocess
from proxy.process.load_subprocess import read_in_subprocess
from proxy.process.rules_tests import RulesTests
from tests.process.test_rules_tests import FAILING, LINE
from tests.support.proxying import config_text


def test_it_returns_what_was_read_and_raises_what_was_raised(tmp_path):
    (tmp_path / "config.yaml").write_text(config_text("http://127.0.0.1:1"))
    (tmp_path / "rules.yaml").write_text(FAILING)
    (tmp_path / "bad.yaml").write_text(config_text("ftp://127.0.0.1:1"))

    config, policies, languages, doubt = read_in_subprocess(
        tmp_path / "config.yaml", tmp_path / "rules.yaml", RulesTests.WARN
    )
    with pytest.raises(ConfigError) as error:
        read_in_subprocess(tmp_path / "bad.yaml", tmp_path / "rules.yaml", RulesTests.WARN)

    assert (config.sites[0].hosts[0], policies.versions) == ("callkom.io", "2026-11-01")
    assert f"rules.yaml:{LINE}" in doubt
    assert "fr" in languages.all
    assert str(error.value.problems[0]).startswith("bad.yaml:4:")


@pytest.mark.parametrize("program", [[sys.executable, "-c", "raise SystemExit(3)"], ["/no/such/python"]])
def test_one_that_cannot_be_started_or_breaks_is_a_sentence(monkeypatch, tmp_path, program):
    monkeypatch.setattr(load_subprocess, "command", lambda *_: program)

    with pytest.raises(StartError, match="the files could not be read by a subprocess: "):
        read_in_subprocess(tmp_path / "config.yaml", tmp_path / "rules.yaml", RulesTests.REFUSE)


def test_one_that_never_ends_is_ended(monkeypatch, tmp_path):
    monkeypatch.setattr(load_subprocess, "_TIMEOUT", 0.05)
    monkeypatch.setattr(
        load_subprocess, "command", lambda *_: [sys.executable, "-c", "import time; time.sleep(60)"]
    )

    with pytest.raises(StartError, match="timed out"):
        read_in_subprocess(tmp_path / "config.yaml", tmp_path / "rules.yaml", RulesTests.REFUSE)
