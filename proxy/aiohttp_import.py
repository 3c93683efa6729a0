"""Imports aiohttp without the certificate authorities that its client would trust.

aiohttp makes a TLS context for its client while it is imported, and that reads all authorities of the
system: 2 MB in every process. Nothing here asks anybody through that client; upstreams and webhooks have
contexts of their own. Whoever used it all the same would find that no certificate is valid.
"""

from __future__ import annotations

import contextlib
import os
import ssl
from collections.abc import Iterator


@contextlib.contextmanager
def no_authorities() -> Iterator[None]:
    """Have OpenSSL look for the system's authorities where there are none."""
    paths = ssl.get_default_verify_paths()
    names = (paths.openssl_cafile_env, paths.openssl_capath_env)
    before = {name: os.environ[name] for name in names if name in os.environ}
    os.environ.update(dict.fromkeys(names, os.devnull))
    try:
        yield
    finally:
        for name in names:
            del os.environ[name]
        os.environ.update(before)


with no_authorities():
    import aiohttp  # noqa: F401
