"""`status` asks the admin address of the config, prints what it says, and ends with whether it is ready."""

import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from tests.commands.running import run
from tests.ports import free_port

STATE = {"ready": True, "site_names": ["callkom.io", "app.callkom.io"], "reload": {"outcome": "none", "problems": []}, "upstreams": [{"host": "a", "up": False}], "since": None}  # fmt: skip


@pytest.fixture
def config(tmp_path):
    def write(admin: str):
        file = tmp_path / "config.yaml"
        file.write_text(
            f"listen: 127.0.0.1:8080\nsites: [{{ hosts: callkom.io, upstream: 'http://127.0.0.1:1' }}]\n{admin}\n"
        )
        return file

    return write


@pytest.fixture
def asked():
    """An admin address that says what a test wants, and what it was asked."""

    class Admin(BaseHTTPRequestHandler):
        def do_GET(self):
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(server.says)

        def log_message(self, *_):
            pass

    paths: list[str] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Admin)
    server.paths = paths
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def told(config, server, state, *flags):
    server.says = state if isinstance(state, bytes) else json.dumps(state).encode()
    return run("status", "--config", config(f"admin: 127.0.0.1:{server.server_port}"), *flags)


def test_it_is_a_table_with_a_fact_a_row_and_nested_ones_indented(config, asked):
    said = told(config, asked, STATE)
    rows = [" ".join(line.split()) for line in said.stdout.splitlines()]

    assert (said.returncode, asked.paths) == (0, ["/status"])
    assert rows == [
        "ready yes", "site names callkom.io, app.callkom.io", "reload", "outcome none", "problems none", "upstreams 1", "host a", "up no", "since -",
    ]  # fmt: skip
    assert "  outcome" in said.stdout


def test_for_programs_it_is_what_the_proxy_said(config, asked):
    assert json.loads(told(config, asked, STATE, "--json").stdout) == STATE


@pytest.mark.parametrize("state", [{"ready": False}, {}])
def test_a_proxy_that_is_not_ready_ends_with_1(config, asked, state):
    assert told(config, asked, state).returncode == 1


def test_what_is_no_answer_of_a_proxy_is_a_sentence(config, asked):
    said = told(config, asked, b"<html>")

    assert said.returncode == 1
    assert "is the proxy running with this config?" in said.stderr


def test_a_proxy_that_is_not_there_is_a_sentence_with_its_address(config):
    port = free_port()
    said = run("status", "--config", config(f"admin: 127.0.0.1:{port}"))

    assert said.returncode == 1
    assert f"nothing answers at http://127.0.0.1:{port}/status" in said.stderr


def test_a_config_without_the_address_or_with_faults_says_so(config):
    without, faulty = run("status", "--config", config("")), run("status", "--config", config("admin: x"))

    assert (without.returncode, faulty.returncode) == (1, 1)
    assert "has no `admin` address to ask; add a line such as admin: 127.0.0.1:9100" in without.stderr
    assert "config.yaml:3:8: admin is 'x'" in faulty.stderr


def test_moments_are_said_as_people_say_them_and_stay_numbers_for_programs(config, asked):
    state = {"ready": True, "policy": {"loaded_at": 1796091055.81}, "since": None, "at": 1796091056}
    shown = told(config, asked, state).stdout

    assert "2026-12-01 02:10:55 UTC" in shown
    assert "2026-12-01 02:10:56 UTC" in shown
    assert json.loads(told(config, asked, state, "--json").stdout)["at"] == 1796091056
