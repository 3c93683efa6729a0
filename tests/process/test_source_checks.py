"""What the config says of another consent tool is held to the rules: at its place, with the way out."""

from pathlib import Path

import pytest

from proxy.catalogue.shipped import shipped_catalogue
from proxy.config.loading import read_config
from proxy.config.policies import Policies
from proxy.errors import ConfigError
from proxy.policy.load import load_policy
from proxy.process.read_files import read_files
from proxy.process.source_checks import source_problems
from tests.support.proxying import RULES

LEAST = (
    "listen: 127.0.0.1:0\nsites:\n  - { hosts: [a.callkom.io], upstream: 'http://127.0.0.1:1' }\nconsent:\n"
)
COVERS = "covers: { since: 2026-11-01, providers: [google, hubspot] }"
MAPPED = "{ tool: cookiebot, purposes: { statistics: performance, preferences: functional },"
USED = RULES + "use: [cookiebot]\n"


def problems(folder: Path, source: str, rules: str = USED) -> list[str]:
    path = folder / "config.yaml"
    path.write_text(f"{LEAST}  source: {source}\n")
    found = source_problems(
        Policies.given(load_policy(rules, catalogue=shipped_catalogue())), read_config(path), path
    )
    return [("warning " if one.warning else "") + str(one) for one in found]


def test_a_source_that_fits_says_nothing(tmp_path):
    mapped = "purposes: { statistics: performance, preferences: functional }"

    assert problems(tmp_path, f"{{ tool: cookiebot, {mapped}, {COVERS} }}") == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            f"{{ tool: cookiebot, purposes: {{ statistics: preformance, preferences: functional }}, {COVERS} }}",
            "config.yaml:5:54: consent.source.purposes.statistics is 'preformance'; did you mean 'performance'?",
        ),
        (
            f"{{ tool: cookiebot, purposes: {{ statistics: [performance, necessary], preferences: functional }}, {COVERS} }}",
            "config.yaml:5:68: consent.source.purposes.statistics[1] is 'necessary', which nobody is asked about:",
        ),
        (
            f"{MAPPED} covers: {{ since: 2026-11-01, providers: [google, hubspott] }} }}",
            "consent.source.covers.providers[1] is 'hubspott'; did you mean 'hubspot'?",
        ),
    ],
)
def test_what_the_rules_do_not_know_is_a_fault_and_serve_refuses_it(tmp_path, source, words):
    told = problems(tmp_path, source)
    (tmp_path / "rules.yaml").write_text(USED)

    assert any(words in one and not one.startswith("warning") for one in told), told
    with pytest.raises(ConfigError, match="consent.source"):
        read_files(tmp_path / "config.yaml", tmp_path / "rules.yaml")


@pytest.mark.parametrize(
    ("source", "rules", "words"),
    [
        (f"{{ tool: cookiebot, purposes: {{ statistics: performance }}, {COVERS} }}", USED,
         "consent.source.purposes maps nothing to 'functional'"),
        ("{ tool: cookiebot, purposes: { statistics: performance, preferences: functional } }", USED,
         "does not say what the banner of Cookiebot covers"),
        (f"{MAPPED} covers: {{ since: 2026-11-01, providers: google }} }}", USED,
         "consent.source.covers.providers does not name 'hubspot', which rules.yaml asks about"),
        ("{ tool: klaro, purposes: { matomo: performance, youtube: functional } }", RULES + "use: [klaro]\n",
         "consent.source.tool is 'klaro': Klaro does not store when it was answered"),
        (f"{{ tool: cookiebot, purposes: {{ statistics: performance, preferences: functional }}, {COVERS} }}", RULES,
         "which the rules do not use (its cookie is declared by nobody, and its banner is held or not): use: [cookiebot]"),
    ],
)  # fmt: skip
def test_what_will_not_count_is_a_warning(tmp_path, source, rules, words):
    told = problems(tmp_path, source, rules)

    assert [one for one in told if words in one and one.startswith("warning")], told
    assert [one for one in told if not one.startswith("warning")] == []
