"""How long an upstream is waited for: the defaults that `timeouts:` has, and why they are in that order."""

from dataclasses import fields

from proxy.config.loading import load_config
from proxy.http.upstream.timeouts import UpstreamTimeouts
from tests.config.test_types import LEAST


def test_what_the_config_sets_has_the_same_default_there():
    configured = load_config(LEAST).timeouts
    ours = UpstreamTimeouts()
    set_by_config = {field.name for field in fields(ours)} - {
        "keepalive"
    }  # that of the config is a visitor's

    assert set_by_config == {"connect", "first_byte", "idle", "queue"}
    assert {name: getattr(configured, name) for name in set_by_config} == {
        name: getattr(ours, name) for name in set_by_config
    }


def test_a_kept_connection_is_closed_before_common_servers_close_it():
    assert UpstreamTimeouts().keepalive < 5.0  # Node and Gunicorn: 5 s, 2 s behind a proxy; uvicorn: 5 s


def test_a_long_poll_has_time_to_begin():
    assert UpstreamTimeouts().first_byte > 60.0
    assert UpstreamTimeouts().connect < UpstreamTimeouts().idle
