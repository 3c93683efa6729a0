"""The tests of the rules are run before the rules are served, once for all workers."""

import pickle

from proxy.policy.load import load_policy
from proxy.process.rules_tests import doubt_of, failed_tests
from proxy.telemetry.metrics import FOLDER
from tests.support.proxying import RULES

FAILING = f"""{RULES}
tests:
  - it: keeps what these rules hold
    html: <script src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>
    expect: {{ refused: keep }}
"""
LINE = FAILING.splitlines().index("    expect: { refused: keep }") + 1
FULFILLED = FAILING.replace("refused: keep", "refused: hold")


def test_what_fails_is_said_with_its_line():
    (problem,) = failed_tests(load_policy(FAILING))

    assert problem.place.line == LINE
    assert str(problem) in doubt_of((problem,))
    assert failed_tests(load_policy(FULFILLED)) == ()
    assert doubt_of(()) == ""


def test_workers_that_share_a_folder_run_the_tests_of_the_same_rules_once(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    failing, fulfilled = load_policy(FAILING), load_policy(FULFILLED)
    first = failed_tests(failing)
    [kept] = tmp_path.glob("rules.*.tested")
    kept.write_bytes(pickle.dumps(first * 2))

    assert len(first) == 1
    assert failed_tests(failing) == first * 2  # not run again: what is there is believed
    assert failed_tests(fulfilled) == ()


def test_the_same_rules_in_another_file_are_told_at_that_file(tmp_path, monkeypatch):
    monkeypatch.setenv(FOLDER, str(tmp_path))
    failed_tests(load_policy(FAILING))

    [told] = failed_tests(load_policy(FAILING, "other.yaml"))
    assert told.place.file == "other.yaml"
