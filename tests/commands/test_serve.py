"""`serve` before it serves: what it refuses to start with."""

from tests.commands.running import run
from tests.process.test_rules_tests import FAILING, LINE
from tests.support.proxying import RULES, config_text


def written(folder, rules):
    (folder / "config.yaml").write_text(config_text("http://127.0.0.1:1"))
    (folder / "rules.yaml").write_text(rules)
    return "--config", folder / "config.yaml", "--rules", folder / "rules.yaml"


def test_rules_whose_own_tests_fail_do_not_start_and_the_line_and_the_way_out_are_said(tmp_path):
    told = run("serve", *written(tmp_path, FAILING))

    assert told.returncode == 1
    assert f"rules.yaml:{LINE}:" in told.stderr
    assert "refused gets hold, not keep" in told.stderr
    assert "--rules-tests warn" in told.stderr


def test_a_fault_in_the_rules_is_no_failed_test(tmp_path):
    told = run("serve", *written(tmp_path, RULES + "oops: 1\n"), "--rules-tests", "warn")

    assert told.returncode == 1
    assert "oops" in told.stderr
    assert "--rules-tests" not in told.stderr


def test_a_word_that_rules_tests_does_not_know_is_wrong_use(tmp_path):
    told = run("serve", *written(tmp_path, RULES), "--rules-tests", "ignore")

    assert told.returncode == 2
