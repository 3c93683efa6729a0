"""The command on the planted site: its files, its lines, what it says beside other reports."""

import json
import subprocess
import sys

import pytest
from jsonschema import Draft202012Validator

from proxy.audit.document import SCHEMA
from tests.audit.planted_site import RULES
from tests.shared import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.load]


def audit(port, third, *arguments):
    resolve = ["--resolve", f"callkom.io:443:127.0.0.1:{port}", "--resolve", f"*:*:127.0.0.1:{third}"]
    return subprocess.run(
        [sys.executable, "-m", "proxy", "audit", "callkom.io", "--rules", str(RULES), "--insecure", *resolve, *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=250,
    )  # fmt: skip


def test_a_site_without_the_proxy_is_reported_and_compared_with_the_report_before(
    direct, third_parties, tmp_path
):
    first, html = tmp_path / "first.json", tmp_path / "first.html"
    common = ("--states", "none,functional", "--pages", "1")
    told = audit(direct, third_parties, *common, "--json", first, "--html", html)
    report = json.loads(first.read_text("utf-8"))

    assert told.returncode == 1, told.stderr
    assert told.stdout.splitlines()[-1].startswith("audit: violations: ")
    assert "functional: not decided, so not judged: Complianz" in told.stdout
    assert list(Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).iter_errors(report)) == []
    assert "ab_bucket" in html.read_text("utf-8")
    assert "metrics-lab" not in report["to_write"]
    assert "nobody-tells.example" in report["to_write"]

    del report["findings"][0]
    first.write_text(json.dumps(report))
    again = audit(
        direct,
        third_parties,
        "--states",
        "none",
        "--pages",
        "1",
        "--compare",
        first,
        "--json",
        tmp_path / "second.json",
    )

    assert "1 new, 0 gone" in again.stdout


def test_the_same_site_without_the_proxy_stands_beside(direct, behind, third_parties, tmp_path):
    file = tmp_path / "report.json"
    more = ["--resolve", f"shop.example:443:127.0.0.1:{direct}", "--before", "https://shop.example/"]
    told = audit(behind(), third_parties, *more, "--states", "none", "--pages", "1", "--json", file)
    assert told.returncode == 3, told.stdout + told.stderr

    report = json.loads(file.read_text("utf-8"))
    assert report["summary"]["violations"] == 0
    assert report["before"]["summary"]["violations"] > 20
    assert list(Draft202012Validator(json.loads(SCHEMA.read_text("utf-8"))).iter_errors(report)) == []
