"""The digest of this build, over every file of the package, code and assets alike, and its kind.

Validators (ETags) of pages depend on the digest: the same code and assets give the same one, in
every worker and on every machine, whether the filter is compiled or not.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[0]
_BYTE_CODE = "__pycache__"
"""Byte code differs between machines although the source is the same."""
_LIBRARIES = tuple(EXTENSION_SUFFIXES)
"""So do the libraries that hatch_build.py compiles from it."""


@cache
def build_kind() -> str:
    """Return `compiled` or `pure Python`: what Python loads as the filter."""
    found = find_spec("proxy.filter.html.scanner")
    compiled = found is not None and found.origin is not None and found.origin.endswith(_LIBRARIES)
    return "compiled" if compiled else "pure Python"


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
        if _BYTE_CODE not in path.parts and not path.name.endswith(_LIBRARIES) and path.is_file()
    }
    for name, path in sorted(files.items()):
        body = path.read_bytes()
        found.update(b"%b\0%d\0%b" % (name.encode("utf-8", "surrogateescape"), len(body), body))
    return found.hexdigest()
