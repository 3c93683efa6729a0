"""The image: what the engine is given, what it installs, and what serving writes to.

No engine is run. Its steps are run one by one in test_documented_commands.py.
"""

import fnmatch
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import until
from tests.ports import free_port
from tests.shared import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
IGNORED = (ROOT / ".dockerignore").read_text().splitlines()


def test_what_the_dockerfile_copies_is_sent_to_the_engine_and_nothing_else_is():
    allowed = {line[1:] for line in IGNORED if line.startswith("!")}
    copied = {
        word.rstrip("/").partition("/")[0]
        for line in re.findall(r"^COPY (?!--from)(.*)$", DOCKERFILE, re.MULTILINE)
        for word in line.split()[:-1]
    }

    assert "*" in IGNORED
    assert copied == allowed


@pytest.mark.parametrize(
    "secret",
    ["deploy/compose/.env", "config/consent.key", "deploy/compose/tls/key.pem", "config/proofs.db-wal"],
)
def test_secrets_and_proofs_that_lie_in_a_checkout_are_not_sent(secret):
    patterns = [line.removeprefix("**/") for line in IGNORED if line.startswith("**/")]

    assert any(fnmatch.fnmatch(Path(secret).name, pattern) for pattern in patterns)


def test_every_package_of_the_image_comes_by_its_hash():
    installs = re.findall(r"pip (?:install|wheel) ([^&\n]*)", DOCKERFILE)

    assert len(installs) >= 3
    assert [line for line in installs if "--require-hashes" not in line and "--no-deps" not in line] == []


def test_it_serves_as_a_number_that_is_not_root():
    stages = DOCKERFILE.split("\nFROM ")

    assert re.search(r"^USER (\d+):(\d+)$", stages[-1], re.MULTILINE)[1] != "0"


def can_remount() -> bool:
    if os.getuid() != 0 or shutil.which("unshare") is None:
        return False
    told = subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False)
    return told.returncode == 0


@pytest.mark.skipif(not can_remount(), reason="a mount namespace needs root and util-linux")
@pytest.mark.parametrize("workers", [1, 2])
def test_on_a_read_only_root_it_serves_with_its_state_folder_as_the_only_one_to_write_to(tmp_path, workers):
    state, port, admin = tmp_path / "state", free_port(), free_port()
    state.mkdir()
    text = (ROOT / "config" / "docker.yaml").read_text()
    text = text.replace("0.0.0.0:8080", f"127.0.0.1:{port}").replace("127.0.0.1:9100", f"127.0.0.1:{admin}")
    config = tmp_path / "config.yaml"
    config.write_text(text.replace("/var/lib/consent-proxy", str(state)) + f"workers: {workers}\n")
    script = (
        f"mount --make-rprivate / && mount -t tmpfs none {state} && mount -o remount,ro,bind / && ! touch /tmp/x"
        f" && mount -t tmpfs -o ro none /dev/shm && cd {state} && exec {sys.executable} -m proxy serve --config {config}"
    )
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    log = tmp_path / "out.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            ["unshare", "-m", "sh", "-c", script], stdout=sink, stderr=subprocess.STDOUT, env=environment
        )
        try:
            assert until(lambda: "serving_started" in log.read_text() or process.poll() is not None)
            assert process.poll() is None, log.read_text()
            ask = [sys.executable, "-m", "proxy", "status", "--config", str(config)]

            def ready() -> bool:
                told = subprocess.run(ask, cwd=ROOT, capture_output=True, check=False, env=environment)
                return told.returncode == 0

            assert until(ready), log.read_text()
        finally:
            process.terminate()
            process.wait(60)
