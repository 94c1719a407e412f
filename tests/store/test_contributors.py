from __future__ import annotations

import json

from slo.domain.ledger import OTHER, Contribution
from slo.store import booking, contributors
from slo.store.engine import reading, writing


def contribution(hour, n, bad, total=None):
    return Contribution(hour, json.dumps({"n": n}), float(bad), float(total or bad))


def add(engine, meter, *found):
    with writing(engine) as session:
        contributors.add(session, {meter: found})


def top(engine, meter, start, end, limit=20):
    with reading(engine) as session:
        return contributors.top(session, meter, start, end, limit)


def test_contributions_of_one_hour_add_up(engine, make):
    meter, hour = make.meter(engine), make.T0
    add(engine, meter, contribution(hour, 1, 2, 5), contribution(hour, 1, 1, 1))
    add(engine, meter, contribution(hour, 1, 3, 4), contribution(hour, 2, 9, 9))
    assert top(engine, meter, hour, hour + 3600) == [
        contribution(hour, 2, 9, 9),
        contribution(hour, 1, 6, 10),
    ]


def test_beyond_the_twenty_worst_all_becomes_other(engine, make):
    meter, hour = make.meter(engine), make.T0
    add(engine, meter, *(contribution(hour, n, n, 100) for n in range(1, 16)))
    add(engine, meter, *(contribution(hour, n, n, 100) for n in range(16, 31)))
    add(engine, meter, Contribution(hour, OTHER, 1.0, 2.0))
    found = top(engine, meter, hour, hour + 3600)
    assert [c.bad for c in found[:-1]] == list(range(30, 10, -1))
    assert found[-1] == Contribution(hour, OTHER, sum(range(1, 11)) + 1.0, 1002.0)


def test_each_hour_and_meter_keeps_its_own(engine, make):
    one, two = make.meter(engine, "svc/one"), make.meter(engine, "svc/two")
    hour = make.T0
    for n in range(21):
        add(engine, one, contribution(hour, n, n + 1), contribution(hour + 3600, n, n + 1))
    add(engine, two, contribution(hour, 99, 1))
    first = top(engine, one, hour, hour + 3600, 99)
    both = top(engine, one, hour, hour + 7200, 99)
    assert len(first) == len(both) == 21
    assert sum(c.bad for c in both) == 2 * sum(c.bad for c in first) == 2 * sum(range(1, 22))
    assert top(engine, two, hour, hour + 3600) == [contribution(hour, 99, 1)]


def test_what_lies_beyond_the_limit_is_told_as_other(engine, make):
    meter, hour = make.meter(engine), make.T0
    add(engine, meter, *(contribution(hour, n, n) for n in (1, 2, 3)))
    add(engine, meter, Contribution(hour, OTHER, 50.0, 50.0))
    assert [c.bad for c in top(engine, meter, hour, hour + 60, 2)] == [3, 2, 51]
    assert sum(c.bad for c in top(engine, meter, hour, hour + 60, 1)) == 56


def test_hours_that_share_no_time_with_the_span_do_not_count(engine, make):
    meter, hour = make.meter(engine), make.T0
    add(engine, meter, *(contribution(hour + 3600 * k, k, 1) for k in range(4)))
    found = top(engine, meter, hour + 3600, hour + 7201)
    assert {c.hour for c in found} == {hour + 3600, hour + 7200}


def test_the_worst_hour_is_the_one_with_most_bad(engine, make):
    meter, hour = make.meter(engine), make.T0
    add(engine, meter, contribution(hour, 1, 5), contribution(hour, 2, 5))
    add(engine, meter, contribution(hour + 3600, 1, 9), contribution(hour + 7200, 1, 99))
    with reading(engine) as session:
        assert contributors.worst_hour(session, meter, hour, hour + 7200) == hour
        assert contributors.worst_hour(session, meter, hour, hour + 7201) == hour + 7200
        assert contributors.worst_hour(session, meter, hour - 3600, hour) is None


def test_an_hour_without_bad_events_is_not_the_worst(engine, make):
    meter = make.meter(engine)
    add(engine, meter, contribution(make.T0, 1, 0, 10))
    with reading(engine) as session:
        assert contributors.worst_hour(session, meter, make.T0, make.T0 + 60) is None


def test_a_booking_made_twice_adds_its_contributions_once(engine, make):
    meter = make.meter(engine)
    found = (contribution(make.T0, 1, 2, 3),)
    for _ in range(2):
        with writing(engine) as session:
            whole = make.booking(meter, make.T0, [(1, 3)], contributions=found)
            booking.book(session, [whole])
    assert top(engine, meter, make.T0, make.T0 + 60) == list(found)
