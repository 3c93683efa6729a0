"""How the browser is started: a profile that has never been anywhere, and the sandbox kept."""

import contextlib
from pathlib import Path

import pytest

from proxy.audit.browser import chromium, fresh_profile
from proxy.audit.plan import Plan, checked_resolve


class Engine:
    """Plays Playwright: notes how a browser is started."""

    def __init__(self):
        self.chromium = self
        self.folder, self.options, self.closed = None, {}, False

    def launch_persistent_context(self, folder, **options):
        self.folder, self.options = Path(folder), options
        self.held = sorted(str(one.relative_to(folder)) for one in self.folder.rglob("*") if one.is_file())
        return self

    def close(self):
        self.closed = True


def plan(**more):
    return Plan(("https://callkom.io/",), ("none",), **more)


@pytest.mark.parametrize(("user", "sandbox"), [(1000, True), (0, False)])
def test_the_sandbox_is_kept_unless_the_audit_runs_as_root(monkeypatch, user, sandbox):
    monkeypatch.setattr("os.geteuid", lambda: user)
    engine = Engine()
    with fresh_profile(engine, plan()):
        pass

    assert engine.options["chromium_sandbox"] is sandbox
    assert "--no-sandbox" not in engine.options["args"]


def test_a_profile_is_new_and_gone_afterwards_even_where_a_visit_fails():
    engine = Engine()
    with contextlib.suppress(RuntimeError), fresh_profile(engine, plan()):
        assert engine.folder.is_dir()
        raise RuntimeError

    assert engine.held == ["Default/Preferences"]
    assert engine.closed
    assert not engine.folder.exists()
    assert engine.options["accept_downloads"] is False


def test_certificates_and_resolving_are_as_the_command_says():
    engine = Engine()
    with fresh_profile(engine, plan(resolve=(checked_resolve("a.io:443:127.0.0.1:1"),), insecure=True)):
        pass

    assert "--host-resolver-rules=MAP a.io:443 127.0.0.1:1, EXCLUDE 127.0.0.1" in engine.options["args"]
    assert engine.options["ignore_https_errors"] is True


def test_a_named_browser_is_used():
    assert chromium(plan(browser=Path("/opt/chrome"))) == "/opt/chrome"
