"""Every law on every input that fuzzing kept for it; what it learnt stays small."""

import pytest

from tests.fuzzing.kept import FOLDER, kept
from tests.fuzzing.laws import LAWS, stop


@pytest.fixture(autouse=True)
def _stopped():
    yield
    stop()


@pytest.mark.parametrize("law", LAWS)
def test_a_law_holds_for_every_input_that_was_kept(law):
    inputs = kept(law)

    assert inputs
    for data in inputs:
        LAWS[law](data)


def test_what_is_kept_is_small():
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) <= 400_000
    assert {path.stem for path in FOLDER.iterdir()} == set(LAWS)
