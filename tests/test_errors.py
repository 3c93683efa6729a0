"""Errors are told apart by whose fault they are, and survive the way between processes."""

import pickle
from pathlib import Path

import pytest

from proxy import errors
from proxy.errors import (
    BadRequest,
    ConfigError,
    FaultsError,
    PolicyError,
    ProxyError,
    RulesTestsError,
    UpstreamError,
    reason,
)
from proxy.problems import Place, Problem

PROBLEMS = [Problem(Place("rules.yaml", 3), "is empty"), Problem(Place("rules.yaml", 9, 2), "is odd")]


@pytest.mark.parametrize("kind", [PolicyError, RulesTestsError, ConfigError])
def test_a_fault_in_files_lists_every_problem_on_a_line_of_its_own(kind):
    error = kind(PROBLEMS)

    assert isinstance(error, FaultsError)
    assert error.problems == tuple(PROBLEMS)
    assert str(error) == "rules.yaml:3:1: is empty\nrules.yaml:9:2: is odd"


@pytest.mark.parametrize("kind", [PolicyError, RulesTestsError, ConfigError])
def test_it_arrives_whole_from_the_process_that_loads(kind):
    arrived = pickle.loads(pickle.dumps(kind(PROBLEMS, [Path("fr.yaml")])))

    assert type(arrived) is kind
    assert arrived.files == (Path("fr.yaml"),)
    assert arrived.problems == tuple(PROBLEMS)


def test_whose_fault_it_is_decides_the_status():
    assert (UpstreamError("x").status, UpstreamError("x", 504).status) == (502, 504)
    assert (UpstreamError("x").unheard, UpstreamError("x", unheard=True).unheard) == (False, True)
    assert (BadRequest("x").status, BadRequest("x", 431).status) == (400, 431)
    assert str(UpstreamError("refused", 503)) == "refused"


def test_every_error_is_one_of_ours_and_failing_tests_are_the_rule_authors():
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]

    assert len(kinds) >= 10
    assert all(issubclass(kind, ProxyError) for kind in kinds)
    assert issubclass(RulesTestsError, PolicyError)
    assert not issubclass(ConfigError, PolicyError)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 5432)"),
            "nothing listens there (connection refused)",
        ),
        (OSError(-2, "Name or service not known"), "Name or service not known"),
        (ValueError(" of one kind\n"), "of one kind"),
        (EOFError(), "EOFError"),
    ],
)
def test_a_reason_is_words_without_the_number_of_the_error(error, said):
    assert reason(error) == said
