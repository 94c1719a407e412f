from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slo.store import booking, readings
from slo.store.compaction import compact, kept_ends
from slo.store.engine import reading, writing

DAY = 86400
KEEP = [(3 * DAY, 300), (35 * DAY, 3600), (400 * DAY, DAY)]


def spans(found):
    """What every span between neighbours holds, carried step included."""
    return {
        (a.end, b.end): (b.good - a.good, b.total - a.total, b.covered - a.covered, b.carried)
        for a, b in pairwise(found)
    }


def all_readings(engine, meter):
    with reading(engine) as session:
        return readings.between(session, meter, -1, 1 << 40)


@pytest.fixture
def booked(engine, make):
    """A meter with a day of minutes from T0 on, with some long steps."""
    meter = make.meter(engine)
    values = [(float(i % 7), float(i % 7 + i % 3)) for i in range(1440)]
    with writing(engine) as session:
        whole = make.booking(meter, make.T0, values, carried={11: 400, 13: 900, 700: 600})
        booking.book(session, [whole])
    return meter


def test_young_readings_all_stay(engine, booked, make):
    with writing(engine) as session:
        assert compact(session, booked, make.T0 + DAY, KEEP, []) == 0


def test_old_readings_keep_the_grid_of_their_age(engine, booked, make):
    before = all_readings(engine, booked)
    with writing(engine) as session:
        # The first half is over 3 days old then.
        deleted = compact(session, booked, make.T0 + 3 * DAY + DAY // 2, KEEP, [])
    after = all_readings(engine, booked)
    assert deleted == len(before) - len(after)
    old = [r.end for r in after if r.end < make.T0 + DAY // 2]
    assert old == list(range(make.T0, make.T0 + DAY // 2, 300))
    assert [r for r in after if r.end >= make.T0 + DAY // 2] == [
        r for r in before if r.end >= make.T0 + DAY // 2
    ]


def test_a_span_between_kept_readings_is_the_same_before_and_after(engine, booked, make):
    before = {r.end: r for r in all_readings(engine, booked)}
    pinned = [make.T0 + 7777, make.T0 + 61, make.T0 - 5, make.T0 + 9 * DAY]
    for now in (make.T0 + 4 * DAY, make.T0 + 40 * DAY, make.T0 + 500 * DAY):
        with writing(engine) as session:
            assert compact(session, booked, now, KEEP, pinned) > 0
            assert compact(session, booked, now, KEEP, pinned) == 0
        after = all_readings(engine, booked)
        for kept in after:
            same = before[kept.end]
            assert (kept.good, kept.total, kept.covered) == (same.good, same.total, same.covered)
        for a, b in pairwise(after):
            longest = max(r.carried for end, r in before.items() if a.end < end <= b.end)
            assert b.carried == longest
        ends = {r.end for r in after}
        assert {make.T0, make.T0 + DAY, make.T0 + 60, make.T0 + 7740} <= ends


def test_a_compacted_ledger_is_booked_on_at_both_ends(engine, booked, make):
    t = make.T0
    with writing(engine) as session:
        compact(session, booked, t + 500 * DAY, KEEP, [])
        assert booking.book(session, [make.booking(booked, t + DAY, [(1, 1)])]) == {booked}
        assert booking.book_back(session, make.booking(booked, t - 60, [(1, 1)]), 60)
    found = all_readings(engine, booked)
    assert (found[0].end, found[-1].end) == (t - 60, t + DAY + 60)


@given(
    ends=st.lists(st.integers(0, 3000), unique=True).map(sorted),
    now=st.integers(0, 6000),
    keep=st.lists(st.tuples(st.integers(0, 3000), st.integers(1, 700)), max_size=3),
    pinned=st.lists(st.integers(-10, 3100), max_size=4),
)
@example(ends=[1, 2, 3], now=100, keep=[(0, 60)], pinned=[2])
def test_what_is_kept_holds_for_any_ledger(ends, now, keep, pinned):
    kept = kept_ends(ends, now, keep, pinned)
    assert kept <= set(ends)
    assert {*ends[:1], *ends[-1:]} <= kept
    for t in pinned:
        assert [e for e in ends if e <= t][-1:] == [e for e in sorted(kept) if e <= t][-1:]
    # A second compaction at the same time finds nothing more to delete.
    assert kept_ends(sorted(kept), now, keep, pinned) == kept
    # The reading at a grid point of its age stays the one it was.
    tiers = sorted(keep, reverse=True)
    for end in ends:
        every = next((every for older, every in tiers if now - end > older), None)
        if every is None or end % every == 0:
            assert end in kept


def test_nothing_is_kept_of_nothing():
    assert kept_ends([], 0, KEEP, [5]) == set()
