from proxy.banner.page_head import made_for
from proxy.banner.stored_pages import forget_stored, worker_lines
from tests.banner.rendering import BOTH, RENDERER, decision, injected

STATES = [decision(), decision(answered=True), decision("performance"), decision(*BOTH)]


def test_what_a_worker_does_differs_with_every_answer():
    assert len({worker_lines(state, "/.consent/") for state in STATES}) == len(STATES)


def test_pages_bear_the_mark_by_which_those_of_other_answers_are_known():
    for state in STATES:
        head = injected(RENDERER.injector(state))[0]
        assert [made_for(other) in head for other in STATES] == [other is state for other in STATES]


def test_the_panel_takes_all_away_and_a_worker_those_of_other_answers():
    assert '("")' in forget_stored()
    assert made_for(STATES[2]).replace('"', '\\"') in worker_lines(STATES[2], "/.consent/").decode()


def test_tabs_are_told_of_an_answer_and_of_nothing_else():
    """A page that asks closes its banner once another tab was answered."""
    told = [b"postMessage" in worker_lines(state, "/.consent/") for state in STATES]

    assert told == [False, True, True, True]
    assert b"postMessage" not in worker_lines(decision(signal=True), "/.consent/")


def test_it_can_stand_in_a_well_formed_page():
    assert not set("<&") & set(forget_stored())
