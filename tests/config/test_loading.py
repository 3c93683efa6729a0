from pathlib import Path

import pytest

from proxy.config.loading import load_config, read_config
from proxy.config.types import Mode
from proxy.errors import ConfigError

BAD = sorted((Path(__file__).parents[1] / "data" / "config-bad").glob("*.txt"))

LEAST = """
listen: 127.0.0.1:8080
sites:
  - hosts: [callkom.io, www.callkom.io]
    upstream: http://127.0.0.1:9001
"""


@pytest.mark.parametrize("file", BAD, ids=lambda path: path.stem)
def test_a_faulty_config_says_every_problem_at_its_place(file):
    text, _, expected = file.read_text("utf-8").partition("----------\n")

    with pytest.raises(ConfigError) as caught:
        load_config(text, "config.yaml")

    assert str(caught.value) == expected.rstrip("\n")


def test_ten_faulty_configs_at_least_have_their_message():
    assert len(BAD) >= 10


def test_the_least_config_has_defaults_for_everything_else():
    config = load_config(LEAST)

    assert [str(address) for address in config.listen] == ["127.0.0.1:8080"]
    assert config.hosts == {"callkom.io", "www.callkom.io"}
    assert config.sites[0].mode is Mode.ENFORCE
    assert config.consent.cookie == "consent_callkom"
    assert config.consent.path == "/.consent/"
    assert config.records.url == "sqlite:///proofs.db"
    assert config.records.keep == 5 * 365 * 86_400
    assert config.timeouts.first_byte == 90
    assert config.workers == 1


def test_one_thing_may_be_written_where_several_may():
    config = load_config(
        LEAST.replace("[callkom.io, www.callkom.io]", "callkom.io") + "own: cdn.callkom.net\n"
    )

    assert config.sites[0].hosts == ("callkom.io",)
    assert config.own == ("cdn.callkom.net",)


def test_records_may_be_an_address_or_say_how_long_they_are_kept():
    short = load_config(LEAST + "records: postgresql://consent:secret@db/proofs\n")
    long = load_config(LEAST + "records: { url: 'sqlite:///p.db', keep: 2 years }\n")

    assert short.records.url == "postgresql://consent:secret@db/proofs"
    assert long.records.keep == 2 * 365 * 86_400


def test_a_password_is_never_printed():
    with pytest.raises(ConfigError) as caught:
        load_config(LEAST + "records: mysql://consent:secret@db/proofs\n")

    assert "secret" not in str(caught.value)


def test_relative_paths_count_from_the_folder_of_the_config(tmp_path, monkeypatch):
    file = tmp_path / "conf" / "site.yaml"
    file.parent.mkdir()
    file.write_text(LEAST + "tls: { certificate: cert.pem, key: /abs/key.pem }\n")
    monkeypatch.chdir(tmp_path)

    config = read_config(Path("conf/site.yaml"))

    assert config.file(config.tls.certificate) == tmp_path / "conf" / "cert.pem"
    assert config.file(config.tls.key) == Path("/abs/key.pem")


def test_a_file_that_is_not_there_or_not_utf8_is_said_in_words(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        read_config(tmp_path / "none.yaml")
    (tmp_path / "odd.yaml").write_bytes(b"listen: \xff\n")
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_config(tmp_path / "odd.yaml")


def test_networks_times_and_sizes_are_read_as_words():
    config = load_config(
        LEAST
        + "trusted_proxies: [10.0.0.0/8, '2001:db8::/32']\n"
        + "timeouts: { connect: 500 ms, idle: 2 min }\n"
        + "limits: { body: 10 MB, form: 4 KiB }\n"
        + "cloudflare: yes\n"
    )

    assert [[str(network) for network in entry.networks] for entry in config.trusted_proxies] == [
        ["10.0.0.0/8"], ["2001:db8::/32"]
    ]  # fmt: skip
    assert {entry.header for entry in config.trusted_proxies} == {"X-Forwarded-For"}
    assert (config.timeouts.connect, config.timeouts.idle) == (0.5, 120)
    assert (config.limits.body, config.limits.form) == (10_000_000, 4096)
    assert config.cloudflare is True


def test_an_entry_of_trusted_proxies_names_networks_and_their_one_header():
    config = load_config(
        LEAST
        + "trusted_proxies: [127.0.0.1, { networks: [192.0.2.0/24, 10.1.0.0/16], header: cf-connecting-ip }]\n"
    )

    assert [(len(entry.networks), entry.header) for entry in config.trusted_proxies] == [
        (1, "X-Forwarded-For"), (2, "CF-Connecting-IP")
    ]  # fmt: skip
    alone = load_config(LEAST + "trusted_proxies: { networks: 127.0.0.1, header: Forwarded }\n")
    assert [entry.header for entry in alone.trusted_proxies] == ["Forwarded"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("10.0.0.1/8", "10.0.0.1/8"),
        ("{ networks: [10.0.0.1/8] }", "10.0.0.1/8"),
        ("{ networks: 10.0.0.0/8, header: X-Mine }", "write one of X-Forwarded-For, Forwarded"),
        ("{ header: X-Real-IP }", "networks"),
    ],
)
def test_an_entry_of_trusted_proxies_that_is_none_is_named(entry, said):
    with pytest.raises(ConfigError) as caught:
        load_config(LEAST + f"trusted_proxies: [{entry}]\n")

    assert said in str(caught.value)


def test_an_upstream_with_an_international_name_is_refused_with_its_ascii_form():
    with pytest.raises(ConfigError) as caught:
        load_config(LEAST.replace("http://127.0.0.1", "http://b\u00fccher.example"))

    assert "write its host in ASCII, as 'xn--bcher-kva.example'" in str(caught.value)
