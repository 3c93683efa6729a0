"""A request passes few files: who follows one through the code does not have to read the whole house."""

import pytest

from tools.passed_files import KINDS, passed_files

LIMITS = {"script": 20, "remembered page": 25, "filtered page": 41, "page of new tags": 51}
"""The most files of proxy/ whose code runs during one request of that kind (docs/decisions/0060)."""


@pytest.fixture(scope="module")
def passed():
    return passed_files()


def test_every_kind_of_request_has_a_limit():
    assert LIMITS.keys() == KINDS.keys()


@pytest.mark.fast_path
@pytest.mark.parametrize("kind", LIMITS)
def test_a_request_passes_no_more_files_than_it_may(kind, passed):
    files = passed[kind]

    assert "proxy/route/relay.py" in files, "what is measured is no request"
    assert len(files) <= LIMITS[kind], "\n".join(files)
