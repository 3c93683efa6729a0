import io
import json

from proxy.config.loading import load_config
from proxy.process.observed_sites import warn_of_unobserved
from proxy.telemetry.logs import start_logs

TEXT = """
listen: 127.0.0.1:0
sites:
  - {{ hosts: callkom.io, upstream: "http://127.0.0.1:1", mode: {mode} }}
"""


def warned(folder, mode):
    stream = io.BytesIO()
    start_logs(stream=stream)
    warn_of_unobserved(load_config(TEXT.format(mode=mode), folder=folder))
    return [json.loads(line)["site"] for line in stream.getvalue().splitlines()]


def test_a_site_enforced_that_was_never_observed_is_warned_of(tmp_path):
    assert warned(tmp_path, "enforce") == ["callkom.io"]


def test_a_site_that_was_observed_once_is_not(tmp_path):
    assert warned(tmp_path, "observe") == []
    assert warned(tmp_path, "enforce") == []


def test_where_nothing_can_be_remembered_the_warning_stays(tmp_path):
    (tmp_path / "consent.observed").mkdir()

    assert warned(tmp_path, "observe") == []
    assert warned(tmp_path, "enforce") == ["callkom.io"]
