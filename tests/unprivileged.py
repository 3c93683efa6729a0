"""How tests run a program for which the rights of files count, also where they run as root."""

import os
import shutil
from pathlib import Path

NOBODY = 65534
_WITHOUT = "-dac_override,-dac_read_search,-fowner"


def unprivileged(*command: str | Path) -> list[str]:
    """Return a command that may write only where whoever runs it may: root's exemption is taken away."""
    words = list(map(str, command))
    if os.getuid() != 0:
        return words
    setpriv = shutil.which("setpriv")
    assert setpriv, "setpriv is part of util-linux"
    return [setpriv, f"--bounding-set={_WITHOUT}", f"--inh-caps={_WITHOUT}", *words]


def somebody_elses(folder: Path) -> None:
    """Make a folder one that can be read and not written to."""
    if os.getuid() == 0:
        os.chown(folder, NOBODY, NOBODY)
        folder.chmod(0o755)
    else:
        folder.chmod(0o555)
