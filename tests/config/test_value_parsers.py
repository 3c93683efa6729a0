"""Words of the config file as they are read, and what each faulty one is told."""

import ipaddress

import pytest
from pydantic_core import PydanticCustomError

from proxy.config import value_parsers as read
from proxy.config.loading import load_config
from proxy.config.value_parsers import ADDRESS_HEADERS, ListenAddress
from proxy.errors import ConfigError


def told(reader, value: object) -> str:
    with pytest.raises(PydanticCustomError) as error:
        reader(value)
    return error.value.message()


@pytest.mark.parametrize(
    ("reader", "text", "value"),
    [
        (read.read_listen_address, "127.0.0.1:8080", ListenAddress("127.0.0.1", 8080)), (read.read_listen_address, "[::1]:8080", ListenAddress("::1", 8080)),
        (read.read_listen_address, ":65535", ListenAddress("", 65535)), (read.read_listen_address, "0", ListenAddress("", 0)), (read.read_listen_address, "localhost:1", ListenAddress("localhost", 1)),
        (read.read_host, "CALLKOM.io.", "callkom.io"), (read.read_host, "192.0.2.1", "192.0.2.1"), (read.read_host, "[::1]", "[::1]"), (read.read_host, "_dmarc.a-b.example", "_dmarc.a-b.example"),
        (read.read_upstream_origin, "http://127.0.0.1:9001/", "http://127.0.0.1:9001"), (read.read_upstream_origin, "https://a.example", "https://a.example"),
        (read.read_network, "10.0.0.0/8", ipaddress.ip_network("10.0.0.0/8")), (read.read_network, "::1", ipaddress.ip_network("::1/128")),
        (read.read_address_header, "x-real-ip", "X-Real-IP"), (read.read_seconds, "15 s", 15.0), (read.read_seconds, "500ms", 0.5), (read.read_seconds, "1.5 min", 90.0), (read.read_seconds, "2 h", 7200.0), (read.read_seconds, "3", 3.0), (read.read_seconds, 4, 4.0),
        (read.read_bytes, "16 KiB", 16384), (read.read_bytes, "10 MB", 10_000_000), (read.read_bytes, "2 GiB", 2**31), (read.read_bytes, "7", 7), (read.read_bytes, "1 kB", 1000), (read.read_bytes, "1 MiB", 2**20), (read.read_bytes, "1GB", 10**9), (read.read_bytes, "3B", 3),
        (read.read_share, "10 %", 10.0), (read.read_share, 7.5, 7.5), (read.read_share, "0.5%", 0.5), (read.read_share, "100 %", 100.0), (read.read_switch, "Yes", True), (read.read_switch, "on", True), (read.read_switch, "true", True), (read.read_switch, "no", False), (read.read_switch, "OFF", False), (read.read_switch, "false", False), (read.read_switch, True, True),
        (read.read_count, "1", 1), (read.read_count, "999999", 999_999), (read.read_rate, "no limit", 0), (read.read_rate, "60", 60), (read.read_path_prefix, "/.consent/", "/.consent/"),
        (read.read_cookie_name, "consent_callkom", "consent_callkom"), (read.read_upstream_header, "X-Consent", "X-Consent"), (read.read_request_path, "/health?a=1", "/health?a=1"), (read.read_path_pattern, "/wp-admin/*", "/wp-admin/*"),
        (read.read_records_url, "sqlite:///proofs.db", "sqlite:///proofs.db"), (read.read_records_url, "postgresql://db/x", "postgresql://db/x"),
        (read.read_webhook_url, "https://a.example/x?y", "https://a.example/x?y"), (read.read_webhook_url, "http://localhost:9/x", "http://localhost:9/x"), (read.read_webhook_url, "http://127.1.2.3/", "http://127.1.2.3/"), (read.read_webhook_url, "http://[::1]/", "http://[::1]/"),
        (read.read_duration, "5 years", 5 * 365 * 86_400), (read.read_duration, "1 day", 86_400), (read.read_duration, 7, 7),
    ],
)  # fmt: skip
def test_a_word_is_read_as_people_write_it(reader, text, value):
    assert reader(text) == value


@pytest.mark.parametrize(
    ("reader", "text", "says"),
    [
        (read.read_listen_address, "127.0.0.1:x", "write host:port, such as 127.0.0.1:8080"), (read.read_listen_address, "127.0.0.1:65536", "write host:port"), (read.read_listen_address, "::1:8080", "write host:port"), (read.read_listen_address, "a:٣", "write host:port"),
        (read.read_host, "https://callkom.io/x", "write it as 'callkom.io'"), (read.read_host, "callkom.io:80", "write it as 'callkom.io'"), (read.read_host, "müller.example", "write it as 'xn--mller-kva.example'"), (read.read_host, "a b", "write only the name, such as callkom.io"), (read.read_host, "-a.example", "write only the name"),
        (read.read_host, "a" * 64 + ".example", "write only the name"),
        (read.read_upstream_origin, "127.0.0.1:9001", "write http:// or https://"), (read.read_upstream_origin, "ftp://a", "write http:// or https://"), (read.read_upstream_origin, "http://müller.example", "in ASCII, as 'xn--mller-kva.example'"), (read.read_upstream_origin, "http://a/x", "paths come from the visitor"),
        (read.read_upstream_origin, "http://a?b", "only scheme, host and port"), (read.read_upstream_origin, "http://a#b", "only scheme, host and port"), (read.read_upstream_origin, "http://u@a", "only scheme, host and port"), (read.read_upstream_origin, "http://a:0", "a number from 1 to 65535"), (read.read_upstream_origin, "http://a:x", "a number from 1 to 65535"),
        (read.read_network, "10.0.0.1/8", "has host bits set"), (read.read_network, "ten", "does not appear to be"), (read.read_address_header, "X-Mine", "write one of X-Forwarded-For"),
        (read.read_seconds, "15 sec", "write a time such as 15 s"), (read.read_seconds, "-1 s", "write a time"), (read.read_bytes, "10 mb", "write a size such as 16 KiB"), (read.read_share, "0 %", "such as 10 %"), (read.read_share, "101 %", "such as 10 %"), (read.read_share, "10", "such as 10 %"),
        (read.read_switch, "perhaps", "write yes or no"), (read.read_count, "0", "a whole number above 0"), (read.read_count, "1000000", "a whole number above 0"), (read.read_count, "1.5", "a whole number above 0"), (read.read_rate, "none", "a whole number above 0"),
        (read.read_path_prefix, "/a", "write one folder"), (read.read_path_prefix, "/a/b/", "write one folder"), (read.read_cookie_name, "a b", "letters, digits"), (read.read_cookie_name, "a" * 65, "letters, digits"),
        (read.read_upstream_header, "X", "write a name of its own"), (read.read_upstream_header, "X_Consent", "write a name of its own"), (read.read_request_path, "health", "write a path such as /health"), (read.read_request_path, "/a b", "write a path such as /health"),
        (read.read_path_pattern, "wp-admin", "a path begins with '/'"), (read.read_records_url, "sqlite:///", "write sqlite:///FILE"), (read.read_records_url, "mysql://db", "write sqlite:///FILE"),
        (read.read_webhook_url, "http://a.example", "write https://..."), (read.read_webhook_url, "https://u@a.example", "write https://..."), (read.read_webhook_url, "https://", "write https://..."), (read.read_webhook_url, "https://a:b", "is no address"), (read.read_webhook_url, "https://[", "is no address"), (read.read_webhook_url, "https://é.example", "write https://..."),
        (read.read_duration, "soon", "is no duration"), (read.read_duration, "Session", "is no duration"),
    ],
)  # fmt: skip
def test_a_faulty_word_is_told_with_the_way_out(reader, text, says):
    assert says in told(reader, text)


@pytest.mark.parametrize("name", ["Cookie", "host", "X-Forwarded-For", "Sec-GPC", "Proxy-X", "If-None-Match", "x-request-id"])  # fmt: skip
def test_a_header_that_means_something_else_is_no_name_for_ours(name):
    assert "write a name of its own" in told(read.read_upstream_header, name)


@pytest.mark.parametrize("part", ["%20", "?a", "//", "\\", ";x", "/../x"])
def test_a_path_of_the_site_is_written_as_it_is_routed(part):
    assert "write the path as it is routed" in told(read.read_path_pattern, f"/a{part}")


def test_the_password_of_a_store_is_not_repeated():
    assert "secret" not in told(read.read_records_url, "mysql://me:secret@db/x")


def test_an_address_prints_as_it_is_written_in_an_url():
    assert [str(ListenAddress(host, 80)) for host in ("127.0.0.1", "::1")] == ["127.0.0.1:80", "[::1]:80"]


def test_what_is_an_address_has_no_parent_domain():
    assert [read.is_address(host) for host in ("192.0.2.1", "::1", "[::1]", "1.example", "")] == [True, True, True, False, False]  # fmt: skip


def test_headers_of_addresses_are_told_apart_in_any_case():
    assert len({name.lower() for name in ADDRESS_HEADERS}) == len(ADDRESS_HEADERS)
    assert [read.read_address_header(name.upper()) for name in ADDRESS_HEADERS] == list(ADDRESS_HEADERS)


@pytest.mark.parametrize(("hosts", "read_as"), [("callkom.io", ("callkom.io",)), ("[callkom.io, www.callkom.io]", ("callkom.io", "www.callkom.io"))])  # fmt: skip
def test_one_thing_may_stand_where_several_may(hosts, read_as):
    config = load_config(f"listen: ':0'\nsites: [{{ hosts: {hosts}, upstream: 'http://127.0.0.1:1' }}]\n")

    assert config.sites[0].hosts == read_as


def test_an_empty_list_is_no_list():
    with pytest.raises(ConfigError, match="is an empty list; at least one belongs here"):
        load_config("listen: ':0'\nsites: [{ hosts: [], upstream: 'http://127.0.0.1:1' }]\n")
