"""The filter compiled by mypyc gives the same bytes and verdicts as the same source run by Python."""

import json
import os
import subprocess
import sys

import pytest

from proxy.build_digest import build_kind

pytestmark = pytest.mark.skipif(
    build_kind() != "compiled", reason="nothing is compiled here: make compiled builds it and runs this"
)


@pytest.mark.timeout(420)
def test_every_page_comes_out_alike_for_every_visitor_and_however_it_is_cut():
    told = {}
    for kind in ("pure", "any"):
        run = subprocess.run(
            [sys.executable, "-m", "tests.filter.outputs", kind],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONSAFEPATH": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr[-2000:]
        told[kind] = json.loads(run.stdout)

    assert (told["pure"]["kind"], told["any"]["kind"]) == ("pure Python", "compiled")
    assert len(told["any"]["digests"]) > 100
    assert told["any"]["digests"] == told["pure"]["digests"]
