"""Every command of README.md and docs/operations.md is run, in a fresh copy of what a checkout has.

Ports are changed to free ones, and /opt, /etc and /var/lib to folders of the test. What needs
a whole machine is named below with the reason, and what can be run of it is run.
"""

import contextlib
import http.client
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import trustme

from tests.patience import until
from tests.ports import free_port
from tests.shared import ROOT
from tests.unprivileged import somebody_elses, unprivileged

PAGES = ("README.md", "docs/operations.md")
NOT_RUN = {
    "make test": "is what runs this; its recipe is looked at",
    "useradd": "changes the machine",
    "systemctl enable --now consent-proxy": "there is no systemd to ask; what the unit starts is run",
    "docker build -t consent-proxy .": "there is no engine; the steps of the Dockerfile are run one by one",
    "docker run": "as above: what the image would start is run, with the folder mounted in the command",
    "docker compose up": "as above: what it would start is run in tests/deploy/test_compose.py",
    "openssl req": "as above",
    "cd deploy/compose": "as above",
    "mkdir -p tls": "as above",
    "mkdir -m 700 secret": "run in tests/deploy/test_compose.py, with the next two",
    "openssl rand": "as above",
    "chmod 444 secret/consent.key": "as above",
    "printf": "as above",
    "kubectl": "there is no cluster; tests/deploy/test_kubernetes.py has what can be known without one",
}
STARTED = {"make demo", "consent-proxy serve --config config/local.yaml --rules rules.yaml"}
INSTALLING = (
    "pip install --require-hashes -r deploy/requirements.lock",
    "pip install --no-deps .",
    "pip install .",
    "CONSENT_PROXY_COMPILE=1 pip install .",
    "python3 -m venv",
    ". .venv/bin/activate",
    "/opt/consent-proxy/bin/pip",
    "install -",
    "runuser -u",
)
FOR_THE_IMAGE = ("mkdir -p site", "cp ")


def blocks(page: str, language: str = "sh") -> list[str]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def commands(page: str) -> list[str]:
    lines = [line for block in blocks(page) for line in block.splitlines()]
    return [
        shlex.join(shlex.split(line, comments=True)) and line.partition("  #")[0].strip() for line in lines
    ]


ALL = [line for page in PAGES for line in commands(page) if line]
QUICK = [line for line in ALL if line.startswith("consent-proxy") and line not in STARTED]


@pytest.fixture
def checkout(tmp_path):
    """A copy of what the commands speak of, with `consent-proxy` on the path."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in (
        "Makefile",
        "pyproject.toml",
        "hatch_build.py",
        "README.md",
        "CHANGELOG.md",
        "LICENSE",
        "rules.yaml",
        "Dockerfile",
    ):
        shutil.copy(ROOT / name, folder)
    for name in ("config", "deploy", "docs", "proxy"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "page.html").write_text("<!doctype html><title>x</title><p>Hello")
    tools = folder / "venv" / "bin"
    tools.mkdir(parents=True)
    (tools / "consent-proxy").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m proxy "$@"\n')
    (tools / "consent-proxy").chmod(0o755)
    (folder / "venv" / ".installed").touch()
    return folder


def environment(folder: Path) -> dict[str, str]:
    path = f"{folder / 'venv' / 'bin'}:{os.environ['PATH']}"
    return {"PATH": path, "HOME": str(folder), "LANG": "C.UTF-8", "PYTHONPATH": str(folder)}


def sh(line: str, folder: Path, **more) -> subprocess.CompletedProcess:
    return subprocess.run(
        ["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False,
        **{"env": environment(folder), "timeout": 300, **more},
    )  # fmt: skip


@contextlib.contextmanager
def started(command, folder: Path, env=None):
    log = folder / "out.log"
    with log.open("wb") as sink:
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, stdout=sink, stderr=subprocess.STDOUT,
            env=env or environment(folder),
        )  # fmt: skip
        try:
            yield process, log
        finally:
            process.terminate()
            process.wait(60)


def asked(port: int, host: str, running) -> tuple[int, str]:
    """Return status and body of GET /, once somebody listens."""
    process, log = running
    got = []

    def once():
        assert process.poll() is None, log.read_text()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request("GET", "/", headers={"Host": host, "Accept": "text/html"})
            answer = connection.getresponse()
            got.append((answer.status, answer.read().decode()))
        except OSError:
            return False
        else:
            return True
        finally:
            connection.close()

    assert until(once), log.read_text()
    return got[-1]


def with_free_ports(config: Path, *ports: int) -> list[int]:
    """Change these ports of a config to free ones, and return those."""
    text, fresh = config.read_text(), [free_port() for _ in ports]
    for port, other in zip(ports, fresh, strict=True):
        assert re.search(rf":{port}\b", text), f"{config} has no port {port}"
        text = re.sub(rf"(listen|admin|redirect): (\S+):{port}\b", rf"\1: \g<2>:{other}", text)
    config.write_text(text)
    return fresh


def test_every_documented_command_is_run_or_has_its_reason():
    known = (*QUICK, *STARTED, *NOT_RUN, *INSTALLING, *FOR_THE_IMAGE)

    assert len(ALL) >= 20
    assert [line for line in ALL if not line.startswith(known)] == []
    assert [line for line in (*STARTED, *NOT_RUN) if not any(one.startswith(line) for one in ALL)] == []


@pytest.mark.parametrize("line", QUICK)
def test_a_command_that_ends_does_what_the_page_says(line, checkout):
    told = sh(line, checkout)

    assert told.returncode == 0, told.stderr
    assert told.stdout or (checkout / "out.html").read_text().startswith("<!doctype html>")


def test_serve_as_the_readme_has_it_answers_on_the_port_of_its_config(checkout):
    [line] = [line for line in commands("README.md") if line.startswith("consent-proxy serve")]
    port, _ = with_free_ports(checkout / "config" / "local.yaml", 8080, 9100)
    with started(shlex.split(line), checkout) as running:
        status, page = asked(port, "callkom.localhost", running)

    assert status == 502
    assert "The site is not available" in page


def test_make_demo_starts_the_demo(checkout):
    recipe = sh("make -n demo VENV=venv", checkout).stdout.splitlines()
    port = free_port()
    with started([*shlex.split(recipe[-1]), "--port", port], checkout) as running:
        status, page = asked(port, "callkom.localhost", running)

    assert status == 200
    assert '"level":"warning"' not in running[1].read_text()
    assert "Refuse all" in page


def test_make_test_would_run_every_check(checkout):
    recipe = sh("make -n test VENV=venv", checkout).stdout

    for tool in ("ruff", "mypy", "lint-imports", "consent-proxy check", "pytest"):
        assert tool in recipe


# --- nginx ---------------------------------------------------------------------------------------

NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")


@pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx-light)")
def test_the_lines_for_nginx_are_taken_by_it_and_bring_a_visitor_to_the_proxy_over_http_2(checkout):
    [block] = blocks("docs/operations.md", "nginx")
    authority = trustme.CA()
    authority.issue_cert("callkom.io").private_key_and_cert_chain_pem.write_to_path(
        str(checkout / "both.pem")
    )
    config = checkout / "config" / "local.yaml"
    config.write_text(
        config.read_text().replace("callkom.localhost", "callkom.io") + "\ntrusted_proxies: 127.0.0.1\n"
    )
    port, _ = with_free_ports(config, 8080, 9100)
    front = free_port()
    lines = block.replace("443", f"127.0.0.1:{front}").replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    lines = re.sub(r"/etc/ssl/\S+;", f"{checkout}/both.pem;", lines)
    paths = "".join(
        f"{name}_temp_path {checkout}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    conf = checkout / "nginx.conf"
    conf.write_text(
        f"pid {checkout}/nginx.pid;\nerror_log stderr;\ndaemon off;\n{'user root;' * (os.getuid() == 0)}\n"
        f"events {{}}\nhttp {{\naccess_log off;\n{paths}{lines}}}\n"
    )
    told = subprocess.run([NGINX, "-t", "-c", conf], capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr

    serve = ["consent-proxy", "serve", "--config", config, "--rules", "rules.yaml"]
    with started(serve, checkout) as running:
        asked(port, "callkom.io", running)
        (checkout / "front").mkdir()
        with started([NGINX, "-c", conf], checkout / "front", dict(os.environ)):
            ask = [
                "curl",
                "-sk",
                "--http2",
                "-H",
                "Accept: text/html",
                "-w",
                "\n%{http_version} %{http_code}",
            ]
            ask += ["--retry", "20", "--retry-connrefused", "--retry-delay", "1", "--retry-max-time", "40"]
            ask += [
                "--resolve",
                f"callkom.io:{front}:127.0.0.1",
                f"https://callkom.io:{front}/.consent/state",
            ]
            got = subprocess.run(ask, capture_output=True, text=True, check=False, timeout=60)

    assert got.stdout.splitlines()[-1] == "2 200", got
    assert json.loads(got.stdout.rpartition("\n")[0])


# --- systemd -------------------------------------------------------------------------------------


def moved(line: str, root: Path) -> str:
    """Return a line with the folders of a machine moved under `root`."""
    return re.sub(r"(?<![\w./-])/(opt|etc|var|src)(?=/)", rf"{root}/\1", line)


def borrow_packages(environment_: Path) -> None:
    """Let an environment use the dependencies of this one; its own code it has itself."""
    [packages] = (environment_ / "lib").glob("python*/site-packages")
    (packages / "borrowed.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")


@pytest.mark.load
@pytest.mark.timeout(400)
def test_the_unit_starts_with_the_shipped_config_where_it_may_write_to_its_state_only(checkout, tmp_path):
    root = tmp_path / "machine"
    for folder in ("etc/systemd/system", "opt", "var/lib/consent-proxy"):
        (root / folder).mkdir(parents=True)
    authority = trustme.CA()
    leaf = authority.issue_cert("callkom.io")
    leaf.cert_chain_pems[0].write_to_path(str(checkout / "fullchain.pem"))
    leaf.private_key_pem.write_to_path(str(checkout / "privkey.pem"))
    config = checkout / "config" / "callkom.yaml"
    config.write_text(moved(config.read_text().replace("sqlite:////var", f"sqlite:///{root}/var"), root))
    port, _, _ = with_free_ports(config, 443, 80, 9100)
    [block] = [block for block in blocks("docs/operations.md") if "useradd" in block]
    for line in block.splitlines():
        if line.startswith(("useradd", "systemctl")):
            continue
        run = moved(line, root).replace("pip install", "pip install -q --no-deps")
        run = run.replace("-g consent-proxy ", "").replace("python3 -m venv", f"{sys.executable} -m venv")
        run = run.replace("runuser -u consent-proxy --", shlex.join(unprivileged()))
        told = sh(run, checkout, env={**os.environ, "PYTHONPATH": ""})
        assert told.returncode == 0, (line, told.stdout, told.stderr)
        if "pip install" in line:
            borrow_packages(root / "opt" / "consent-proxy")
    unit = (root / "etc/systemd/system/consent-proxy.service").read_text()
    assert "StateDirectory=consent-proxy\n" in unit
    assert "ProtectSystem=strict\n" in unit
    somebody_elses(root / "etc" / "consent-proxy")
    command = shlex.split(moved(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1], root))
    with started(unprivileged(*command), root / "var", {"PATH": os.environ["PATH"]}) as (process, log):
        assert until(lambda: "serving_started" in log.read_text() or process.poll() is not None)
        assert process.poll() is None, log.read_text()

    assert (root / "var/lib/consent-proxy/consent.key").exists()
    assert str(port) in log.read_text()


# --- the image -----------------------------------------------------------------------------------


def instructions() -> list[tuple[str, str]]:
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    return [tuple(line.split(" ", 1)) for line in text.replace("\\\n", " ").splitlines() if line]


@pytest.fixture
def image(checkout, tmp_path):
    """The folder that the steps of the Dockerfile make, its last words by name, and its configs moved there.

    Both stages share the folder, since an environment cannot be moved; `FROM`, `USER`, `useradd`
    and `apt-get` are taken as done.
    """
    root, words, where, given = tmp_path / "image", {}, Path("/"), {}
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "python").symlink_to(sys._base_executable)
    for name, rest in instructions():
        if name == "WORKDIR":
            where = Path(rest)
            (root / rest.lstrip("/")).mkdir(parents=True, exist_ok=True)
        elif name == "COPY" and not rest.startswith("--from="):
            *sources, target = rest.split()
            goal = root / str(where / target).lstrip("/")
            for source in sources:
                if (checkout / source).is_dir():
                    shutil.copytree(checkout / source, goal, dirs_exist_ok=True)
                    continue
                place = goal / Path(source).name if target.endswith("/") else goal
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(checkout / source, place)
        elif name == "ARG":
            given |= [rest.split("=")]
        elif name == "RUN" and not rest.startswith(("useradd", "apt-get")):
            env = {"PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", **given}
            told = sh(moved(rest, root), root / str(where).lstrip("/"), env=env, timeout=1500)
            assert told.returncode == 0, (rest, told.stderr)
        else:
            words[name] = rest
    return root, words


@pytest.mark.load
@pytest.mark.timeout(1800)
def test_the_image_starts_listens_everywhere_and_says_how_it_is(image, checkout):
    root, words = image
    config = root / "etc/consent-proxy/config.yaml"
    assert "listen: 0.0.0.0:8080\n" in config.read_text()
    assert words["EXPOSE"] == "8080"
    config.write_text(config.read_text().replace("sqlite:////var", f"sqlite:///{root}/var"))
    port, _ = with_free_ports(config, 8080, 9100)
    command = [moved(word, root) for word in json.loads(words["ENTRYPOINT"]) + json.loads(words["CMD"])]
    _, _, check = words["HEALTHCHECK"].partition("CMD ")
    health = [moved(word, root) for word in json.loads(check)]
    home, clean = root / "var/lib/consent-proxy", {"PATH": "/usr/bin:/bin"}
    before = subprocess.run(health, env=clean, capture_output=True, check=False)
    with started(command, home, clean) as running:
        status, page = asked(port, "callkom.localhost", running)
        healthy = subprocess.run(health, env=clean, capture_output=True, text=True, check=False)

    assert before.returncode == 1
    assert (status, healthy.returncode) == (502, 0), (page, healthy.stdout, healthy.stderr)
    assert "The site is not available" in page
    assert re.search(r"filter +compiled", healthy.stdout)
    assert (home / "consent.key").exists()


def test_the_folder_mounted_into_the_image_has_the_files_that_it_starts_with(checkout):
    [block] = [block for block in blocks("docs/operations.md") if "docker run" in block]
    lines = block.splitlines()
    assert "site:/etc/consent-proxy:ro" in lines[-1]
    for line in lines[1:-1]:
        told = sh(line, checkout)
        assert told.returncode == 0, told.stderr
    [command] = [rest for name, rest in instructions() if name == "CMD"]
    wanted = {Path(word).name for word in json.loads(command) if word.startswith("/etc/consent-proxy/")}

    assert wanted == {one.name for one in (checkout / "site").iterdir()}
    config = checkout / "site" / "config.yaml"
    config.write_text(config.read_text().replace("sqlite:////var/lib", f"sqlite:///{checkout}"))
    told = sh("consent-proxy check site/rules.yaml --config site/config.yaml", checkout)
    assert told.returncode == 0, told.stderr
