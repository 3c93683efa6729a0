"""What `serve` refuses at the start, `check --config` says beforehand: the same, with its line."""

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from proxy.config.loading import load_config, read_config
from proxy.process.preflight_checks import start_problems
from tests.shared import ROOT
from tests.unprivileged import somebody_elses, unprivileged

LEAST = "listen: 127.0.0.1:0\nsites:\n  - { hosts: [a.callkom.io], upstream: 'http://127.0.0.1:1' }\n"
TLS = "tls: { certificate: cert.pem, key: key.pem }\n"


def config_in(folder: Path, more: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(LEAST + more)
    return path


def problems(path: Path) -> list[str]:
    return list(map(str, start_problems(read_config(path), path)))


def certificate(
    folder: Path, *, key_of_another: bool = False, host: str = "a.callkom.io", days: int = 60
) -> None:
    authority = trustme.CA()
    ends = datetime.now(UTC) + timedelta(days=days, hours=1)
    leaf, other = authority.issue_cert(host, not_after=ends), authority.issue_cert(host)
    leaf.cert_chain_pems[0].write_to_path(str(folder / "cert.pem"))
    (other if key_of_another else leaf).private_key_pem.write_to_path(str(folder / "key.pem"))


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        (TLS, 4, "cert.pem"),
        ("consent: { key: nowhere/my.key }\n", 4, "that folder does not exist"),
        ("consent: { key: empty.key }\n", 4, "is empty"),
        ("records: sqlite:///config.yaml/proofs.db\n", 1, "no signing key can be written"),
        ("consent: { key: my.key }\nrecords: sqlite:///nowhere/proofs.db\n", 5, "the folder"),
        ("relay: { ca: nowhere.pem }\n", 4, "the authority"),
        ("admin: 192.0.2.77:9100\n", 4, "no interface of this machine has it"),
        ("records: sqlite:///newer.db\n", 4, "written by a newer consent-proxy"),
    ],
)
def test_what_serve_refuses_check_says_with_its_line(tmp_path, more, line, words):
    (tmp_path / "empty.key").write_text("")
    newer = sqlite3.connect(tmp_path / "newer.db")
    newer.execute("CREATE TABLE consent_proxy_schema (version_num TEXT)")
    newer.execute("INSERT INTO consent_proxy_schema VALUES ('9999')")
    newer.commit()
    newer.close()
    path = config_in(tmp_path, more)
    told = [
        subprocess.run(
            [sys.executable, "-m", "proxy", *command, "--config", str(path)],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
        )
        for command in (["check"], ["serve"])
    ]  # fmt: skip

    assert [one.returncode for one in told] == [1, 1], told
    said = [next(text for text in one.stderr.splitlines() if words in text) for one in told]
    assert said[0] == said[1]
    assert said[0].startswith(f"config.yaml:{line}:")


def test_an_authority_of_an_upstream_that_is_not_there_is_told_at_its_site(tmp_path):
    site = "  - { hosts: [b.callkom.io], upstream: 'https://127.0.0.1:1', ca: nowhere.pem }\n"
    [told] = problems(config_in(tmp_path, site))

    assert told.startswith("config.yaml:4:")
    assert "nowhere.pem" in told


def test_a_key_that_is_not_the_certificates_is_told(tmp_path):
    certificate(tmp_path, key_of_another=True)
    [told] = problems(config_in(tmp_path, TLS))

    assert "cannot be used" in told


@pytest.mark.parametrize("missing", ["cert.pem", "key.pem"])
def test_of_certificate_and_key_the_one_that_is_not_there_is_named(tmp_path, missing):
    certificate(tmp_path)
    (tmp_path / missing).unlink()
    [told] = problems(config_in(tmp_path, TLS))

    assert told.endswith(f"cannot be used: {tmp_path / missing} cannot be read (No such file or directory)")


def test_where_all_is_there_nothing_is_told_and_nothing_is_made(tmp_path):
    certificate(tmp_path)
    path = config_in(tmp_path, TLS + "records: sqlite:///new/proofs.db\n")
    before = sorted(tmp_path.iterdir())

    assert problems(path) == []
    assert sorted(tmp_path.iterdir()) == before


def test_faults_come_all_at_once(tmp_path):
    assert len(problems(config_in(tmp_path, TLS + "consent: { key: nowhere/my.key }\n"))) == 2


@pytest.mark.parametrize(
    ("more", "words"),
    [("", "no signing key can be written"), ("consent: { key: my.key }\n", "proofs.db cannot be written")],
    ids=["key", "proofs"],
)
def test_a_folder_that_the_one_who_serves_may_not_write_to_is_told(tmp_path, more, words):
    (tmp_path / "my.key").write_text("k" * 32)
    path = config_in(tmp_path, more)
    somebody_elses(tmp_path)
    told = subprocess.run(
        unprivileged(sys.executable, "-m", "proxy", "check", "--config", path),
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip

    assert told.returncode == 1
    assert words in told.stderr
    assert "Permission denied" in told.stderr


def test_the_least_config_starts(tmp_path):
    assert start_problems(load_config(LEAST, folder=tmp_path), config_in(tmp_path, "")) == []


@pytest.mark.parametrize(
    "rest", ["db.example/x?sslmode=nonsense", "db.example/x?target_session_attrs=nonsense", "[db.example/x"]
)
def test_an_address_of_postgresql_that_can_never_be_used_is_told(tmp_path, rest):
    (tmp_path / "my.key").write_text("k" * 32)
    more = f"consent: {{ key: my.key }}\nrecords: 'postgresql://me:secret@{rest}'\n"
    [told] = problems(config_in(tmp_path, more))

    assert told.startswith("config.yaml:5:10: records: the address of the store cannot be used")
    assert "secret" not in told


def test_an_address_of_postgresql_is_taken_without_asking_anybody_there(tmp_path):
    (tmp_path / "my.key").write_text("k" * 32)
    more = "consent: { key: my.key }\nrecords: postgresql://me@db.example/x\n"

    assert problems(config_in(tmp_path, more)) == []


@pytest.mark.parametrize(
    ("days", "host", "words"),
    [(7, "a.callkom.io", "the certificate ends on "), (-2, "a.callkom.io", "the certificate ended on "),
     (60, "b.callkom.io", "the certificate is not for a.callkom.io")],
)  # fmt: skip
def test_a_certificate_that_browsers_refuse_or_soon_will_is_a_warning_and_serve_starts(
    tmp_path, days, host, words
):
    certificate(tmp_path, days=days, host=host)
    path = config_in(tmp_path, TLS)
    [told] = start_problems(read_config(path), path)

    assert str(told).startswith(f"config.yaml:4:21: {words}")
    assert told.warning
