"""Which build this is: a digest over every file of the package, code and assets alike.

Pages are made by that code and of those assets, so their validators depend on it. It is the
same in every worker, and on every machine that runs the same files.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[0]
_COMPILED = "__pycache__"
"""Differs between machines, and says nothing that the source does not."""


@cache
def build_digest() -> str:
    """Return the digest of this build (hex), read once: a process goes on with the code it loaded."""
    return digest_of(_PACKAGE)


def digest_of(folder: Path) -> str:
    """Return a digest over the names and bytes of all files below a folder."""
    found = hashlib.blake2b(digest_size=16)
    files = {
        path.relative_to(folder).as_posix(): path
        for path in folder.rglob("*")
        if _COMPILED not in path.parts and path.is_file()
    }
    for name, path in sorted(files.items()):
        body = path.read_bytes()
        found.update(b"%b\0%d\0%b" % (name.encode("utf-8", "surrogateescape"), len(body), body))
    return found.hexdigest()
