"""A file that root writes belongs to whom its folder belongs, and anybody else's file is left alone."""

import os
from pathlib import Path

import pytest

from proxy.commands.file_owner import give_to_folder_owner

SOMEBODY = 4711


def test_root_gives_a_file_to_the_owner_of_its_folder(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *to, follow_symlinks: given.append((*to, follow_symlinks)))
    monkeypatch.chdir(tmp_path)
    give_to_folder_owner(Path("some.key"))
    folder = tmp_path.stat()

    assert given == [(Path("some.key"), folder.st_uid, folder.st_gid, False)]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_what_a_link_in_place_of_the_file_leads_to_is_not_given_away(tmp_path):
    folder, shadow = tmp_path / "state", tmp_path / "shadow"
    folder.mkdir()
    os.chown(folder, SOMEBODY, SOMEBODY)
    shadow.write_text("of root")
    (folder / "consent.key").symlink_to(shadow)
    give_to_folder_owner(folder / "consent.key")

    assert shadow.stat().st_uid == 0
    assert (folder / "consent.key").lstat().st_uid == SOMEBODY


def test_anybody_else_gives_nothing_away(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", lambda *_, **__: (_ for _ in ()).throw(PermissionError))

    give_to_folder_owner(tmp_path / "some.key")
