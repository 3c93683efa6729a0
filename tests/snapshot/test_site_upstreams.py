"""Upstreams of each site: those that a reload does not change stay as they are, the others are let go."""

import pytest

from proxy.config.loading import load_config
from proxy.snapshot.site_upstreams import UpstreamsBySite

SITES = """
listen: 127.0.0.1:0
sites:
  - { hosts: [callkom.io, www.callkom.io], upstream: ["http://127.0.0.1:1", "http://127.0.0.1:2"] }
  - { hosts: app.callkom.io, upstream: "http://127.0.0.1:3" }
"""


@pytest.fixture
async def upstreams():
    found = UpstreamsBySite()
    yield found
    await found.close()


async def test_each_site_has_its_upstreams_under_its_first_name(upstreams):
    found = await upstreams.update(load_config(SITES))

    assert list(found) == ["callkom.io", "app.callkom.io"]
    assert [state.address for state in found["callkom.io"].snapshot()] == [
        "http://127.0.0.1:1",
        "http://127.0.0.1:2",
    ]


async def test_a_reload_that_changes_nothing_of_them_keeps_them(upstreams):
    before = await upstreams.update(load_config(SITES))
    after = await upstreams.update(load_config(SITES + "language: fr\n"))

    assert all(after[name] is before[name] for name in before)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:4"'),
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:3", upstream_host: x.example'),
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:3", health: /health'),
        ('upstream: "http://127.0.0.1:3"', 'upstream: "http://127.0.0.1:3", ca: own.pem'),
        ("hosts: app.callkom.io", "hosts: new.callkom.io"),
    ],
)
async def test_a_site_whose_upstream_is_another_has_new_ones_and_the_rest_keep_theirs(upstreams, old, new):
    before = await upstreams.update(load_config(SITES))
    after = await upstreams.update(load_config(SITES.replace(old, new)))

    assert after["callkom.io"] is before["callkom.io"]
    assert [*after.values()][1] is not before["app.callkom.io"]
    assert len(upstreams._by_key) == 2


@pytest.mark.parametrize("more", ["timeouts: { connect: 1 s }", "limits: { connections: 3 }"])
async def test_other_timeouts_and_limits_make_all_of_them_anew(upstreams, more):
    before = await upstreams.update(load_config(SITES))
    after = await upstreams.update(load_config(f"{SITES}{more}\n"))

    assert not any(after[name] is before[name] for name in before)


async def test_a_site_that_is_gone_is_let_go(upstreams):
    await upstreams.update(load_config(SITES))
    left = await upstreams.update(load_config("\n".join(SITES.splitlines()[:-1])))

    assert list(left) == ["callkom.io"]
    assert len(upstreams._by_key) == 1


async def test_closing_leaves_none(upstreams):
    await upstreams.update(load_config(SITES))
    await upstreams.close()

    assert upstreams._by_key == {}
