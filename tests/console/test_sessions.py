from proxy.console.sessions import IDLE, MOST, Sessions


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_session_is_found_by_its_id_until_it_is_ended():
    sessions = Sessions(Clock())
    id_ = sessions.open("ops", ("view",))

    assert sessions.find(id_, acts=True).name == "ops"
    sessions.end(id_)
    assert sessions.find(id_, acts=True) is None
    sessions.end(id_)


def test_only_acts_keep_it():
    clock = Clock()
    sessions = Sessions(clock)
    kept, read = sessions.open("kept", ()), sessions.open("read", ())
    clock.now += IDLE - 1
    sessions.find(kept, acts=True)
    sessions.find(read, acts=False)
    clock.now += 2

    assert sessions.find(kept, acts=False) is not None
    assert sessions.find(read, acts=False) is None


def test_one_session_too_many_ends_the_one_that_was_left_alone_longest():
    clock = Clock()
    sessions = Sessions(clock)
    ids = []
    for number in range(MOST):
        clock.now += 1
        ids.append(sessions.open(str(number), ()))
    clock.now += 1
    sessions.find(ids[0], acts=True)
    new = sessions.open("new", ())

    assert len(sessions._by_id) == MOST
    assert sessions.find(ids[1], acts=False) is None
    assert sessions.find(ids[0], acts=False) is not None
    assert sessions.find(new, acts=False) is not None


def test_sessions_that_are_over_hold_no_memory():
    clock = Clock()
    sessions = Sessions(clock)
    for _ in range(MOST):
        sessions.open("old", ())
    clock.now += IDLE + 1
    sessions.open("new", ())

    assert len(sessions._by_id) == 1
