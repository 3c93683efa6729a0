"""Who owns a file that a command writes: where root runs it, the owner of the folder it lies in."""

from __future__ import annotations

import os
from pathlib import Path


def give_to_folder_owner(path: Path) -> None:
    """Give a file that root made to whom its folder belongs: the user that serves reads it there.

    That user may have put a link in its place meanwhile: what it leads to is never given away.
    """
    if os.geteuid() == 0:
        folder = path.absolute().parent.stat()
        os.chown(path, folder.st_uid, folder.st_gid, follow_symlinks=False)
