"""What a stranger installs works: from a wheel, in an environment of its own, in an empty folder."""

import contextlib
import os
import re
import subprocess
import sys
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT
from tests.patience import until
from tests.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A fresh environment that holds the wheel; its dependencies are borrowed, its code is not."""
    folder = tmp_path_factory.mktemp("installed")
    run = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder / "wheel"), str(ROOT)]
    subprocess.run(run, check=True, timeout=240)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "env")], check=True, timeout=120)
    python = folder / "env" / "bin" / "python"
    wheel = next((folder / "wheel").glob("*.whl"))
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", str(wheel)], check=True, timeout=120)
    packages = next((folder / "env" / "lib").glob("python*/site-packages"))
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return folder / "env" / "bin" / "consent-proxy"


def clean_environment(home: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8"}


@contextlib.contextmanager
def running(command, folder: Path):
    log = folder / "out.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=folder,
            env=clean_environment(folder),
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process, log
        finally:
            process.terminate()
            process.wait(60)


def fetch(port: int, path: str, host: str, process, log: Path) -> tuple[int, bytes]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Host": host})
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            if error.code not in {502, 503}:
                return error.code, error.read()
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
    raise AssertionError("no answer: " + log.read_text())


def test_the_code_that_runs_is_the_installed_one(installed, tmp_path):
    shown = subprocess.run(
        [installed.parent / "python", "-c", "import proxy; print(proxy.__file__)"],
        cwd=tmp_path, env=clean_environment(tmp_path), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert str(installed.parent.parent) in shown.stdout


def test_type_checkers_of_others_read_our_annotations(installed):
    packages = next((installed.parents[1] / "lib").glob("python*/site-packages"))

    assert (packages / "proxy" / "py.typed").is_file()


def test_documents_unit_schema_and_examples_come_along_and_their_links_hold(installed, tmp_path):
    told = subprocess.run(
        [installed, "files"],
        cwd=tmp_path, env=clean_environment(tmp_path), capture_output=True, text=True, check=True,
    )  # fmt: skip
    folders = {path.name: path for path in map(Path, told.stdout.splitlines())}
    assert str(installed.parents[1]) in str(folders["docs"])
    assert (folders["config"] / "consent-proxy.service").is_file()
    assert (folders["config"] / "rules.schema.json").is_file()
    assert (folders["config"] / "callkom.yaml").is_file()
    pages = sorted(folders["docs"].rglob("*.md"))
    links = [
        (page.name, link)
        for page in pages
        for link in re.findall(r"\]\(((?:\.\./)*(?:config/|deploy/|docs/)?[\w./-]+)[^)]*\)", page.read_text())
        if not re.search(
            r"^https$|(?:^|/)(?:proxy|tests|bench|tools|rules\.yaml|CONTRIBUTING|SECURITY)", link
        )
        and not (page.parent / link).exists()
    ]

    assert len(pages) > 15
    assert links == []


def test_init_in_an_empty_folder_leads_to_a_proxy_that_serves(installed, tmp_path):
    run = [installed, "init", "--site", "http://127.0.0.1:9"]
    subprocess.run(run, cwd=tmp_path, env=clean_environment(tmp_path), check=True, timeout=60)
    config, port = tmp_path / "config.yaml", free_port()
    text = config.read_text().replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    config.write_text(text.replace("127.0.0.1:9100", f"127.0.0.1:{free_port()}"))
    serve = [installed, "serve", "--config", config, "--rules", tmp_path / "rules.yaml"]
    with running(serve, tmp_path) as (process, log):
        assert until(lambda: "serving_started" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()


def test_the_demo_runs_from_an_empty_folder_with_an_empty_home(installed, tmp_path):
    port = free_port()
    with running([installed, "demo", "--port", port], tmp_path) as (process, log):
        status, page = fetch(port, "/", "callkom.localhost", process, log)

        assert status == 200
        assert b"Refuse all" in page
        assert b"Manage my cookies" in page
        assert until(lambda: f"http://callkom.localhost:{port}/" in log.read_text())
        assert (tmp_path / "demo-state").is_dir()


def test_it_serves_with_a_config_in_another_folder(installed, tmp_path, demo_origin):
    elsewhere = tmp_path / "etc"
    elsewhere.mkdir()
    port = free_port()
    (elsewhere / "site.yaml").write_text(
        f"listen: 127.0.0.1:{port}\nsites:\n  - {{ hosts: [callkom.io], upstream: 'http://127.0.0.1:{demo_origin}' }}\nrecords: sqlite:///proofs.db\n"
    )
    with running([installed, "serve", "--config", elsewhere / "site.yaml"], tmp_path) as (process, log):
        status, page = fetch(port, "/contact", "callkom.io", process, log)

        assert status == 200
        assert b"Refuse all" in page
        assert b'type="text/plain"' in page, "a held tag"


def test_rules_of_ones_own_are_taken_from_where_they_lie(installed, tmp_path):
    bad = tmp_path / "rules.yaml"
    bad.write_text(
        (ROOT / "rules.yaml").read_text().replace("purpose: performance", "purpose: preformance", 1)
    )
    told = subprocess.run(
        [installed, "check", bad],
        cwd=tmp_path,
        env=clean_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )

    assert told.returncode == 1
    assert "did you mean 'performance'?" in told.stderr + told.stdout
