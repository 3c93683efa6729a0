import json
import os
import subprocess
import sys
from pathlib import Path

from proxy.filter.cache import Cache
from proxy.filter.verdict import Does, Verdict
from proxy.problems import Place
from proxy.telemetry import metrics as module
from proxy.telemetry.metrics import (
    FOLDER,
    Metrics,
    Tally,
    VerdictSummary,
    WorkerHealth,
    summary_of,
    summary_of_tags,
)

ROOT = Path(__file__).parents[2]


def test_what_was_counted_is_on_the_page_and_counted_once():
    metrics = Metrics()
    metrics.tally.add("requests", "callkom.io", "document", "2xx")
    metrics.tally.add("requests", "callkom.io", "document", "2xx")
    metrics.page()
    page = metrics.page().decode()

    assert 'consent_proxy_requests_total{kind="document",site="callkom.io",status="2xx"} 2.0' in page


def test_verdicts_are_added_up_by_site_however_often_the_same_is_said():
    metrics = Metrics()
    google, both = (("google", "tag", "hold"), 2), (("google", "cookie", "drop"), 1)
    page, other = VerdictSummary("page", "", (google, both)), VerdictSummary("other page", "", (google,))
    for site, said in [("a.test", page), ("b.test", page), ("a.test", page), ("a.test", other)]:
        metrics.tally.count_verdicts(site, said)
    shown = metrics.page().decode()
    metrics.tally.count_verdicts("b.test", page)
    later = metrics.page().decode()

    def figure(text: str, site: str, kind: str, does: str) -> str:
        labels = f'does="{does}",kind="{kind}",provider="google",site="{site}"'
        return text.partition(f"consent_proxy_verdicts_total{{{labels}}} ")[2].partition("\n")[0]

    assert figure(shown, "a.test", "tag", "hold") == "6.0"
    assert figure(shown, "a.test", "cookie", "drop") == "2.0"
    assert figure(shown, "b.test", "tag", "hold") == "2.0"
    assert figure(later, "b.test", "tag", "hold") == "4.0"


def test_of_what_is_said_only_so_much_waits_to_be_added_up():
    tally = Tally()
    for number in range(5000):
        tally.count_verdicts("a.test", VerdictSummary(number, "", ((("google", "tag", "hold"), 1),)))

    assert tally.counts["verdicts", "a.test", "google", "tag", "hold"] > 2000
    assert len(tally._summaries) < 2100


def test_a_time_is_counted_in_each_bucket_of_its_histogram_that_holds_it():
    metrics = Metrics()
    metrics.tally.observe("own_seconds", "callkom.io", 0.0007)
    page = metrics.page().decode()

    assert 'own_seconds_bucket{le="0.0005",site="callkom.io"} 0.0' in page
    assert 'own_seconds_bucket{le="0.001",site="callkom.io"} 1.0' in page


def test_a_gauge_shows_its_last_value():
    metrics = Metrics()
    metrics.gauge("upstream_connections", 3)
    metrics.gauge("upstream_connections", 5)

    assert "consent_proxy_upstream_connections 5.0" in metrics.page().decode()


WORKER = """
import sys
from proxy.telemetry.metrics import Metrics
metrics = Metrics()
metrics.tally.add("requests", "callkom.io", "document", "2xx", by=3)
metrics.gauge("upstream_connections", 2)
metrics.gauge("upstream_up", int(sys.argv[1]), "callkom.io", "http://a")
metrics.gauge("open_files", 10 + int(sys.argv[1]))
metrics.gauge("records_lost", 3)
metrics.count("cpu_seconds", 0.5)
metrics.flush()
print(metrics.page().decode())
"""


def test_figures_of_several_processes_are_added_up(tmp_path):
    environment = {**os.environ, FOLDER: str(tmp_path), "PYTHONPATH": str(ROOT)}
    pages = [
        subprocess.run(
            [sys.executable, "-c", WORKER, str(number)],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in range(2)
    ]

    assert 'requests_total{kind="document",site="callkom.io",status="2xx"} 6.0' in pages[1]
    assert "cpu_seconds_total 1.0" in pages[1]


def test_of_several_processes_the_one_that_is_worst_off_counts(tmp_path):
    environment = {**os.environ, FOLDER: str(tmp_path), "PYTHONPATH": str(ROOT)}
    for number in (1, 0, 1):
        command = [sys.executable, "-c", WORKER, str(number)]
        page = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    assert 'upstream_up{site="callkom.io",upstream="http://a"} 0.0' in page
    assert "open_files 11.0" in page


def test_what_a_process_has_lost_stays_lost_after_it_ended(tmp_path):
    """Or the figure falls when a worker ends, and the alert takes what is left for new losses."""
    environment = {**os.environ, FOLDER: str(tmp_path), "PYTHONPATH": str(ROOT)}
    for number in range(2):
        command = [sys.executable, "-c", WORKER, str(number)]
        page = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
        for path in tmp_path.glob("gauge_live*.db"):
            path.unlink()

    assert "records_lost 6.0" in page
    assert "upstream_connections 2.0" in page


def test_gauges_of_the_whole_stand_on_the_page_as_they_are_given():
    page = Metrics().page({"ready": True, "workers_alive": 2}).decode()

    assert "# TYPE consent_proxy_workers_alive gauge\nconsent_proxy_workers_alive 2.0\n" in page
    assert page.endswith("\n")
    assert "consent_proxy_ready 1.0\n" in page


def test_health_says_in_words_why_not():
    health = WorkerHealth()
    assert health.readiness() == {"ready": False, "why": ["starting"], "doubts": {}}
    health.started = True
    health.reasons["records"] = "disk full"
    assert health.readiness() == {"ready": True, "why": [], "doubts": {"records": "disk full"}}
    health.stopping = True
    assert health.readiness()["why"] == ["stopping"]


def test_many_times_count_as_if_each_had_been_observed():
    import prometheus_client

    metrics, plain = Metrics(), prometheus_client.CollectorRegistry()
    other = prometheus_client.Histogram(
        "consent_proxy_own_seconds", "x", ["site"], registry=plain, buckets=module._SECONDS
    )
    for seconds in (0.0, 0.0005, 0.00051, 0.03, 1.0, 29.9, 30.0, 31.0, 1000.0):
        metrics.tally.observe("own_seconds", "callkom.io", seconds)
        other.labels("callkom.io").observe(seconds)
    metrics.flush()
    expected = [
        line
        for line in prometheus_client.generate_latest(plain).decode().splitlines()
        if "{" in line and "_created" not in line
    ]

    assert set(expected) <= set(metrics.page().decode().splitlines())


PLACE = Place("rules.yaml", 7)
HOLD = Verdict(Does.HOLD, PLACE, "google")
STRANGE = Verdict(Does.HOLD, note="evil.example")
DROP = Verdict(Does.DROP, PLACE, "google")


def test_equal_verdicts_are_said_once_with_their_number():
    said = summary_of_tags((HOLD, STRANGE, HOLD, Verdict(Does.HOLD, PLACE, "google")))

    assert json.loads(f"{{{said.words}}}") == {"tag hold google rules.yaml:7": 3, "tag hold evil.example": 1}
    assert dict(said.counts) == {("google", "tag", "hold"): 3, ("undeclared", "tag", "hold"): 1}


def test_what_was_judged_on_a_head_is_said_by_kind():
    said = summary_of([("cookie", DROP), ("cookie", DROP), ("header", Verdict(Does.DROP, note="link"))])

    assert json.loads(f"{{{said.words}}}") == {"cookie drop google rules.yaml:7": 2, "header drop link": 1}
    assert dict(said.counts) == {("google", "cookie", "drop"): 2, ("undeclared", "header", "drop"): 1}


def test_what_was_said_is_remembered_for_those_very_verdicts_and_no_others():
    for _ in range(2):
        for kind in ("cookie", "header"):
            for number in range(200):
                verdict = Verdict(
                    Does.DROP, Place("rules.yaml", number), "google"
                )  # may get the id of the last
                (words,) = json.loads(f"{{{summary_of([(kind, verdict)]).words}}}")
                assert words == f"{kind} drop google rules.yaml:{number}"
                for tags in ((verdict,), [verdict]):
                    (words,) = json.loads(f"{{{summary_of_tags(tags).words}}}")
                    assert words == f"tag drop google rules.yaml:{number}"


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "_summaries", Cache(10))
    for number in range(50):
        summary_of_tags((Verdict(Does.HOLD, note=str(number)),))

    assert len(module._summaries) <= 10


def test_pages_that_are_alike_are_summed_once_and_a_page_that_goes_on_anew():
    tags = [HOLD, STRANGE]
    first = summary_of_tags(tags)

    assert summary_of_tags([HOLD, STRANGE]) is first
    tags.append(HOLD)
    assert dict(summary_of_tags(tags).counts) == {
        ("google", "tag", "hold"): 2,
        ("undeclared", "tag", "hold"): 1,
    }
    assert summary_of_tags([HOLD] * (module.MAX_CACHED_VERDICTS + 1)).counts == (
        (("google", "tag", "hold"), module.MAX_CACHED_VERDICTS + 1),
    )
