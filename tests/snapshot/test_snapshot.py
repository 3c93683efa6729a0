"""A snapshot is built whole or not at all, and gives each request what is known of it."""

from types import SimpleNamespace

import pytest

from proxy.config.loading import load_config
from proxy.config.policies import Policies
from proxy.errors import BadRequest
from proxy.http.request import loop_mark
from proxy.policy.load import load_policy
from proxy.snapshot.shared_resources import SharedResources
from proxy.snapshot.site_upstreams import UpstreamsBySite
from proxy.snapshot.snapshot import build_snapshot
from proxy.telemetry.metrics import Tally
from tests.support.origin import Origin, html
from tests.support.proxying import PAGE, RULES, config_text, proxying

KEYS = (b"k" * 32, b"j" * 32)


@pytest.fixture
async def build(tmp_path):
    upstreams = UpstreamsBySite()

    async def build(more: str = "", own=lambda *given: given, listen: str = "0"):
        shared = SharedResources(KEYS, "the store", upstreams, Tally(), clock=lambda: 1_790_000_000.9)
        text = config_text("http://127.0.0.1:1", more=more).replace("127.0.0.1:0", f"127.0.0.1:{listen}")
        config = load_config(text, folder=tmp_path)
        return await build_snapshot(config, Policies.given(load_policy(RULES)), shared, own)

    yield build
    await upstreams.close()


def message(*headers, peer="203.0.113.9", target=b"/a?b", host=b"callkom.io"):
    lines = [(b"Host", host), *headers]
    fields: dict[bytes, list[bytes]] = {}
    for name, value in lines:
        fields.setdefault(name.lower(), []).append(value)
    return SimpleNamespace(
        method=b"GET", target=target, headers=lines, peer=peer, secure=False, fields=fields
    )


async def test_it_holds_what_belongs_together(build):
    snapshot = await build()

    assert snapshot.sites.match("app.callkom.io").policy == snapshot.policies.all[0]
    assert list(snapshot.upstreams) == ["callkom.io"]
    assert snapshot.pages[:2] == (snapshot.config, snapshot.sites)
    assert (snapshot.store, snapshot.loop_mark) == ("the store", loop_mark(KEYS[-1]))


async def test_where_a_part_cannot_be_made_there_is_none(build):
    def own(*_):
        raise BadRequest("no such page")

    with pytest.raises(BadRequest):
        await build(own=own)


async def test_a_request_has_whole_seconds_and_an_id_of_its_own(build):
    snapshot = await build()
    one, other = snapshot.request(message()), snapshot.request(message())

    assert (one.host, one.target, one.now) == ("callkom.io", b"/a?b", 1_790_000_000)
    assert len(one.id) == len(other.id) == 16
    assert one.id != other.id


@pytest.mark.parametrize(
    ("given", "peer", "taken"),
    [(b"trace-1.a:b_c", "10.1.2.3", True), (b"trace-1", "203.0.113.9", False), (b"a b", "10.1.2.3", False), (b"x" * 65, "10.1.2.3", False), (b"", "10.1.2.3", False)],
)  # fmt: skip
async def test_a_trusted_proxy_may_name_the_request_in_plain_words(build, given, peer, taken):
    snapshot = await build("trusted_proxies: [10.0.0.0/8]")

    assert (snapshot.request(message((b"X-Request-ID", given), peer=peer)).id == given) is taken


async def test_a_request_that_came_through_us_already_is_refused(build):
    snapshot = await build()

    with pytest.raises(BadRequest) as error:
        snapshot.request(message((b"CDN-Loop", b"other, " + snapshot.loop_mark)))
    assert error.value.status == 508


TLS = "tls: { certificate: c.pem, key: k.pem }"


@pytest.mark.parametrize(
    ("more", "listen", "port"),
    [("", "0", b""), ("", "8080", b""), (TLS, "443", b""), (TLS, "0", b""), (TLS, "8443", b":8443")],
)
async def test_the_port_of_https_addresses_is_said_where_it_is_not_443(build, more, listen, port):
    snapshot = await build(more, listen=listen)

    assert snapshot.https_port == port


async def test_the_same_page_on_sites_with_other_rules_is_each_sites_own(tmp_path):
    freed = RULES.replace("purpose: performance }\n    requests", "purpose: necessary }\n    requests")
    (tmp_path / "app.yaml").write_text(freed)
    async with Origin({b"/": html(PAGE, b'ETag: "1"')}) as origin:
        more = f"  - {{ hosts: shop.callkom.io, upstream: '{origin.url}', rules: app.yaml }}"
        async with proxying(origin.url, folder=tmp_path, more=more, files=True) as proxy:
            hosts = ("callkom.io", "shop.callkom.io")
            pages = [await proxy.ask("/", host=host) for _ in range(4) for host in hosts]
            tags = [page.one(b"ETag").decode() for page in pages[:2]]
            again = {
                (host, tag): (await proxy.ask("/", f"If-None-Match: {tag}", host=host)).status
                for host in hosts
                for tag in tags
            }

    assert [b'type="text/plain"' in page.body for page in pages] == [True, False] * 4
    assert tags[0] != tags[1]
    assert again[hosts[0], tags[1]] == again[hosts[1], tags[0]] == 200
