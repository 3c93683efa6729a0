"""Alerts fire each on its own fault, their runbooks are there, and the board asks for metrics that exist."""

import json
import re
import shutil
import subprocess

import pytest
import yaml

from tests.shared import ROOT

FOLDER = ROOT / "deploy" / "prometheus"
ALERTS = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"][0]["rules"]
BOARD = json.loads((ROOT / "deploy" / "grafana" / "consent-proxy.json").read_text())
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
PUBLIC = (ROOT / "docs" / "public.md").read_text()
METRICS = dict(re.findall(r"^\| `(consent_proxy_\w+)` \| (.*)\|$", PUBLIC, re.MULTILINE))

HEALTHY = {
    'up{job="consent-proxy"}': "1x120",
    "consent_proxy_ready": "1x120",
    "consent_proxy_workers_configured": "2x120",
    "consent_proxy_workers_alive": "2x120",
    "consent_proxy_records_down": "0x120",
    "consent_proxy_records_lost": "0x120",
    "consent_proxy_rules_refused": "0x120",
    "consent_proxy_upstream_waiting": "0 5 0 0 2 0x120",
    'consent_proxy_upstream_up{site="a",upstream="http://b"}': "1x120",
    'consent_proxy_upstream_up{site="a",upstream="http://gone"}': " ".join(["NaN"] * 121),
    'consent_proxy_unreadable_total{site="a"}': "3x120",
    'consent_proxy_undeclared_total{site="a",kind="host",evidence="seen"}': "7x120",
    "consent_proxy_certificate_days_left": "60x120",
    "consent_proxy_open_files": "100x120",
    "consent_proxy_open_files_limit": "1000x120",
    'consent_proxy_own_seconds_bucket{site="a",le="0.01"}': "0+100x120",
    'consent_proxy_own_seconds_bucket{site="a",le="0.1"}': "0+100x120",
    'consent_proxy_own_seconds_bucket{site="a",le="+Inf"}': "0+100x120",
    'consent_proxy_answers_total{site="a",choice="accept"}': "0+10x120",
    'consent_proxy_answers_total{site="a",choice="refuse"}': "0+10x120",
}
FAULTS = {
    "ConsentProxyDown": {'up{job="consent-proxy"}': "1x20 0x100"},
    "ConsentProxyNotReady": {"consent_proxy_ready": "1x20 0x100"},
    "ConsentProxyWorkersMissing": {"consent_proxy_workers_alive": "2x20 1x100"},
    "ConsentProxyStoreFailing": {"consent_proxy_records_down": "0x20 1x100"},
    "ConsentProxyRefusalsLost": {"consent_proxy_records_lost": "0x84 4x100"},
    "ConsentProxyPagesRefused": {'consent_proxy_unreadable_total{site="a"}': "3x84 4x100"},
    "ConsentProxyUpstreamDown": {'consent_proxy_upstream_up{site="a",upstream="http://b"}': "1x20 0x100"},
    "ConsentProxyUndeclaredProvider": {
        'consent_proxy_undeclared_total{site="a",kind="host",evidence="seen"}': "7x84 8x100"
    },
    "ConsentProxyReloadRefused": {"consent_proxy_rules_refused": "0x20 1x100"},
    "ConsentProxySlow": {'consent_proxy_own_seconds_bucket{site="a",le="0.01"}': "0+80x120"},
    "ConsentProxyCertificateEnds": {"consent_proxy_certificate_days_left": "13x120"},
    "ConsentProxyQueue": {"consent_proxy_upstream_waiting": "0x20 5x100"},
    "ConsentProxyFilesRunOut": {"consent_proxy_open_files": "900x120"},
}
FIRST_OF_ITS_KIND = {  # a count that was never there: `increase` alone does not see it
    "ConsentProxyPagesRefused": {'consent_proxy_unreadable_total{site="new"}': "_x84 1x100"},
    "ConsentProxyUndeclaredProvider": {
        'consent_proxy_undeclared_total{site="a",kind="cookie",evidence="seen"}': "_x84 1x100"
    },
}
A_FORTNIGHT = {
    'consent_proxy_answers_total{site="a",choice="accept"}': "0+10x240 2400+2x100",
    'consent_proxy_answers_total{site="a",choice="refuse"}': "0+10x240 2400+18x100",
}
FIRING = 'sum by (alertname) (ALERTS{alertstate="firing"})'


def scenario(name: str, series: dict[str, str], firing: list[str], *, interval: str = "1m", at: str = "90m"):
    return {
        "name": name,
        "interval": interval,
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {
                "expr": FIRING,
                "eval_time": at,
                "exp_samples": [{"labels": f'{{alertname="{one}"}}', "value": 1} for one in firing],
            }
        ],
    }


SCENARIOS = [
    scenario("all is well", HEALTHY, []),
    *(scenario(name, {**HEALTHY, **fault}, [name]) for name, fault in FAULTS.items()),
    *(scenario(f"first {name}", {**HEALTHY, **fault}, [name]) for name, fault in FIRST_OF_ITS_KIND.items()),
]
LONG_SCENARIOS = [
    scenario("a fortnight", A_FORTNIGHT, ["ConsentProxyConsentRateFallen"], interval="1h", at="290h"),
    scenario("before it fell", A_FORTNIGHT, [], interval="1h", at="230h"),
]


def promtool(*arguments: object) -> subprocess.CompletedProcess[str]:
    program = shutil.which("promtool")
    if program is None:
        pytest.skip("promtool is not installed (Debian: apt-get install prometheus)")
    return subprocess.run(
        [program, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=100
    )


@pytest.mark.parametrize(
    ("scenarios", "every"), [(SCENARIOS, "1m"), (LONG_SCENARIOS, "30m")], ids=["short", "long"]
)
def test_each_alert_fires_on_its_own_fault_and_on_no_other(tmp_path, scenarios, every):
    path = tmp_path / "alerts.test.yaml"
    suite = {"rule_files": [str(FOLDER / "alerts.yaml")], "evaluation_interval": every, "tests": scenarios}
    path.write_text(yaml.safe_dump(suite, sort_keys=False))
    told = promtool("test", "rules", path)

    assert told.returncode == 0, told.stdout + told.stderr


def test_every_alert_has_its_scenario():
    assert {one["alert"] for one in ALERTS} == {*FAULTS, "ConsentProxyConsentRateFallen"}


def test_prometheus_takes_the_rules_and_the_config():
    told = promtool("check", "config", FOLDER / "prometheus.yaml")

    assert told.returncode == 0, told.stdout + told.stderr


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])
def test_every_alert_leads_to_its_section_of_the_runbook(alert):
    page, _, anchor = alert["annotations"]["runbook"].partition("#")

    assert (ROOT / page).is_file()
    assert anchor == alert["alert"].lower()
    section = RUNBOOK.partition(f"\n## {alert['alert']}\n")[2].partition("\n## ")[0]
    assert len(section.split()) > 15


def test_the_runbook_has_no_section_without_an_alert():
    assert set(re.findall(r"^## (\w+)$", RUNBOOK, re.MULTILINE)) == {one["alert"] for one in ALERTS}


def named(expression: str) -> set[str]:
    names = re.findall(r"\bconsent_proxy_\w+", expression)
    return {re.sub(r"_(?:bucket|sum|count)$", "", name) for name in names}


def test_alerts_and_board_ask_for_metrics_that_exist_and_the_board_for_nearly_all():
    asked = named(json.dumps(BOARD))
    watched = {name for alert in ALERTS for name in named(alert["expr"])}

    assert (asked | watched) - METRICS.keys() == set()
    assert METRICS.keys() - asked - watched <= {
        "consent_proxy_rewritten_bytes_total", "consent_proxy_passed_unread_total", "consent_proxy_reports_total",
        "consent_proxy_alerts_total", "consent_proxy_reloads_total", "consent_proxy_sites_off",
    }  # fmt: skip


def test_labels_that_the_board_groups_by_are_those_of_its_metrics():
    for panel in BOARD["panels"]:
        for target in panel.get("targets", ()):
            labels = {"instance", "le"} | set(
                re.findall(r"`(\w+)`", " ".join(METRICS[name] for name in named(target["expr"])))
            )
            grouped = {
                label.strip()
                for text in re.findall(r"by \(([^)]*)\)", target["expr"])
                for label in text.split(",")
            }
            used = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))

            assert grouped <= labels, target
            assert used <= labels, target
            assert not grouped or used <= grouped, target


def test_panels_of_the_board_lie_beside_each_other():
    cells = [
        (x, y)
        for panel in BOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
