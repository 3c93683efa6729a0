"""What compose.yaml would start: its files agree, and its parts run together without an engine."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import trustme
import yaml

from proxy.config.loading import load_config
from tests.patience import until
from tests.ports import free_port
from tests.records.conftest import postgres
from tests.shared import ROOT

__all__ = ["postgres"]

FOLDER = ROOT / "deploy" / "compose"
COMPOSE = yaml.safe_load((FOLDER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
CONFIG = load_config((FOLDER / "config.yaml").read_text(), folder=FOLDER)
NGINX_CONF = (FOLDER / "nginx.conf").read_text()
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


def test_the_services_are_those_that_config_and_nginx_speak_of():
    named = re.findall(r"server ([\w-]+):8080", NGINX_CONF)

    assert set(SERVICES) == {"nginx", "postgres", "site", *named}
    assert set(CONFIG.admin_hosts) == set(named)
    assert CONFIG.sites[0].upstream == (f"http://site:{SERVICES['site']['entrypoint'][-1]}",)
    assert "@postgres/" in CONFIG.records.url
    assert len(named) == 2


def test_every_file_that_is_mounted_is_there_or_is_made_by_the_page():
    made = {"./tls"}
    mounted = {
        volume.partition(":")[0]
        for one in SERVICES.values()
        for volume in one.get("volumes", ())
        if volume.startswith(".")
    }

    assert [path for path in mounted - made if not (FOLDER / path).exists()] == []


def test_the_proxies_read_the_secret_that_compose_makes_and_trust_its_network_alone():
    [network] = COMPOSE["networks"]["default"]["ipam"]["config"]

    assert [str(net) for one in CONFIG.trusted_proxies for net in one.networks] == [network["subnet"]]
    for name in ("proxy-1", "proxy-2"):
        assert [f"/run/secrets/{secret}" for secret in SERVICES[name]["secrets"]] == [str(CONFIG.consent.key)]
        assert SERVICES[name]["read_only"]
        assert SERVICES[name]["cap_drop"] == ["ALL"]


def test_no_service_with_a_read_only_root_has_a_secret_that_compose_would_copy_into_it():
    read_only = [one for one in SERVICES.values() if one.get("read_only")]
    copied = {name for name, secret in COMPOSE["secrets"].items() if "file" not in secret}

    assert [one["secrets"] for one in read_only if copied & set(one.get("secrets", ()))] == []


def test_the_page_makes_the_key_readable_to_the_user_of_the_image_and_closes_its_folder(tmp_path):
    page = (ROOT / "docs" / "operations.md").read_text()
    made = page[page.index("mkdir -m 700") : page.index("mkdir -p tls")]
    subprocess.run(["sh", "-ec", f"umask 077\n{made}"], cwd=tmp_path, check=True)
    file = tmp_path / COMPOSE["secrets"]["consent_key"]["file"]

    assert (file.parent.stat().st_mode & 0o777, file.stat().st_mode & 0o777) == (0o700, 0o444)
    assert len(file.read_bytes().strip()) == 64


def test_only_nginx_is_reached_from_outside():
    assert [name for name, one in SERVICES.items() if "ports" in one] == ["nginx"]


@contextlib.contextmanager
def running(folder: Path, *commands: list[str]):
    processes = []
    try:
        for number, command in enumerate(commands):
            sink = (folder / f"{number}.log").open("wb")
            environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
            processes.append(
                subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=environment, cwd=folder)
            )
            sink.close()
        yield processes
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(60)


def for_nginx(folder: Path, proxies: list[str], front: int, plain: int, text: str = NGINX_CONF) -> Path:
    """Write nginx.conf for this machine, in the words of Debian's 1.22."""
    text = text.replace("listen 443 ssl;\n        http2 on;", f"listen 127.0.0.1:{front} ssl http2;")
    text = text.replace("listen 80;", f"listen 127.0.0.1:{plain};").replace("/etc/nginx/tls", str(folder))
    for number, address in enumerate(proxies, 1):
        text = text.replace(f"proxy-{number}:8080", address)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = text.replace("http {\n", f"http {{\n{paths}", 1)
    conf = folder / "nginx.conf"
    conf.write_text(
        f"pid {folder}/nginx.pid;\nerror_log stderr;\ndaemon off;\n{'user root;' * (os.getuid() == 0)}\n{text}"
    )
    return conf


@pytest.mark.load
@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx-light)")
async def test_both_proxies_serve_behind_nginx_and_an_answer_of_one_is_known_to_the_other(tmp_path, postgres):
    url, ports, site, front, plain = (
        await postgres.fresh(),
        [free_port(), free_port()],
        free_port(),
        free_port(),
        free_port(),
    )
    leaf = trustme.CA().issue_cert("callkom.localhost")
    leaf.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    leaf.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    (tmp_path / "consent_key").write_text("k" * 64)
    configs = []
    for number, port in enumerate(ports):
        text = (FOLDER / "config.yaml").read_text()
        for old, new in (
            ("0.0.0.0:8080", f"127.0.0.1:{port}"), ("0.0.0.0:9100", f"127.0.0.1:{free_port()}"),
            ("http://site:9001", f"http://127.0.0.1:{site}"), ("172.30.0.0/24", "127.0.0.1"),
            ("/run/secrets", str(tmp_path)), ("postgresql://consent@postgres/consent", url),
        ):  # fmt: skip
            assert old in text, old
            text = text.replace(old, new)
        configs.append(tmp_path / f"config-{number}.yaml")
        configs[-1].write_text(text)
    serve = [sys.executable, "-m", "proxy", "serve", "--rules", str(ROOT / "rules.yaml"), "--config"]
    commands = [[*serve, str(config)] for config in configs]
    demo = [sys.executable, "-m", "proxy.demo", str(site)]
    nginx = [NGINX, "-c", str(for_nginx(tmp_path, [f"127.0.0.1:{port}" for port in ports], front, plain))]
    with running(tmp_path, *commands, demo, nginx):
        logs = [tmp_path / f"{number}.log" for number in range(2)]
        assert until(lambda: all("serving_started" in log.read_text() for log in logs)), [
            log.read_text() for log in logs
        ]

        def page() -> tuple[str, str]:
            ask = [
                "curl",
                "-sk",
                "--http2",
                "-H",
                "Accept: text/html",
                "-w",
                "\n%{http_version} %{http_code}",
            ]
            ask += [
                "--resolve",
                f"callkom.localhost:{front}:127.0.0.1",
                f"https://callkom.localhost:{front}/",
            ]
            told = subprocess.run(ask, capture_output=True, text=True, check=False)
            return told.stdout.rpartition("\n")[2], told.stdout

        assert until(lambda: page()[0], "2 200") == "2 200", page()
        assert "Refuse all" in page()[1]
        cookie = answer(ports[0])
        states = [state(port, cookie) for port in ports]

    assert states[0] == states[1]
    assert '"granted": ["functional", "performance"]' in states[0]


def answer(port: int) -> str:
    """Accept at one proxy; return the consent cookie."""
    body = b"choice=accept&return=/"
    request = urllib.request.Request(f"http://127.0.0.1:{port}/.consent/choice", data=body)
    request.add_header("Host", "callkom.localhost")
    request.add_header("Accept", "application/json")
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.headers["Set-Cookie"].partition(";")[0]


def state(port: int, cookie: str) -> str:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/.consent/state")
    request.add_header("Host", "callkom.localhost")
    request.add_header("Cookie", cookie)
    with urllib.request.urlopen(request, timeout=30) as response:
        return response.read().decode()
