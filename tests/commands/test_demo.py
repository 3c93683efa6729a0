"""The demo's config and rules lie in a folder of its own, on ports that are free."""

import socket
from contextlib import contextmanager

import pytest
import typer

from proxy.catalogue.shipped import shipped_catalogue
from proxy.commands import demo as module
from proxy.commands.demo import WALK, _settle
from proxy.config.loading import read_config
from proxy.policy.load import load_policy
from tests.ports import free_port


@contextmanager
def taken():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_the_config_leads_from_the_port_that_was_asked_for_to_the_site(tmp_path):
    port = free_port()
    config_path, rules_path = _settle(tmp_path / "state", port, 4711, None)
    config = read_config(config_path)

    assert config.listen[0].port == port
    assert {origin for site in config.sites for origin in site.upstream} == {"http://127.0.0.1:4711"}
    assert (config_path.parent, rules_path.parent) == (tmp_path / "state", tmp_path / "state")
    assert load_policy(rules_path.read_text(), "rules.yaml", shipped_catalogue()).providers


def test_every_address_that_it_prints_is_of_a_host_that_it_serves(tmp_path):
    config = read_config(_settle(tmp_path, free_port(), 4711, None)[0])
    hosts = {host for site in config.sites for host in site.hosts}

    assert {host for host, _, _ in WALK} <= hosts
    assert all(path.startswith("/") and what for _, path, what in WALK)


def test_rules_of_ones_own_are_tried_as_they_are(tmp_path):
    own = tmp_path / "mine.yaml"

    assert _settle(tmp_path / "state", free_port(), 4711, own)[1] == own
    assert not (tmp_path / "state" / "rules.yaml").exists()


def test_a_port_that_is_taken_is_told_with_the_way_out(tmp_path, capsys):
    with taken() as port, pytest.raises(typer.Exit):
        _settle(tmp_path / "state", port, 4711, None)

    assert f"port {port} is taken; choose another with --port" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("free", [True, False])
def test_beside_another_demo_health_has_no_address(tmp_path, monkeypatch, free):
    monkeypatch.setattr(module, "is_free", lambda port: port != module.ADMIN_PORT or free)
    config = read_config(_settle(tmp_path, free_port(), 4711, None)[0])

    assert (config.admin is not None) is free


def test_a_folder_that_cannot_be_made_is_told_with_the_way_out(tmp_path, capsys):
    (tmp_path / "file").touch()
    with pytest.raises(typer.Exit):
        _settle(tmp_path / "file" / "state", free_port(), 4711, None)

    assert "name another folder with --folder" in " ".join(capsys.readouterr().err.split())
