"""Imports aiohttp without what it brings and nobody here uses: together 5 MB in every process.

The certificate authorities that its client would trust: aiohttp makes a TLS context for its client while it
is imported, and that reads all authorities of the system. Nothing here asks anybody through that client;
upstreams and webhooks have contexts of their own. Whoever used it all the same would find that no
certificate is valid.

frozenlist's extension, which is C++ and brings that language's library: frozenlist is the list that an
application's signals are kept in, and does the same in Python.

Its command line, the proxies of its client, notes for type checkers, and the archives that Python's
copying of files knows. What reads a Content-Type by the rules of e-mail is imported once one is read so.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from proxy.import_stand_ins import Deferred, standing_in, unused


def type_variable(name: str, *, default: object = None, **rules: Any) -> Any:  # noqa: ARG001
    """Return one that has no default: before 3.13 only typing_extensions has that, for type checkers."""
    return TypeVar(name, **rules)


UNUSED: dict[str, dict[str, Any] | None] = {
    "argparse": unused("ArgumentParser"),
    "bz2": None,
    "lzma": None,
    "email.policy": {"HTTP": Deferred("email.policy", "HTTP")},
    "typing_extensions": {"TypeVar": type_variable},
    "urllib.request": {"getproxies": dict, **unused("proxy_bypass")},
}
"""What aiohttp's modules name, or those that they import."""


@contextlib.contextmanager
def environment(changes: Mapping[str, str]) -> Iterator[None]:
    """Have these variables for a while, and afterwards what was there before."""
    before = {name: os.environ[name] for name in changes if name in os.environ}
    os.environ.update(changes)
    try:
        yield
    finally:
        for name in changes:
            del os.environ[name]
        os.environ.update(before)


def no_authorities() -> dict[str, str]:
    """Return the variables that have OpenSSL look for the system's authorities where there are none."""
    paths = ssl.get_default_verify_paths()
    return dict.fromkeys((paths.openssl_cafile_env, paths.openssl_capath_env), os.devnull)


with environment({**no_authorities(), "FROZENLIST_NO_EXTENSIONS": "1"}), standing_in(UNUSED):
    import aiohttp
    import aiohttp.web  # noqa: F401
