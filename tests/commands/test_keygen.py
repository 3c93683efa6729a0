"""`keygen` makes keys that `serve` takes, and replaces none."""

import re
import stat

from proxy.config.loading import load_config
from proxy.config.signing_key import existing_keys
from tests.commands.running import run


def test_a_key_file_is_its_owners_alone_and_taken_as_the_signing_key(tmp_path):
    told = run("keygen", tmp_path / "my.key")
    config = load_config(
        "listen: 127.0.0.1:0\nconsent: { key: my.key }\n"
        "sites: [{ hosts: [a.callkom.io], upstream: 'http://127.0.0.1:1' }]\n",
        folder=tmp_path,
    )

    assert told.returncode == 0, told.stderr
    assert stat.S_IMODE((tmp_path / "my.key").stat().st_mode) == 0o600
    assert len(existing_keys(config)) == 1


def test_without_a_file_a_fresh_key_is_printed_each_time():
    one, other = run("keygen").stdout, run("keygen").stdout

    assert re.fullmatch(r"[0-9a-f]{64}\n", one)
    assert one != other


def test_a_key_that_is_there_stays(tmp_path):
    (tmp_path / "my.key").write_text("k" * 32)
    told = run("keygen", tmp_path / "my.key")

    assert told.returncode == 1
    assert "is there already" in told.stderr
    assert (tmp_path / "my.key").read_text() == "k" * 32


def test_a_folder_that_is_no_folder_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    told = run("keygen", tmp_path / "file" / "my.key")

    assert told.returncode == 1
    assert "no signing key can be written" in told.stderr
