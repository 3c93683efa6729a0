"""The digest of this build, over every file of the package, code and assets alike.

Validators (ETags) of pages depend on it: the same code and assets give the same digest, in
every worker and on every machine.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[0]
_COMPILED = "__pycache__"
"""Byte code differs between machines although the source is the same."""


@cache
def build_digest() -> str:
    """Return the digest of this build (hex), computed once per process."""
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
