"""A process that serves carries no authorities of a client that it never uses, and no library of C++."""

import json
import os
import subprocess
import sys

import pytest

LOOKS = """
import os
import {module}
import aiohttp.connector, json, ssl
print(json.dumps([
    aiohttp.connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509_ca"],
    ssl.create_default_context().cert_store_stats()["x509_ca"],
    {{name: value for name, value in os.environ.items() if name.startswith("SSL_CERT")}},
]))
"""


@pytest.mark.parametrize("module", ["proxy.process.worker_main", "proxy.process.supervisor_main"])
@pytest.mark.parametrize("set_", [{}, {"SSL_CERT_DIR": "/etc/ssl/certs"}], ids=["unset", "set"])
def test_only_contexts_made_later_know_authorities(module, set_):
    found = subprocess.run(
        [sys.executable, "-c", LOOKS.format(module=module)],
        env={name: value for name, value in os.environ.items() if not name.startswith("SSL_CERT")} | set_,
        capture_output=True,
        check=True,
    )
    of_aiohttp, later, environment = json.loads(found.stdout)

    assert of_aiohttp == 0
    assert later > 0 or set_, "what is looked for would be seen: this system has authorities"
    assert environment == set_


@pytest.mark.parametrize("module", ["proxy.process.worker_main", "proxy.process.supervisor_main"])
def test_no_process_that_serves_maps_the_library_of_cplusplus(module):
    """One extension of aiohttp's packages needs it, and does the same in Python."""
    look = (
        f"import {module}, proxy.process.worker, os; print(open('/proc/self/maps').read(), dict(os.environ))"
    )
    found = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True).stdout

    assert "multidict" in found, "maps are read"
    assert "libstdc++" not in found
    assert "FROZENLIST" not in found, "who is started later decides for themselves"
