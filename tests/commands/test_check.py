"""`check` finds every fault at once, and its exit status says which kind."""

import json
import subprocess
import sys
from pathlib import Path

from tests.commands.running import ROOT, Told, run


def check(*arguments: str | Path) -> Told:
    return run("check", *arguments)


def edited(tmp_path, old: str, new: str) -> Path:
    text = (ROOT / "rules.yaml").read_text()
    assert old in text
    path = tmp_path / "rules.yaml"
    path.write_text(text.replace(old, new, 1))
    return path


def test_the_shipped_rules_and_config_are_fine():
    told = check("rules.yaml", "--config", "config/local.yaml")

    assert told.returncode == 0, told.stderr
    assert "is fine" in told.stdout


def test_the_config_for_production_needs_certificates():
    told = check("rules.yaml", "--config", "config/callkom.yaml")

    assert told.returncode == 1
    assert "callkom.yaml:9:" in told.stderr
    assert "the certificate /etc/consent-proxy/fullchain.pem" in told.stderr


def test_a_tag_rule_for_a_host_that_bears_the_sites_name_and_is_served_elsewhere_is_named(tmp_path):
    rules = edited(
        tmp_path,
        "- { from: self, path",
        "- { from: metrics.callkom.io, purpose: performance }\n      - { from: self, path",
    )
    config = tmp_path / "config.yaml"
    config.write_text(
        "listen: 127.0.0.1:8080\nconsent: { domain: callkom.io }\n"
        "sites: [{ hosts: [callkom.io], upstream: 'http://127.0.0.1:9' }]\n"
    )
    told = check(rules, "--config", config)

    assert "'metrics.callkom.io' is under callkom.io and no host of this proxy" in " ".join(
        told.stderr.split()
    )
    config.write_text(config.read_text() + "own: [metrics.callkom.io]\n")
    assert "metrics.callkom.io" not in check(rules, "--config", config).stderr


def test_a_neutral_host_that_bears_the_sites_name_and_is_served_elsewhere_is_named(tmp_path):
    one = "- { from: cdn.callkom.io, why: 'Our pictures', transfers: none }"
    rules = edited(tmp_path, "- { from: s.w.org,", f"{one}\n  - {{ from: s.w.org,")
    config = tmp_path / "config.yaml"
    config.write_text(
        "listen: 127.0.0.1:8080\nconsent: { domain: callkom.io }\n"
        "sites: [{ hosts: [callkom.io], upstream: 'http://127.0.0.1:9' }]\n"
    )
    told = check(rules, "--config", config)
    said = " ".join(told.stderr.split())

    assert "'cdn.callkom.io' is under callkom.io and no host of this proxy: it loads for everyone" in said
    assert told.returncode == 3
    config.write_text(config.read_text() + "own: [cdn.callkom.io]\n")
    assert "cdn.callkom.io" not in check(rules, "--config", config).stderr


def test_a_misspelt_purpose_is_a_fault_with_its_place_and_a_suggestion(tmp_path):
    told = check(edited(tmp_path, "purpose: performance", "purpose: preformance"))

    assert told.returncode == 1
    assert "rules.yaml:" in told.stderr
    assert "did you mean 'performance'?" in told.stderr


def test_a_rule_changed_against_its_own_test_is_a_fault(tmp_path):
    told = check(
        edited(
            tmp_path,
            "expect: { refused: hold, functional: hold, performance: keep, accepted: keep }",
            "expect: { refused: keep }",
        )
    )

    assert told.returncode == 1
    assert "refused gets hold, not keep" in told.stderr
    assert "because of rules.yaml:" in told.stderr


def test_faults_of_rules_and_config_are_told_in_one_run(tmp_path):
    config = tmp_path / "config.yaml"
    config.write_text("listen: nowhere\nsites: []\n")
    told = check(edited(tmp_path, "purpose: performance", "purpose: preformance"), "--config", config)

    assert "rules.yaml:" in told.stderr
    assert "config.yaml:1:" in told.stderr


def test_warnings_alone_end_with_3(tmp_path):
    path = tmp_path / "rules.yaml"
    text = (ROOT / "rules.yaml").read_text()
    start = text.index("\ntests:")
    path.write_text(text[:start] + "\n")
    told = check(path)

    assert told.returncode == 3, told.stderr
    assert "no test of this file trips this tag rule" in told.stderr


def test_with_json_programs_get_each_problem_with_its_line(tmp_path):
    told = check(edited(tmp_path, "purpose: performance", "purpose: preformance"), "--json")
    problems = json.loads(told.stdout)

    assert problems[0]["severity"] == "fault"
    assert problems[0]["line"] > 1


def test_a_file_that_is_not_there_is_one_sentence():
    told = check("nowhere.yaml")

    assert told.returncode == 2
    assert told.stderr.strip() == "consent-proxy: there is no rules file at nowhere.yaml"


def test_with_watch_a_file_is_checked_again_when_it_changes(tmp_path):
    rules = edited(tmp_path, "purpose: performance", "purpose: preformance")
    command = [sys.executable, "-m", "proxy", "check", str(rules), "--watch"]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watching:
        try:
            until_said(watching.stderr, "did you mean 'performance'?")
            rules.write_text((ROOT / "rules.yaml").read_text())
            until_said(watching.stdout, "is fine")
        finally:
            watching.kill()


def test_with_watch_the_rules_of_a_site_are_watched_too(tmp_path):
    french = (ROOT / "rules.yaml").read_text().replace("callkom.io", "example.fr")
    config = with_own_rules(tmp_path, french.replace("purpose: performance", "purpose: preformance", 1))
    command = [sys.executable, "-m", "proxy", "check", "--config", str(config), "--watch"]
    with subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as watching:
        try:
            until_said(watching.stderr, "fr.yaml:")
            (tmp_path / "fr.yaml").write_text(french)
            until_said(watching.stdout, "fr.yaml is fine")
        finally:
            watching.kill()


def until_said(pipe, words):
    for line in pipe:
        if words in line:
            return
    raise AssertionError(words)


def with_own_rules(tmp_path, rules: str):
    (tmp_path / "fr.yaml").write_text(rules)
    config = tmp_path / "config.yaml"
    config.write_text(
        "listen: 127.0.0.1:8080\nsites:\n"
        "  - { hosts: [callkom.io], upstream: 'http://127.0.0.1:9' }\n"
        "  - { hosts: [example.fr], upstream: 'http://127.0.0.1:9', rules: fr.yaml }\n"
    )
    return config


def test_the_rules_that_a_site_names_are_checked_with_those_that_are_given(tmp_path):
    french = (ROOT / "rules.yaml").read_text().replace("callkom.io", "example.fr")
    config = with_own_rules(tmp_path, french)
    fine = check("--config", config)
    (tmp_path / "fr.yaml").write_text(french.replace("13 months", "13 monts", 1))
    faulty = check(edited(tmp_path, "13 months", "13 monts"), "--config", config)

    assert fine.returncode == 0, fine.stderr
    assert ["rules.yaml is fine" in fine.stdout, "fr.yaml is fine" in fine.stdout] == [True, True]
    assert faulty.returncode == 1
    assert "fr.yaml:" in faulty.stderr
    assert "rules.yaml:" in faulty.stderr.replace("fr.yaml:", "")
    assert faulty.stderr.count("13 monts', which is no duration") == 2


def test_cookies_of_a_site_are_looked_for_in_its_own_rules(tmp_path):
    told = check("--config", with_own_rules(tmp_path, (ROOT / "rules.yaml").read_text()))
    said = " ".join(told.stderr.split())

    assert told.returncode == 3
    assert "config.yaml:4:15: warning: no cookie row of fr.yaml is for 'example.fr'" in said
    assert "is for 'callkom.io'" not in said
    assert "`rules` of its own" not in said


def test_a_rules_file_of_a_site_that_is_not_there_is_told(tmp_path):
    config = with_own_rules(tmp_path, "")
    (tmp_path / "fr.yaml").unlink()
    told = check("--config", config)

    assert told.returncode == 1
    assert "fr.yaml:1:1: cannot be read (No such file or directory)" in told.stderr
    assert "name another under `rules:` of its site" in told.stderr


def test_cookies_of_a_purpose_of_legitimate_interest_are_a_fault(tmp_path):
    text = (ROOT / "rules.yaml").read_text()
    (line,) = (one for one in text.splitlines() if one.startswith("  functional:"))
    told = check(edited(tmp_path, line, line.replace("consent", "legitimate interest", 1)))

    assert told.returncode == 1
    assert "purposes.functional stores or loads by legitimate interest" in told.stderr
