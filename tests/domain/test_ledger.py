from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.exclusion import (
    bad_until,
    end_instant,
    instants_needed,
    moved_out,
    net_seconds,
    net_spans,
    snapped,
    tally,
)
from slo.domain.ledger import NOTHING, Correction, Exclusion, Reading, Tally, difference
from slo.domain.span import Span, union

BUCKET = 60
LENGTH = 40
"""Buckets in the ledgers below."""

counts = st.integers(0, 50)
buckets = st.lists(st.tuples(counts, counts), min_size=LENGTH, max_size=LENGTH)
minutes = st.integers(0, LENGTH)
spans = st.tuples(minutes, minutes).map(lambda ab: Span(min(ab) * BUCKET, max(ab) * BUCKET))
any_spans = st.tuples(st.integers(0, 2400), st.integers(0, 2400)).map(
    lambda ab: Span(min(ab), max(ab))
)
hours = st.lists(spans, max_size=5)


def ledger_of(steps, first=-7):
    """A ledger that begins at 0 with any value, and `(good, bad)` per bucket."""
    readings = [Reading(0, first, first * 2, first)]
    for n, (good, bad) in enumerate(steps, 1):
        last = readings[-1]
        readings.append(
            Reading(n * BUCKET, last.good + good, last.total + good + bad, last.covered + BUCKET)
        )
    return readings


def reader(readings):
    ends = [r.end for r in readings]

    def reading_at(instant):
        if not readings:
            return None
        return readings[max(0, bisect_right(ends, instant) - 1)]

    return reading_at


def excluding(*some):
    return [Exclusion(n, "*", span, "", "", "") for n, span in enumerate(some)]


def correction(end, good, total):
    return Correction("a/b", end, good, total, "", "", f"{end}")


corrections = st.lists(
    st.builds(correction, minutes.map(lambda m: m * BUCKET), st.just(-3.0), st.just(2.0)),
    max_size=4,
)


class TestTally:
    def test_a_span_is_the_difference_of_two_readings(self):
        reading_at = reader(
            [Reading(0, 5, 9, 0), Reading(60, 15, 20, 60), Reading(120, 15, 21, 90)]
        )
        assert tally(Span(0, 120), reading_at) == Tally(10, 12, 90)
        assert tally(Span(60, 120), reading_at) == Tally(0, 1, 30)
        assert difference(reading_at(0), reading_at(60)) == Tally(10, 11, 60)

    def test_good_over_total_is_no_bad_event_but_told(self):
        crossed = Tally(12, 10, 60)
        assert (crossed.bad, crossed.crossed, crossed.sli) == (0, 2, 1)
        assert (Tally(8, 10, 60).bad, Tally(8, 10, 60).crossed) == (2, 0)
        assert NOTHING.sli is None

    def test_an_empty_ledger_holds_nothing(self):
        assert tally(Span(0, 600), reader([])) == NOTHING

    def test_before_the_ledgers_beginning_nothing_happened(self):
        readings = [Reading(600, 5, 9, 0), Reading(660, 7, 12, 60)]
        assert tally(Span(0, 660), reader(readings)) == Tally(2, 3, 60)
        assert tally(Span(0, 300), reader(readings)) == NOTHING

    @given(buckets, st.tuples(minutes, minutes, minutes).map(sorted), hours, corrections)
    def test_adjacent_spans_add_up(self, steps, cuts, excluded, deltas):
        reading_at = reader(ledger_of(steps))
        a, b, c = (cut * BUCKET for cut in cuts)
        excluded = union(excluded)
        parts = [tally(s, reading_at, excluded, deltas) for s in (Span(a, b), Span(b, c))]
        assert parts[0] + parts[1] == tally(Span(a, c), reading_at, excluded, deltas)

    @given(buckets, spans, hours)
    def test_it_counts_each_bucket_outside_exclusions_once(self, steps, span, excluded):
        out = {t for e in excluded for t in range(e.start + BUCKET, e.end + 1, BUCKET)}
        ends = [t for t in range(span.start + BUCKET, span.end + 1, BUCKET) if t not in out]
        counted = [steps[t // BUCKET - 1] for t in ends]
        good = sum(g for g, _ in counted)
        expected = Tally(good, good + sum(b for _, b in counted), BUCKET * len(counted))
        assert tally(span, reader(ledger_of(steps)), union(excluded)) == expected

    @given(buckets, spans, hours, corrections)
    def test_an_excluded_part_and_the_rest_make_the_whole(self, steps, span, excluded, deltas):
        reading_at = reader(ledger_of(steps))
        excluded = union(excluded)
        inside = [shared for e in excluded if (shared := e.overlap(span))]
        total = tally(span, reading_at, excluded, deltas)
        for part in inside:
            total += tally(part, reading_at, (), deltas)
        assert total == tally(span, reading_at, (), deltas)

    @given(buckets, spans, st.sets(minutes))
    def test_compaction_between_kept_readings_changes_nothing(self, steps, span, dropped):
        readings = ledger_of(steps)
        edges = {span.start, span.end, 0}
        kept = [r for r in readings if r.end in edges or r.end // BUCKET not in dropped]
        assert tally(span, reader(kept)) == tally(span, reader(readings))

    @given(buckets, spans, st.integers(-(10**6), 10**6))
    def test_only_differences_between_readings_mean_anything(self, steps, span, first):
        assert tally(span, reader(ledger_of(steps, first))) == tally(
            span, reader(ledger_of(steps, 0))
        )


class TestCorrections:
    def test_a_correction_counts_where_its_bucket_ends(self):
        reading_at = reader(ledger_of([(0, 0)] * 5))
        at_60 = [correction(60, -1, 2)]
        assert tally(Span(0, 60), reading_at, (), at_60) == Tally(-1, 2, 60)
        assert tally(Span(60, 120), reading_at, (), at_60) == Tally(0, 0, 60)

    def test_a_correction_within_an_exclusion_does_not_count(self):
        reading_at = reader(ledger_of([(0, 0)] * 5))
        for end, counts_ in ((60, True), (120, False), (180, False), (240, True)):
            found = tally(Span(0, 300), reading_at, [Span(60, 180)], [correction(end, 1, 1)])
            assert found.good == counts_, end


class TestExclusions:
    def test_a_service_wide_exclusion_covers_its_slos_only(self):
        whole, one, every = (
            Exclusion(1, scope, Span(0, 60), "", "", "") for scope in ("a/*", "a/x", "*")
        )
        assert whole.covers("a/x")
        assert not whole.covers("ab/x")
        assert one.covers("a/x")
        assert not one.covers("a/xy")
        assert every.covers("b/z")

    @given(any_spans, st.lists(any_spans, max_size=6))
    def test_net_spans_are_the_seconds_outside_of_exclusions(self, span, excluded):
        out = {t for e in excluded for t in range(e.start + 1, e.end + 1)}
        expected = set(range(span.start + 1, span.end + 1)) - out
        parts = net_spans(span, union(excluded))
        assert {t for p in parts for t in range(p.start + 1, p.end + 1)} == expected
        assert net_seconds(span, union(excluded)) == len(expected)
        assert all(p.seconds for p in parts)
        assert all(a.end < b.start for a, b in pairwise(parts))

    def test_edges_snap_outward_to_kept_readings(self):
        reading_at = reader([Reading(t, 0, 0, 0) for t in (0, 3600, 7200, 7260, 7320)])
        assert snapped(excluding(Span(4000, 5000)), reading_at, BUCKET) == [Span(3600, 7200)]
        assert snapped(excluding(Span(3600, 7200)), reading_at, BUCKET) == [Span(3600, 7200)]
        assert snapped(excluding(Span(3700, 7201)), reading_at, BUCKET) == [Span(3600, 7260)]

    def test_a_day_that_ends_at_a_local_midnight_is_found(self):
        midnight = 18 * 3600 + 1800  # In India.
        reading_at = reader([Reading(midnight + 86400 * n, 0, 0, 0) for n in range(5)])
        after = 86400 * 2 - 600  # After the day's reading, before the UTC midnight.
        assert snapped(excluding(Span(after - 60, after)), reading_at, BUCKET) == [
            Span(midnight + 86400, midnight + 2 * 86400)
        ]

    def test_edges_beyond_the_ledger_stay(self):
        reading_at = reader([Reading(t, 0, 0, 0) for t in (3600, 3660)])
        assert snapped(excluding(Span(60, 9999)), reading_at, BUCKET) == [Span(60, 9999)]
        assert snapped(excluding(Span(60, 9999)), reader([]), BUCKET) == [Span(60, 9999)]

    def test_a_planned_exclusion_does_not_reach_back_to_the_last_reading(self):
        reading_at = reader([Reading(t, 0, 0, 0) for t in (3600, 3660)])
        assert snapped(excluding(Span(9000, 9999)), reading_at, BUCKET) == [Span(9000, 9999)]

    def test_overlapping_and_touching_exclusions_are_one(self):
        reading_at = reader(ledger_of([(1, 1)] * 10))
        some = excluding(Span(60, 180), Span(120, 240), Span(240, 300), Span(480, 540))
        assert snapped(some, reading_at, BUCKET) == [Span(60, 300), Span(480, 540)]

    @given(st.lists(any_spans, max_size=5), st.sets(minutes, min_size=1), any_spans)
    def test_snapped_exclusions_hold_the_declared_ones_and_need_only_what_was_announced(
        self, declared, kept, span
    ):
        readings = [Reading(m * BUCKET, m, m, m) for m in sorted(kept)]
        exclusions = [e for e in excluding(*declared) if e.span.overlap(span)]
        asked = set(instants_needed(span, exclusions, BUCKET))
        whole = reader(readings)
        known = {t: whole(t) for t in asked}
        known |= {r.end: r for r in known.values()}
        excluded = snapped(exclusions, known.__getitem__, BUCKET)
        for exclusion in exclusions:
            holder = [
                e
                for e in excluded
                if e.start <= exclusion.span.start and exclusion.span.end <= e.end
            ]
            assert len(holder) == 1
        edges = {s.start for s in excluded} | {s.end for s in excluded}
        untouched = {e.span.start for e in exclusions} | {e.span.end for e in exclusions}
        assert edges <= {r.end for r in readings} | untouched
        assert tally(span, known.__getitem__, excluded) == tally(span, whole, excluded)

    @given(any_spans, st.sets(minutes, min_size=1))
    def test_moved_out_by_the_readings_beside_it_a_span_is_as_snapped(self, span, kept):
        readings = [Reading(m * BUCKET, m, m, m) for m in sorted(kept)]
        ledger = Span(readings[0].end, readings[-1].end)
        before = next((r for r in reversed(readings) if r.end <= span.start), None)
        after = next((r for r in readings if r.end >= span.end), None)
        if after is not None:
            after = reader(readings)(end_instant(span.end, after, BUCKET))
        moved = moved_out(span, ledger, before, after).overlap(ledger)
        expected = [s.overlap(ledger) for s in snapped(excluding(span), reader(readings), BUCKET)]
        assert ([moved] if moved else []) == [s for s in expected if s]


class TestBadUntil:
    @given(buckets, spans, hours, corrections, st.sets(minutes))
    def test_it_is_the_tally_up_to_each_mark(self, steps, span, excluded, deltas, at):
        readings = [r for r in ledger_of(steps) if r.end // BUCKET in at]
        reading_at, excluded = reader(ledger_of(steps)), union(excluded)
        marks = [(r.end, r.total - r.good) for r in readings if span.start < r.end <= span.end]
        assert bad_until(marks, span, reading_at, excluded, deltas) == [
            tally(Span(span.start, end), reading_at, excluded, deltas).bad for end, _ in marks
        ]

    def test_bad_events_are_never_below_zero(self):
        reading_at = reader([Reading(0, 0, 0, 0), Reading(60, 5, 3, 60)])
        assert bad_until([(60, -2.0)], Span(0, 60), reading_at) == [0.0]
        assert bad_until([(60, -2.0)], Span(0, 60), reading_at, [Span(90, 95)]) == [0.0]

    def test_an_empty_ledger_holds_none(self):
        assert bad_until([(60, 0.0)], Span(0, 60), reader([])) == [0.0]


@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_adding_and_taking_away_a_tally_is_nothing(good, total, covered):
    one = Tally(good, total, covered)
    assert one - one == NOTHING
    assert one + NOTHING == one
    assert (one + one).total == pytest.approx(2 * total)
