from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import ClassVar

from slo.domain.indicator import Freshness, Query, Slices
from slo.domain.span import Span
from slo.prometheus.errors import Timeout
from slo.prometheus.head import HEAD_QUERY
from tests.support.fake_source import FakeSource
from tests.support.scenario import T0, Book, slo_of

SPAN = Span(T0, T0 + 300)
E = [T0 + 60 * n for n in range(1, 6)]


def counted(indicator, answers, now=T0 + 1000, no_data="page", **flags):
    source = FakeSource(answers={HEAD_QUERY: [], **answers})
    book = Book(source, replace(slo_of(indicator), no_data=no_data))
    return book.collect(SPAN, now, **flags), source


def slices(indicator, values):
    outcome, _ = counted(indicator, {"q": values})
    return [(i.good, i.total, i.covered) for i in outcome.booking.increments]


class TestSlices:
    def test_a_bucket_is_good_at_the_bound_and_bad_below_it(self):
        got = slices(
            Slices("q", at_least=Decimal("0.95")), [dict(zip(E, (1, 0.95, 0.94), strict=False))]
        )
        assert got == [(1, 1, 60), (1, 1, 60), (0, 1, 60), (0, 0, 0), (0, 0, 0)]

    def test_at_most_zero_is_a_bound(self):
        assert slices(Slices("q", at_most=Decimal(0)), [{E[0]: 0, E[1]: 0.1}])[:2] == [
            (1, 1, 60),
            (0, 1, 60),
        ]

    def test_every_series_must_meet_the_bound(self):
        assert slices(Slices("q", at_least=Decimal(1)), [{E[0]: 1}, {E[0]: 0}])[0] == (0, 1, 60)

    def test_nan_and_absent_are_no_data(self):
        assert slices(Slices("q", at_least=Decimal(1)), [{E[0]: float("nan")}])[0] == (0, 0, 0)

    def test_a_fault_is_told_and_nothing_is_booked(self):
        outcome, _ = counted(
            Slices("q", at_least=Decimal(1)), {"q": Timeout("main", "http://x", "slow", "wait")}
        )
        assert outcome.booking is None
        assert outcome.fault.kind == "timeout"

    def test_buckets_without_data_at_the_end_wait(self):
        outcome, _ = counted(Slices("q", at_least=Decimal(1)), {"q": [{E[1]: 1}]}, now=T0 + 315)
        assert outcome.booking.span == Span(T0, E[1])


class TestMissing:
    rule = Slices("q", at_least=Decimal(1))
    answers: ClassVar = {"q": [{E[0]: 1, E[1]: 1}], HEAD_QUERY: [{end: end for end in E}]}

    def test_a_value_that_vanished_while_the_source_ingests_is_gone(self):
        outcome, _ = counted(self.rule, self.answers)
        assert [(a.kind, a.since, a.end) for a in outcome.booking.absences] == [
            ("gone", E[1], end) for end in E[2:]
        ]

    def test_a_silent_source_makes_nothing_absent(self):
        outcome, _ = counted(self.rule, self.answers | {HEAD_QUERY: []})
        assert outcome.booking.absences == ()

    def test_no_data_bad_books_a_bad_slice_for_it(self):
        outcome, _ = counted(self.rule, self.answers, no_data="bad")
        assert [(i.good, i.total) for i in outcome.booking.increments] == [(1, 1)] * 2 + [
            (0, 1)
        ] * 3
        assert outcome.booking.absences == ()

    def test_what_never_had_a_value_is_not_missing(self):
        seen = "count(last_over_time((q)[7d:5m]))"
        outcome, _ = counted(self.rule, self.answers | {"q": [], seen: []}, no_data="bad")
        assert [i.total for i in outcome.booking.increments] == [0] * 5


class TestFreshness:
    rule = Freshness("ts", timedelta(minutes=2))

    def booked(self, values, heads, seen=True):
        source = FakeSource(answers={"max(ts)": [values], HEAD_QUERY: [heads]})
        if seen:
            source.add({"__name__": "ts"}, [(SPAN.start * 1000 - 3_600_000, 1.0)])
        outcome = Book(source, slo_of(self.rule)).collect(SPAN, T0 + 1000)
        return [(i.good, i.total) for i in outcome.booking.increments]

    def test_the_age_decides(self):
        assert self.booked(dict.fromkeys(E, E[1]), {}) == [*[(1, 1)] * 4, (0, 1)]

    def test_vanished_is_bad_while_the_source_ingests(self):
        assert self.booked({}, {e: e - 5 for e in E}) == [(0, 1)] * 5

    def test_vanished_is_no_data_while_the_source_is_blind(self):
        assert self.booked({}, {E[0]: E[0] - 5, E[1]: E[0] - 5, E[2]: E[0] - 5}) == [
            (0, 1),
            (0, 1),
            *[(0, 0)] * 3,
        ]

    def test_never_seen_is_no_data(self):
        assert self.booked({}, {e: e for e in E}, seen=False) == [(0, 0)] * 5


class TestQuery:
    def test_it_is_scaled_from_bucket_and_scrape_interval_to_the_bucket(self):
        rule = Query(total="t[$window]", bad="b[$window]")
        answers = {"t[1m15s]": [{E[0]: 100.0}], "b[1m15s]": [{E[0]: 10.0}]}
        outcome, _ = counted(rule, answers)
        first = outcome.booking.increments[0]
        assert (first.good, first.total) == (72, 80)

    def test_good_is_taken_as_it_is_and_missing_good_is_none(self):
        rule = replace(Query(total="t[$window]"), good="g[$window]")
        outcome, _ = counted(rule, {"t[1m15s]": [{E[0]: 100.0}], "g[1m15s]": []})
        assert (outcome.booking.increments[0].good, outcome.booking.increments[0].total) == (0, 80)
