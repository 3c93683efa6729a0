from proxy.console import page_data
from proxy.console.metric_lines import Counted

STARTING: dict = {}


def worker(**more):
    return {
        "ready": True,
        "doubts": {},
        "version": "1.0",
        "filter": "compiled",
        "process": {"pid": 7, "since": 10.5, "cpu_seconds": 1.234, "memory_bytes": 99, "connections": 3},
        "policy": {"version": "a", "digest": "d", "loaded_at": 20.5},
        "last_reload": {"outcome": "none"},
        "records": {"store": "sqlite p.db", "waiting": 1, "lost": 0},
        "sites": [site(up=True)],
        **more,
    }


def site(*, up):
    return {"hosts": ["a.io", "b.io"], "mode": "enforce", "upstreams": [{"address": "http://u", "up": up}]}


def test_a_worker_that_starts_is_told_as_not_ready_and_spoils_nothing():
    states = [STARTING, worker()]

    assert page_data.build(states) == {"version": "1.0", "build": "compiled", "compiled": True}
    assert page_data.workers(states) == [
        {**dict.fromkeys(("pid", "since", "cpu_seconds", "memory_bytes", "connections")), "ready": False},
        {"pid": 7, "ready": True, "since": 10, "cpu_seconds": 1.23, "memory_bytes": 99, "connections": 3},
    ]
    assert page_data.rules(states, "r.yaml") == {
        "version": "a",
        "file": "r.yaml",
        "loaded_at": 20,
        "refused": None,
    }


def test_while_nobody_has_started_there_is_nothing_to_say():
    assert page_data.build([STARTING])["version"] is None
    assert page_data.rules([], "r.yaml")["version"] is None
    assert page_data.store([STARTING]) == {"name": None, "ok": False, "why": None, "waiting": 0, "lost": 0}
    assert page_data.sites([STARTING]) == []


def test_rules_that_one_worker_refuses_are_refused():
    refusal = {"outcome": "refused", "problems": ["r.yaml:3:5: no"], "at": 30.9}
    found = page_data.rules([worker(), worker(last_reload=refusal)], "r.yaml")

    assert found["refused"] == {"at": 30, "problems": ["r.yaml:3:5: no"]}


def test_the_store_is_well_where_no_worker_doubts_it():
    broken = worker(
        doubts={"records": "disk full"}, records={"store": "sqlite p.db", "waiting": 4, "lost": 2}
    )

    assert page_data.store([worker(), worker()])["ok"]
    assert page_data.store([worker(), broken]) == {
        "name": "sqlite p.db",
        "ok": False,
        "why": "disk full",
        "waiting": 5,
        "lost": 2,
    }


def test_an_upstream_that_one_worker_finds_down_is_down():
    assert page_data.sites([worker(), worker(sites=[site(up=False)])]) == [
        {
            "name": "a.io",
            "hosts": ["a.io", "b.io"],
            "mode": "enforce",
            "upstreams": [{"address": "http://u", "up": False}],
        }
    ]
    assert page_data.sites([worker()])[0]["upstreams"][0]["up"]


def test_verdicts_come_with_the_most_first():
    counted = Counted()
    counted.verdicts["a.io", "x", "tag", "hold"] = 1
    counted.verdicts["a.io", "y", "cookie", "drop"] = 5

    assert [one["provider"] for one in page_data.verdicts(counted)] == ["y", "x"]
    assert page_data.verdicts(counted)[1] == {
        "site": "a.io",
        "provider": "x",
        "what": "tag",
        "does": "hold",
        "count": 1,
    }
