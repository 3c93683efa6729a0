"""`consent-proxy audit`: what it says before a browser starts."""

import subprocess
import sys

import pytest

from tests.commands.running import ROOT, run


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["ftp://callkom.io/"], "cannot be visited"),
        (["callkom.io", "--states", "none,refused"], "there is no state 'refused'"),
        (["callkom.io", "--resolve", "callkom.io"], "HOST:PORT:ADDRESS"),
        (["callkom.io", "--compare", "missing.json"], "there is no report at missing.json"),
    ],
)
def test_what_cannot_be_visited_is_said_before_a_browser_starts(arguments, said):
    told = run("audit", *arguments)

    assert told.returncode == 2
    assert said in told.stderr


def test_without_playwright_the_command_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "playwright.sync_api", None)
    told = run("audit", "callkom.io")

    assert told.returncode == 1
    assert "pip install '.[audit]'" in told.stderr


def test_nothing_but_the_audit_imports_playwright():
    code = "import sys; from proxy.cli import app_of; app_of(); print('playwright' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)

    assert told.stdout.strip() == "False"
