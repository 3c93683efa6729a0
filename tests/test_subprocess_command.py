"""A process of our own is our program, whatever lies in the folder where it starts."""

import subprocess
import sys
from pathlib import Path

import pytest

from proxy.subprocess_command import command

ROOT = Path(__file__).parents[1]


def test_a_strangers_module_in_the_folder_where_we_were_started_is_not_run(tmp_path, monkeypatch):
    (tmp_path / "proxy.py").write_text("raise SystemExit('a stranger ran')")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "bin"), *sys.path])
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ran = subprocess.run(
        command("proxy", "--version"), cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert ran.stdout.startswith("consent-proxy ")


@pytest.mark.parametrize("first", ["", "here"])
def test_whoever_runs_the_sources_where_they_lie_finds_them_there_again(first, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path) if first else "", *sys.path])

    assert command("proxy", "serve") == [sys.executable, "-m", "proxy", "serve"]
