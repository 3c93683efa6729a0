"""What is new since an earlier report."""

import pytest

from proxy.audit.comparison import ReportError, compared, read_report


def finding(name, fact="before"):
    return {
        "severity": "violation",
        "fact": fact,
        "what": "cookie",
        "name": name,
        "where": "a.io",
        "why": "x",
        "pages": [],
    }


def test_what_is_new_and_what_is_gone_is_named():
    old = {"date": "2026-11-01", "findings": [finding("kept"), finding("gone")]}
    now = {"findings": [finding("kept"), finding("came"), finding("kept", "refused")]}
    said = compared(old, now)

    assert said["since"] == "2026-11-01"
    assert [(one["name"], one["fact"]) for one in said["new"]] == [("came", "before"), ("kept", "refused")]
    assert [one["name"] for one in said["gone"]] == ["gone"]
    assert said["same"] == 1


@pytest.mark.parametrize("text", ["{", "[]", '{"findings": 1}'])
def test_what_is_no_report_is_refused(text):
    with pytest.raises(ReportError, match="earlier report"):
        read_report(text)
