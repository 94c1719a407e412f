from __future__ import annotations

import multiprocessing
import random

import pytest

from slo.domain.ledger import Reading
from slo.domain.standing import Note
from slo.store import booking, edges, migrations, notes, readings, slos
from slo.store.engine import open_engine, reading, writing


def all_readings(engine, meter):
    with reading(engine) as session:
        return readings.between(session, meter, -1, 1 << 40)


def meter_row(engine, name="svc/one"):
    with reading(engine) as session:
        return slos.meter_of(session, name)


def test_a_first_booking_writes_an_origin_of_zeros(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        assert booking.book(session, [make.booking(meter, make.T0, [(9, 10), (5, 5)])]) == {meter}
    assert all_readings(engine, meter) == [
        Reading(make.T0, 0, 0, 0),
        Reading(make.T0 + 60, 9, 10, 60),
        Reading(make.T0 + 120, 14, 15, 120),
    ]
    row = meter_row(engine)
    assert (row.booked_from, row.booked_to, row.watch_from) == (make.T0, make.T0 + 120, make.T0)


def test_the_same_booking_twice_is_booked_once(engine, make):
    meter = make.meter(engine)
    once = make.booking(
        meter, make.T0, [(9, 10)], notes=(Note("skew", "two replicas disagree", 2.0),)
    )
    for expected in ({meter}, set()):
        with writing(engine) as session:
            assert booking.book(session, [once]) == expected
    assert len(all_readings(engine, meter)) == 2
    with reading(engine) as session:
        assert notes.of(session, [meter])[meter][0].amount == 2.0


def test_a_booking_after_a_hole_or_over_booked_time_is_left_out(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        booking.book(session, [make.booking(meter, make.T0, [(1, 1), (1, 1)])])
        for start in (make.T0 + 60, make.T0 + 180, make.T0 - 60):
            assert booking.book(session, [make.booking(meter, start, [(1, 1)])]) == set()
    assert len(all_readings(engine, meter)) == 3


def test_one_meter_that_is_booked_already_stops_no_other(engine, make):
    one, two = make.meter(engine, "svc/one"), make.meter(engine, "svc/two")
    with writing(engine) as session:
        booking.book(session, [make.booking(one, make.T0, [(1, 1)])])
    with writing(engine) as session:
        both = [make.booking(one, make.T0, [(1, 1)]), make.booking(two, make.T0, [(1, 1)])]
        assert booking.book(session, both) == {two}
    assert len(all_readings(engine, one)) == len(all_readings(engine, two)) == 2


def test_a_booking_of_a_meter_that_does_not_exist_is_left_out(engine, make):
    with writing(engine) as session:
        assert booking.book(session, [make.booking(77, make.T0, [(1, 1)])]) == set()


@pytest.mark.parametrize("values", [[(1, 1)], [(1, 1), (1, 1), (1, 1)]])
def test_increments_that_do_not_fill_the_span_are_refused(engine, make, values):
    meter = make.meter(engine)
    whole = make.booking(meter, make.T0, [(1, 1), (1, 1)])
    broken = type(whole)(meter, whole.span, make.booking(meter, make.T0, values).increments)
    with pytest.raises(ValueError, match="bucket by bucket"), writing(engine) as session:
        booking.book(session, [broken])


def test_two_bookings_of_one_meter_in_one_call_are_refused(engine, make):
    meter = make.meter(engine)
    two = [make.booking(meter, make.T0, [(1, 1)]), make.booking(meter, make.T0 + 60, [(1, 1)])]
    with pytest.raises(ValueError, match="one after the other"), writing(engine) as session:
        booking.book(session, two)


def test_a_watch_set_before_the_first_booking_stays(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        booking.set_backfill(session, meter, make.T0 - 3600, make.T0 - 3600)
        booking.book(session, [make.booking(meter, make.T0, [(1, 1)])])
    row = meter_row(engine)
    assert (row.watch_from, row.backfill_to, row.booked_from) == (
        make.T0 - 3600,
        make.T0 - 3600,
        make.T0,
    )


def test_a_stopped_backfill_watches_from_the_ledgers_beginning(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        booking.set_backfill(session, meter, make.T0 - 3600, make.T0 - 3600)
        booking.book(session, [make.booking(meter, make.T0, [(1, 1)])])
        booking.stop_backfill(session, meter)
    row = meter_row(engine)
    assert (row.watch_from, row.backfill_to) == (make.T0, None)


def test_an_error_rolls_all_of_a_booking_back(engine, make):
    meter = make.meter(engine)
    whole = make.booking(
        meter, make.T0, [(1, 1)], edges=(make.edge(),), notes=(Note("skew", "x", 1.0),)
    )

    def book_and_fail():
        with writing(engine) as session:
            booking.book(session, [whole])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        book_and_fail()
    assert all_readings(engine, meter) == []
    assert meter_row(engine).booked_to is None
    with reading(engine) as session:
        assert edges.edges_of(session, [meter]) == {meter: []}
        assert notes.of(session, [meter]) == {meter: []}


def test_a_savepoint_rolls_back_one_meter_alone(engine, make):
    one, two = make.meter(engine, "svc/one"), make.meter(engine, "svc/two")

    def book_and_fail(session):
        with session.begin_nested():
            booking.book(session, [make.booking(two, make.T0, [(1, 1)])])
            raise RuntimeError

    with writing(engine) as session:
        with session.begin_nested():
            booking.book(session, [make.booking(one, make.T0, [(1, 1)])])
        with pytest.raises(RuntimeError):
            book_and_fail(session)
    assert len(all_readings(engine, one)) == 2
    assert all_readings(engine, two) == []


def test_a_backfill_counts_down_from_the_first_reading(engine, make):
    meter, t = make.meter(engine), make.T0
    with writing(engine) as session:
        booking.set_backfill(session, meter, t - 240, t - 240)
        booking.book(session, [make.booking(meter, t, [(9, 10)])])
        newer = make.booking(meter, t - 120, [(1, 2), (3, 4)])
        assert booking.book_back(session, newer, 60)
        assert not booking.book_back(session, newer, 60)
    assert meter_row(engine).backfill_to == t - 240
    with writing(engine) as session:
        assert booking.book_back(session, make.booking(meter, t - 240, [(5, 6), (7, 8)]), 60)
    assert all_readings(engine, meter) == [
        Reading(t - 240, -16, -20, -240),
        Reading(t - 180, -11, -14, -180),
        Reading(t - 120, -4, -6, -120),
        Reading(t - 60, -3, -4, -60),
        Reading(t, 0, 0, 0),
        Reading(t + 60, 9, 10, 60),
    ]
    row = meter_row(engine)
    assert (row.booked_from, row.booked_to, row.backfill_to) == (t - 240, t + 60, None)


def test_nothing_is_booked_back_before_the_first_booking(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        assert not booking.book_back(session, make.booking(meter, make.T0, [(1, 1)]), 60)
    assert all_readings(engine, meter) == []


def test_a_sparse_backfill_keeps_its_grid_its_start_and_what_is_pinned(engine, make):
    meter, t = make.meter(engine), make.T0
    values = [(1.0, 1.0)] * 57
    carried = {0: 400, 20: 500, 56: 600}
    with writing(engine) as session:
        booking.book(session, [make.booking(meter, t, [(9, 10)])])
        back = make.booking(meter, t - 57 * 60, values, carried=carried)
        assert booking.book_back(session, back, 1200, pinned=[t - 1801, t + 9999, t - 9999])
    found = all_readings(engine, meter)
    assert [(r.end - t, r.total, r.carried) for r in found] == [
        (-57 * 60, -57, 0),
        (-2400, -40, 400),  # The buckets before it hold the carried step of the first.
        (-1860, -31, 500),
        (-1200, -20, 0),
        (0, 0, 600),
        (60, 10, 0),
    ]


def test_a_carried_step_before_the_first_reading_belongs_to_it_once_it_is_known(engine, make):
    meter, t = make.meter(engine), make.T0
    with writing(engine) as session:
        booking.book(session, [make.booking(meter, t, [(1, 1)], carried={0: 900})])
        booking.book_back(session, make.booking(meter, t - 60, [(1, 1)], carried={0: 700}), 60)
        carried = readings.carried_since(session, {meter: t - 60})
        assert carried == {meter: [(t, 700), (t + 60, 900)]}
        assert readings.carried_since(session, {meter: t + 60}) == {}


def test_a_ledger_booked_in_any_order_has_the_same_differences(engine, make):
    rng = random.Random(7)
    values = [(float(rng.randrange(50)), float(rng.randrange(50, 99))) for _ in range(60)]
    straight, mixed = make.meter(engine, "svc/one"), make.meter(engine, "svc/two")
    t, cut = make.T0, 25
    with writing(engine) as session:
        booking.book(session, [make.booking(straight, t, values)])
        forth, back, after = cut, cut, [5, 15, 15]
        for size in after:
            part = make.booking(mixed, t + 60 * forth, values[forth : forth + size])
            booking.book(session, [part])
            forth += size
            low = max(0, back - 9)
            booking.book_back(session, make.booking(mixed, t + 60 * low, values[low:back]), 60)
            back = low
    a, b = all_readings(engine, straight), all_readings(engine, mixed)
    assert [r.end for r in a] == [r.end for r in b]
    assert {(x.good - y.good, x.total - y.total) for x, y in zip(a, b, strict=True)} == {
        (a[0].good - b[0].good, a[0].total - b[0].total)
    }


def _book_everything(url, plan, gate, results):
    engine = open_engine(url)
    mine = 0
    gate.wait()
    for step in plan:
        with writing(engine) as session:
            mine += len(booking.book(session, step))
    results.put(mine)
    engine.dispose()


def test_two_processes_that_book_the_same_spans_book_them_once(store_url, make):
    engine = open_engine(store_url)
    migrations.upgrade(engine)
    meters = [make.meter(engine, f"svc/n{i}") for i in range(5)]
    plan = [
        # In two orders, so that locks taken out of order would block each other.
        [make.booking(m, make.T0 + 60 * k, [(1, 2)]) for m in meters]
        for k in range(30)
    ]
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(2), context.Queue()
    plans = (plan, [step[::-1] for step in plan])
    workers = [
        context.Process(target=_book_everything, args=(store_url, p, gate, results)) for p in plans
    ]
    for worker in workers:
        worker.start()
    booked = results.get(timeout=60) + results.get(timeout=60)
    for worker in workers:
        worker.join(timeout=60)
        assert worker.exitcode == 0
    assert booked == 5 * 30
    for meter in meters:
        found = all_readings(engine, meter)
        assert [(r.end, r.total) for r in found] == [(make.T0 + 60 * k, 2 * k) for k in range(31)]
    engine.dispose()
