"""`make audit-demo`: both reports of the demo site."""

import json
import os
import subprocess
import sys

import pytest

from tests.shared import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.load, pytest.mark.timeout(400)]


def test_both_reports_of_the_demo_site_are_written(tmp_path):
    told = subprocess.run(
        [sys.executable, "-m", "tools.audit_demo", "--pages", "2", "--states", "none"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True, text=True, check=False, timeout=390,
    )  # fmt: skip
    folder = tmp_path / ".audit-demo"
    without, with_ = (
        json.loads((folder / f"{name}-proxy.json").read_text("utf-8")) for name in ("without", "with")
    )

    assert without["behind_proxy"] is False, told.stdout + told.stderr
    assert without["summary"]["violations"] > 0
    assert with_["behind_proxy"] is True
    assert with_["summary"]["violations"] == 0, with_["findings"]
    assert with_["before"]["summary"] == without["summary"]
    assert told.returncode == with_["exit"]
    for name in ("without", "with"):
        assert "Set or loaded before a choice" in (folder / f"{name}-proxy.html").read_text("utf-8")
