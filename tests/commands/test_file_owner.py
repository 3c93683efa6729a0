"""A file that root writes belongs to whom its folder belongs, and anybody else's file is left alone."""

import os

from proxy.commands import file_owner
from proxy.commands.file_owner import give_to_folder_owner


def test_root_gives_a_file_to_the_owner_of_its_folder(tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "chown", lambda *to: given.append(to))
    monkeypatch.chdir(tmp_path)
    give_to_folder_owner(file_owner.Path("some.key"))
    folder = tmp_path.stat()

    assert given == [(file_owner.Path("some.key"), folder.st_uid, folder.st_gid)]


def test_anybody_else_gives_nothing_away(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(os, "chown", lambda *_: (_ for _ in ()).throw(PermissionError))

    give_to_folder_owner(tmp_path / "some.key")
