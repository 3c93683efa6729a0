"""Scripts for varnishtest (Debian's package varnish), an HTTP client and server that share no code with ours.

Each of tests/data/varnishtest is a conversation of a visitor, the proxy as a process, and an upstream.
"""

import asyncio
import os
import shutil
from pathlib import Path

import pytest
import pytest_asyncio

from tests.ports import free_port
from tests.support.processes import running

pytestmark = [pytest.mark.load, pytest.mark.timeout(60)]

SCRIPTS = sorted(Path("tests/data/varnishtest").glob("*.vtc"))


@pytest.fixture(scope="module")
def varnishtest() -> str:
    """Where varnishtest is; under CI its absence is a failure."""
    if found := shutil.which("varnishtest"):
        return found
    if os.environ.get("CI"):
        pytest.fail("varnishtest is missing, and CI must never skip its scripts")
    pytest.skip("varnishtest is not installed (Debian: sudo apt-get install varnish)")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ports(tmp_path_factory):
    """The ports of the proxy, which serves all scripts, and of its upstream."""
    upstream = free_port()
    async with running(f"http://127.0.0.1:{upstream}", tmp_path_factory.mktemp("proxy")) as proxy:
        yield proxy.port, upstream


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
async def test_the_script_is_played_to_its_end(varnishtest, tmp_path, ports, script):
    proxy, upstream = ports
    process = await asyncio.create_subprocess_exec(
        varnishtest, "-t", "20", f"-Dproxy={proxy}", f"-Dupstream={upstream}", str(script),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    said, _ = await process.communicate()

    assert process.returncode == 0, said.decode(errors="replace")


def test_there_are_thirty_scripts_or_more():
    assert len(SCRIPTS) >= 30
