import json

from proxy.banner.page_head import made_for
from proxy.banner.stored_pages import forget_stored
from tests.banner.rendering import BOTH, RENDERER, decision, injected

FENCE = b"default-src 'self'"
STATES = [decision(), decision(answered=True), decision("performance"), decision(*BOTH)]


def test_what_a_worker_does_differs_with_every_answer():
    assert len({RENDERER.worker_lines(state, FENCE) for state in STATES}) == len(STATES)


def test_pages_bear_the_mark_by_which_those_of_other_answers_are_known():
    for state in STATES:
        head = injected(RENDERER.injector(state))[0]
        assert [made_for(other) in head for other in STATES] == [other is state for other in STATES]


def test_the_panel_takes_all_away_and_a_worker_those_of_other_answers():
    assert '("")' in forget_stored()
    assert made_for(STATES[2]).replace('"', '\\"') in RENDERER.worker_lines(STATES[2], FENCE).decode()


def test_tabs_are_told_of_an_answer_and_of_nothing_else():
    """A page that asks closes its banner once another tab was answered."""
    told = [b'"activate"' in RENDERER.worker_lines(state, FENCE) for state in STATES]

    assert told == [False, True, True, True]
    assert b'"activate"' not in RENDERER.worker_lines(decision(signal=True), FENCE)


def test_it_can_stand_in_a_well_formed_page():
    assert not set("<&") & set(forget_stored())


def test_what_it_makes_itself_gets_fence_link_and_guard():
    for state in STATES:
        lines = RENDERER.worker_lines(state, FENCE).decode()
        head, body, foot = injected(RENDERER.injector(state))
        assert json.dumps(FENCE.decode()) in lines
        assert json.dumps("<!doctype html>" + head) in lines
        assert json.dumps(body + foot) in lines
