"""Problems say where they are as editors understand it, and sort in the order of the file."""

from proxy.problems import Place, Problem


def test_a_place_prints_as_editors_open_it_and_as_verdicts_name_it():
    place = Place("rules.yaml", 52, 9)

    assert (str(place), place.rule) == ("rules.yaml:52:9", "rules.yaml:52")
    assert str(Place("rules.yaml", 3)) == "rules.yaml:3:1"


def test_a_problem_is_its_place_and_its_text_warning_or_not():
    place = Place("rules.yaml", 52, 9)

    assert str(Problem(place, "is empty")) == "rules.yaml:52:9: is empty"
    assert str(Problem(place, "is empty", warning=True)) == "rules.yaml:52:9: is empty"
    assert Problem(place, "is empty") != Problem(place, "is empty", warning=True)


def test_problems_sort_by_file_line_and_column():
    places = [Place("b", 1), Place("a", 10), Place("a", 2, 7), Place("a", 2)]

    assert sorted(Problem(place, "x") for place in places) == [
        Problem(place, "x") for place in (places[3], places[2], places[1], places[0])
    ]
