"""What a proxy says of itself at its admin address, as an audit understands it."""

import pytest

from proxy.audit.plan import PlanError
from proxy.audit.proxy_view import ask_proxy, status_address, view_of
from proxy.commands.terminal import read_policy
from tests.audit.planted_site import RULES
from tests.e2e.conftest import Running
from tests.ports import free_port


def worker(mode, digest="a", hosts=("callkom.io",)):
    return {"policy": {"digest": digest}, "sites": [{"hosts": list(hosts), "mode": mode}]}


def test_refused_cookies_are_hidden_where_all_workers_enforce_the_same_rules():
    assert view_of(worker("enforce"), ["callkom.io"], "x").hides_refused("a")
    assert view_of({"workers": [worker("enforce")] * 2}, ["callkom.io"], "x").hides_refused("a")
    assert not view_of(worker("observe"), ["callkom.io"], "x").hides_refused("a")
    assert not view_of(
        {"workers": [worker("enforce"), worker("enforce", "b")]}, ["callkom.io"], "x"
    ).hides_refused("a")
    before, after = (view_of(worker(mode), ["callkom.io"], "x") for mode in ("enforce", "observe"))
    assert not before.and_then(after).hides_refused("a")


def test_only_sites_of_the_audited_hosts_are_looked_at():
    other = {"hosts": ["other.example"], "mode": "observe"}
    state = worker("enforce", hosts=["callkom.io", "shop.callkom.io"])
    state["sites"].insert(0, other)

    assert view_of(state, ["shop.callkom.io"], "x").modes == {"enforce"}
    assert view_of(state, ["elsewhere.example"], "x").modes == set()


def test_a_host_counts_as_served_where_every_worker_serves_it_before_and_after():
    both = ["callkom.io", "shop.callkom.io"]
    wide, narrow = view_of(worker("enforce", hosts=both), both, "x"), view_of(worker("enforce"), both, "x")

    assert wide.hosts == set(both)
    assert view_of({"workers": [worker("enforce", hosts=both), worker("enforce")]}, both, "x").hosts == {
        "callkom.io"
    }
    assert wide.and_then(narrow).hosts == {"callkom.io"}


def test_the_state_is_asked_for_at_the_admin_address_alone():
    assert status_address("127.0.0.1:9100") == "http://127.0.0.1:9100/status"
    assert status_address("http://[::1]:9100/metrics") == "http://[::1]:9100/status"
    with pytest.raises(PlanError, match="no admin address"):
        status_address("file:///etc/passwd")


def test_an_address_where_nothing_answers_is_named():
    with pytest.raises(PlanError, match="no state of a proxy"):
        ask_proxy(f"127.0.0.1:{free_port()}", ["callkom.io"])


@pytest.mark.e2e
def test_a_running_proxy_says_that_it_enforces_the_rules(tmp_path):
    proxy = Running(tmp_path, free_port(), rules=RULES)
    try:
        view = ask_proxy(f"http://127.0.0.1:{proxy.admin}/", ["callkom.io"])
        with pytest.raises(PlanError, match="serves none of"):
            ask_proxy(f"127.0.0.1:{proxy.admin}", ["elsewhere.example"])
    finally:
        proxy.stop()

    assert view.hides_refused(read_policy(RULES).digest)


def test_rules_of_other_sites_say_nothing_of_the_audited_one():
    state = worker("enforce", "a, b")
    state["sites"][0]["policy"] = {"digest": "a"}
    state["sites"].append({"hosts": ["example.fr"], "mode": "enforce", "policy": {"digest": "b"}})

    assert view_of(state, ["callkom.io"], "x").hides_refused("a")
    assert not view_of(state, ["callkom.io", "example.fr"], "x").hides_refused("a")
