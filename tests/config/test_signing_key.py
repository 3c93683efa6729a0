import os
import stat

import pytest

from proxy.config.loading import load_config
from proxy.config.signing_key import key_file, load_keys, renewed_keys
from proxy.errors import StartError

SITE = "listen: 127.0.0.1:8080\nsites: [{ hosts: [a.callkom.io], upstream: 'http://127.0.0.1:1' }]\n"


def config(folder, more=""):
    return load_config(SITE + more, folder=folder)


def test_the_first_start_makes_a_key_that_only_its_owner_reads(tmp_path):
    keys = load_keys(config(tmp_path))

    path = tmp_path / "consent.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert keys == (path.read_bytes().strip(),)
    assert len(keys[0]) == 64


def test_the_second_start_finds_the_same_key(tmp_path):
    assert load_keys(config(tmp_path)) == load_keys(config(tmp_path))


def test_the_key_lies_beside_the_sqlite_file_else_beside_the_config(tmp_path):
    assert (
        key_file(config(tmp_path, "records: sqlite:////var/lib/consent/proofs.db\n")).parent.as_posix()
        == "/var/lib/consent"
    )
    assert key_file(config(tmp_path, "records: postgresql://db/proofs\n")) == tmp_path / "consent.key"
    assert key_file(config(tmp_path, "consent: { key: my.key }\n")) == tmp_path / "my.key"


def test_several_keys_rotate_the_first_signs(tmp_path):
    (tmp_path / "consent.key").write_text("new-key-new-key-new\n\nold-key-old-key-old\n")

    assert load_keys(config(tmp_path)) == (b"new-key-new-key-new", b"old-key-old-key-old")


@pytest.mark.parametrize(("content", "words"), [("", "is empty"), ("short\n", "5 characters")])
def test_a_useless_key_stops_the_start_with_a_sentence(tmp_path, content, words):
    (tmp_path / "consent.key").write_text(content)

    with pytest.raises(StartError, match=words):
        load_keys(config(tmp_path))


def test_no_place_for_a_key_stops_the_start_with_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(StartError, match="no signing key can be written"):
        load_keys(config(tmp_path, f"records: sqlite:///{tmp_path}/file/proofs.db\n"))


def test_processes_that_start_together_end_up_with_one_key(tmp_path):
    chosen = config(tmp_path)
    children = []
    for _ in range(8):
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.write(writing, load_keys(chosen)[0])
            os._exit(0)
        os.close(writing)
        children.append((child, reading))
    found = set()
    for child, reading in children:
        found.add(os.read(reading, 100))
        os.waitpid(child, 0)
        os.close(reading)

    assert len(found) == 1


def test_a_file_at_a_reload_has_to_hold_the_line_that_signs(tmp_path):
    old, new = b"old-key-old-key-old", b"new-key-new-key-new"
    file = tmp_path / "consent.key"
    for lines in ((old, new), (new, old)):
        file.write_bytes(b"\n".join(lines))
        assert renewed_keys(config(tmp_path), (old,)) == lines

    file.write_bytes(new)
    with pytest.raises(StartError, match="put the old line back below the new one"):
        renewed_keys(config(tmp_path), (old,))
    assert renewed_keys(config(tmp_path), (new, old)) == (new,)
