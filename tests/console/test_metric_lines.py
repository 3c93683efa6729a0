from proxy.console.metric_lines import counted
from proxy.filter.verdict import Does, Verdict
from proxy.telemetry.metrics import Metrics, summary_of


def test_what_the_page_for_prometheus_says_is_read_back():
    metrics = Metrics()
    tally = metrics.tally
    for _ in range(3):
        tally.count_request("callkom.io", "document", 200, 0.0004, 0.03)
    tally.count_request("callkom.io", "asset", 502, 0.0004, 0.03)
    tally.count_request("b.io", "document", 500, 0.2, 40.0)
    tally.add("requests", "callkom.io", "own", "2xx", by=4)
    tally.count_verdicts("callkom.io", summary_of([("cookie", Verdict(Does.DROP, provider="google"))]))
    found = counted(metrics.page())

    assert (found.requests, found.documents, found.failed, found.own) == (9, 4, 2, 4)
    assert found.verdicts == {("callkom.io", "google", "cookie", "drop"): 1}
    assert (found.upstream[0.025], found.upstream[0.05], found.upstream[float("inf")]) == (0, 4, 5)
    assert (found.own_work[0.00025], found.own_work[0.0005], found.own_work[0.25]) == (0, 4, 5)


def test_a_page_without_a_request_is_all_nothing():
    found = counted(Metrics().page())

    assert (found.requests, found.documents, found.failed, found.own) == (0, 0, 0, 0)
    assert not found.verdicts


def test_labels_are_read_whatever_is_in_them():
    line = r'consent_proxy_verdicts_total{does="hold",kind="tag",provider="a\"},\\b\n",site="x\\n"} 2.0'
    found = counted(line.encode() + b"\n")

    assert found.verdicts == {("x\\n", 'a"},\\b\n', "tag", "hold"): 2}


def test_days_of_the_certificate_and_requests_in_line_are_read_and_their_absence_too():
    page = b"""
consent_proxy_certificate_days_left 3.9
consent_proxy_upstream_waiting{site="a",upstream="u"} 2.0
consent_proxy_upstream_waiting{site="b",upstream="u"} 1.0
"""
    gone = counted(b"consent_proxy_certificate_days_left NaN\n")

    assert (counted(page).certificate_days, counted(page).in_line) == (3, 3)
    assert (gone.certificate_days, gone.in_line) == (None, 0)
