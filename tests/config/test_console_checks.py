import pytest

from proxy.config.console_checks import MOST_TOKENS, is_loopback
from proxy.config.loading import load_config
from proxy.console.tokens import hash_of, new_token
from proxy.errors import ConfigError

LEAST = "listen: 127.0.0.1:0\nsites: [{ hosts: callkom.io, upstream: 'http://127.0.0.1:1' }]\n"
HASH = hash_of(new_token(), 10)


def config(admin, count=1):
    tokens = "".join(f"    - {{ name: n{number}, roles: view, hash: {HASH} }}\n" for number in range(count))
    return load_config(f"{LEAST}admin: '{admin}'\nconsole:\n  tokens:\n{tokens}")


@pytest.mark.parametrize("admin", ["127.0.0.1:9100", "localhost:9100", "[::1]:9100", "127.0.0.2:9100"])
def test_the_console_is_for_this_machine(admin):
    assert config(admin).console.tokens[0].roles == ("view",)


@pytest.mark.parametrize(
    "admin", [":9100", "0.0.0.0:9100", "[::]:9100", "10.1.2.3:9100", "admin.internal:9100"]
)
def test_and_is_refused_where_others_would_reach_it_without_tls(admin):
    with pytest.raises(ConfigError, match="served without TLS, so on loopback alone"):
        config(admin)


def test_more_tokens_than_twenty_are_refused():
    assert len(config("127.0.0.1:9100", MOST_TOKENS).console.tokens) == MOST_TOKENS
    with pytest.raises(ConfigError, match="20 are the most"):
        config("127.0.0.1:9100", MOST_TOKENS + 1)


def test_without_a_token_the_admin_address_may_be_anywhere():
    assert load_config(f"{LEAST}admin: 0.0.0.0:9100\nconsole: {{ tokens: [] }}\n").console.tokens == ()


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("10.0.0.1", False), ("localhost.example", False), ("", False), ("127.0.0.1.evil.example", False)],
)  # fmt: skip
def test_this_machine_itself_is_known_by_its_names(host, own):
    assert is_loopback(host) is own
