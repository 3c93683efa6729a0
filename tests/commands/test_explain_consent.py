"""`explain --config` answers why the visitor with a given consent cookie would be asked again, or not."""

import json
import time

import pytest

from proxy.consent.answer import Answer
from proxy.consent.cookie import write_answer
from proxy.policy.load import load_policy
from proxy.policy.scope import Scope, scope_of
from tests.commands.running import ROOT, Told, run

KEY = b"0123456789abcdef0123456789abcdef"
SCOPE = scope_of(load_policy((ROOT / "rules.yaml").read_text()))
DAY = 86_400


@pytest.fixture
def config(tmp_path):
    (tmp_path / "consent.key").write_bytes(KEY + b"\n")
    path = tmp_path / "config.yaml"
    path.write_text(
        "listen: 127.0.0.1:8080\nsites: [{ hosts: [callkom.io], upstream: 'http://127.0.0.1:9001' }]\n"
        "consent: { key: consent.key }\nrecords: sqlite:///proofs.db\n"
    )
    return path


def answer(days_ago: int, scope: Scope = SCOPE) -> Answer:
    at = int(time.time()) - days_ago * DAY
    return Answer("v1", at, frozenset({"functional"}), scope, "2026-11-01", {"functional": at // DAY})


def told(config, cookie: str) -> Told:
    return run("explain", cookie, "--config", config, "--json")


def test_a_fresh_answer_is_not_asked_again_and_says_until_when(config):
    said = json.loads(told(config, "consent_callkom=" + write_answer(answer(10), [KEY], SCOPE)).stdout)

    assert said["ask"] == "no"
    assert said["granted"] == ["functional"]
    assert said["asked_again_from"] > said["answered"]


def test_an_answer_of_more_than_six_months_ago_is_asked_again(config):
    assert json.loads(told(config, write_answer(answer(181), [KEY], SCOPE)).stdout)["ask"] == "expired"


def test_a_provider_that_joined_since_is_named(config):
    asked = Scope(frozenset(pair for pair in SCOPE.pairs if pair.provider != "calendly"))
    said = json.loads(told(config, write_answer(answer(10, asked), [KEY], SCOPE)).stdout)

    assert said["ask"] == "new"
    assert said["new"] == ["calendly (functional)"]


def test_a_cookie_signed_elsewhere_is_no_answer(config):
    said = json.loads(
        told(config, write_answer(answer(10), [b"another key of 32 bytes, elsewhere"], SCOPE)).stdout
    )

    assert said["ask"] == "first"
    assert "no key of this config" in said["why"]


def test_without_a_signing_key_it_says_so_and_makes_none(config):
    (config.parent / "consent.key").unlink()
    answered = told(config, "x")

    assert answered.returncode == 1
    assert "there is no signing key" in answered.stderr
    assert not (config.parent / "consent.key").exists()


def test_the_rules_are_those_of_the_site_that_has_the_host(config):
    rules = (ROOT / "rules.yaml").read_text()
    (config.parent / "fr.yaml").write_text(rules.replace("  calendly:", "  meetings:"))
    first = "hosts: [callkom.io], upstream: 'http://127.0.0.1:9001' }"
    other = ", { hosts: [example.fr], upstream: 'http://127.0.0.1:9001', rules: fr.yaml }"
    config.write_text(config.read_text().replace(first, first + other))
    cookie = write_answer(answer(10), [KEY], SCOPE)

    asked = [
        json.loads(run("explain", cookie, "--config", config, "--json", *host).stdout)
        for host in ((), ("--host", "example.fr"))
    ]
    assert [one["ask"] for one in asked] == ["no", "new"]
    assert asked[1]["new"] == ["meetings (functional)"]


def test_without_a_cookie_the_rules_are_those_of_the_site_that_the_address_names(config):
    rules = (ROOT / "rules.yaml").read_text()
    (config.parent / "fr.yaml").write_text(rules.replace("from: calendly.com", "from: calendly.fr"))
    first = "hosts: [callkom.io], upstream: 'http://127.0.0.1:9001' }"
    other = ", { hosts: [example.fr], upstream: 'http://127.0.0.1:9001', rules: fr.yaml }"
    config.write_text(config.read_text().replace(first, first + other))

    def line(subject, *more):
        said = run("explain", subject, "--config", config, "--json", *more).stdout
        return json.loads(said)["visitors"]["refused"]["verdicts"][0]["rule"]

    assert line("https://calendly.com/x").startswith("rules.yaml:")
    assert line("https://calendly.fr/x", "--host", "example.fr").startswith("fr.yaml:")
    assert line("https://example.fr/") is None
