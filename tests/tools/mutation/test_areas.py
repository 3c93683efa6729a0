"""What is broken, and the tests that know it."""

from tools.mutation.areas import AREAS, ROOT, files_of, own_tests


def test_every_file_of_an_area_and_its_tests_are_there():
    for area in AREAS:
        assert files_of(area), area.name
        assert [path for path in area.tests if not (ROOT / path).exists()] == []


def test_a_file_has_tests_of_its_own_among_those_of_its_area():
    assert own_tests("proxy/filter/tags/refusal.py") == "tests/filter/tags/test_refusal.py"
    for area in AREAS:
        for file in files_of(area):
            assert own_tests(file).startswith(area.tests), file
