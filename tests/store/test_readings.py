from __future__ import annotations

import random

import pytest

from slo.store import booking, readings
from slo.store.engine import reading, writing


@pytest.fixture
def booked(engine, make):
    """Two meters with 50 minutes of readings from T0 on, the second of 5-minute buckets."""
    one, two = make.meter(engine, "svc/one"), make.meter(engine, "svc/two")
    with writing(engine) as session:
        both = [
            make.booking(one, make.T0, [(1, 2)] * 50, carried={4: 400, 9: 700}),
            make.booking(two, make.T0, [(3, 4)] * 10, bucket=300),
        ]
        booking.book(session, both)
    return one, two


def test_a_reading_at_an_instant_is_the_last_at_or_before_it(engine, booked, make):
    one, two = booked
    instants = [make.T0 - 1, make.T0, make.T0 + 59, make.T0 + 60, make.T0 + 299, make.T0 + 99999]
    with reading(engine) as session:
        found = readings.readings_at(session, {one: instants, two: instants, 999: instants})
    ends = {(m, t - make.T0): r.end - make.T0 for (m, t), r in found.items()}
    assert ends == {
        (one, 0): 0,
        (one, 59): 0,
        (one, 60): 60,
        (one, 299): 240,
        (one, 99999): 3000,
        (two, 0): 0,
        (two, 59): 0,
        (two, 60): 0,
        (two, 299): 0,
        (two, 99999): 3000,
    }
    assert found[one, make.T0 + 299].total == 8


def test_pairs_and_a_mapping_ask_the_same(engine, booked, make):
    rng = random.Random(3)
    asked = [(m, make.T0 + rng.randrange(-100, 4000)) for m in booked for _ in range(500)]
    by_meter = {m: [t for meter, t in asked if meter == m] for m in booked}
    with reading(engine) as session:
        found = readings.readings_at(session, asked)
        assert found == readings.readings_at(session, by_meter)
        all_of_them = {m: readings.between(session, m, 0, 1 << 40) for m in booked}
        later = readings.readings_from(session, by_meter)
        assert later == readings.readings_from(session, asked)
    for meter, t in asked:
        expected = [r for r in all_of_them[meter] if r.end <= t][-1:]
        assert [r for r in [found.get((meter, t))] if r] == expected
        expected = [r for r in all_of_them[meter] if r.end >= t][:1]
        assert [r for r in [later.get((meter, t))] if r] == expected


def test_nothing_wanted_is_nothing_found(engine):
    with reading(engine) as session:
        assert readings.readings_at(session, {}) == {}
        assert readings.readings_from(session, {}) == {}
        assert readings.readings_at(session, []) == {}


def test_the_first_reading_at_or_after_an_instant(engine, booked, make):
    with reading(engine) as session:
        assert readings.first_at_or_after(session, booked[0], make.T0 + 61).end == make.T0 + 120
        assert readings.first_at_or_after(session, booked[0], make.T0 + 120).end == make.T0 + 120
        assert readings.first_at_or_after(session, booked[0], make.T0 + 3001) is None


def test_readings_between_leave_out_the_start_and_hold_the_end(engine, booked, make):
    with reading(engine) as session:
        found = readings.between(session, booked[0], make.T0 + 60, make.T0 + 240)
    assert [r.end - make.T0 for r in found] == [120, 180, 240]


def test_carried_steps_after_an_instant_by_meter(engine, booked, make):
    def carried(start):
        return readings.carried_since(session, {booked[0]: make.T0 + start}).get(booked[0], [])

    with reading(engine) as session:
        every = carried(0)
        assert {length for _, length in every} >= {400, 700}
        assert every == sorted(every)
        assert carried(every[0][0] - make.T0) == every[1:]
        assert readings.carried_since(session, {}) == {}
