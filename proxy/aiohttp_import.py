"""Imports aiohttp without two things that it brings and nobody here uses: together 3 MB in every process.

The certificate authorities that its client would trust: aiohttp makes a TLS context for its client while it
is imported, and that reads all authorities of the system. Nothing here asks anybody through that client;
upstreams and webhooks have contexts of their own. Whoever used it all the same would find that no
certificate is valid.

frozenlist's extension, which is C++ and brings that language's library: frozenlist is the list that an
application's signals are kept in, and does the same in Python.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator, Mapping


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


with environment({**no_authorities(), "FROZENLIST_NO_EXTENSIONS": "1"}):
    import aiohttp  # noqa: F401
