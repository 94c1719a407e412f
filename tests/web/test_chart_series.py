"""Series for charts: differences of readings, in agreement with the standing."""

from __future__ import annotations

from datetime import timedelta

import pytest

from slo.domain.ledger import Correction, Reading
from slo.domain.span import Span
from slo.domain.window import CalendarWindow, RollingWindow
from slo.web.charts import series

MINUTE = 60


def track_of(rows, corrections=(), exclusions=()):
    """A track from `(end, good, total)` per minute, cumulative, all covered."""
    return series.track([end for end, _, _ in rows], readings_of(rows), corrections, exclusions)


def readings_of(rows):
    """The reading at the end of each row, by its time."""
    return {end: Reading(end, good, total, float(end)) for end, good, total in rows}


def always(objective):
    return lambda _: objective


STEADY = [(60 * i, 95.0 * i, 100.0 * i) for i in range(11)]
WHOLE = Span(0, 600)


def test_a_burndown_starts_full_and_ends_at_the_standings_budget():
    points = series.burndown(track_of(STEADY), WHOLE, WHOLE, allowed=100.0)
    assert points[0] == series.Point(0, 1.0)
    assert points[-1] == series.Point(600, pytest.approx(0.5))
    assert [p.value for p in points] == sorted((p.value for p in points), reverse=True)


def test_a_burndown_shows_only_its_range_and_counts_from_the_windows_start():
    points = series.burndown(track_of(STEADY), WHOLE, Span(300, 600), allowed=100.0)
    assert [p.at for p in points] == [300, 360, 420, 480, 540, 600]
    assert points[0].value == pytest.approx(0.75)


def test_a_budget_of_nothing_has_no_burndown():
    assert series.burndown(track_of(STEADY), WHOLE, WHOLE, allowed=0.0) == []


def test_a_step_inside_an_exclusion_spends_nothing():
    points = series.burndown(
        track_of(STEADY, exclusions=[Span(120, 300)]), WHOLE, WHOLE, allowed=100.0
    )
    values = {p.at: p.value for p in points}
    assert values[120] == values[180] == values[300] == pytest.approx(0.9)
    assert values[600] == pytest.approx(0.65)


def test_a_correction_counts_from_its_bucket_on():
    late = Correction("a/b", 300, 5.0, 0.0, "mia", "labels came late", "k")
    values = {
        p.at: p.value
        for p in series.burndown(track_of(STEADY, [late]), WHOLE, WHOLE, allowed=100.0)
    }
    assert values[240] == pytest.approx(0.8)
    assert values[300] == pytest.approx(0.8)
    assert values[600] == pytest.approx(0.55)


def test_before_the_ledger_there_is_no_value():
    track = series.track(
        [0, 60, 120, 180],
        {120: Reading(120, 0.0, 0.0, 0.0), 180: Reading(180, 9.0, 10.0, 60.0)},
    )
    shown = Span(0, 180)
    assert [p.value for p in series.bad_share(track, shown)] == [None, None, pytest.approx(0.1)]
    assert [p.at for p in series.burndown(track, shown, shown, 10.0)] == [120, 180]
    assert series.gaps(track, shown) == [Span(0, 120)]


def test_the_share_of_bad_events_is_none_without_events():
    rows = [(0, 0.0, 0.0), (60, 0.0, 0.0), (120, 8.0, 10.0)]
    points = series.bad_share(track_of(rows), Span(0, 120))
    assert points == [series.Point(60, None), series.Point(120, pytest.approx(0.2))]


def test_good_above_total_is_no_bad_events():
    rows = [(0, 0.0, 0.0), (60, 12.0, 10.0)]
    assert series.bad_share(track_of(rows), Span(0, 60))[0].value == 0


def test_a_burn_rate_looks_back_its_whole_span():
    rows = [(0, 0.0, 0.0), (60, 50.0, 100.0), (120, 150.0, 200.0), (180, 250.0, 300.0)]
    points = series.burn_rate(track_of(rows), Span(60, 180), 120, always(0.9))
    assert [p.value for p in points] == [pytest.approx(2.5), 0.0]


def test_events_per_minute_are_those_of_the_step():
    rows = [(0, 0.0, 0.0), (300, 10.0, 50.0), (600, 10.0, 50.0)]
    points = series.per_minute(track_of(rows), Span(0, 600))
    assert [p.value for p in points] == [10.0, 0.0]


def test_a_step_nobody_saw_has_no_rate():
    readings = {0: Reading(0, 0, 0, 0), 60: Reading(60, 0, 0, 0)}
    track = series.track([0, 60], readings)
    assert series.per_minute(track, Span(0, 60))[0].value is None


def test_gaps_touching_each_other_are_one():
    readings = {t: Reading(t, 0, 0, min(t, 60)) for t in (0, 60, 120, 180)}
    track = series.track([0, 60, 120, 180], readings)
    assert series.gaps(track, Span(0, 180)) == [Span(60, 180)]


def test_the_grid_has_round_times_its_ends_and_the_edges_inside():
    assert series.grid(Span(90, 400), 100, [150, 400, 999]) == (90, 100, 150, 200, 300, 400)


@pytest.mark.parametrize(
    ("seconds", "bucket", "step"),
    [
        (3600, 60, 60),
        (86_400, 60, 300),
        (30 * 86_400, 60, 3600),
        (365 * 86_400, 60, 86_400),
        (3600, 300, 300),
        (86_400, 420, 1260),
    ],
)
def test_steps_are_whole_buckets_and_few(seconds, bucket, step):
    assert series.step_for(seconds, bucket) == step
    assert seconds / step <= series.MOST_POINTS


def test_history_of_a_rolling_window_ends_at_the_burndowns_end():
    window = RollingWindow(timedelta(seconds=300))
    points = series.history(track_of(STEADY), Span(300, 600), window.period_at, lambda _: 50.0)
    assert [p.value for p in points] == [pytest.approx(0.5)] * 5


def test_history_counts_from_where_the_ledger_begins():
    window = RollingWindow(timedelta(seconds=1200))
    track = series.track([-600, 0, *(t for t, _, _ in STEADY[1:])], readings_of(STEADY))
    points = series.history(track, WHOLE, window.period_at, lambda _: 200.0)
    assert points[0] == series.Point(60, pytest.approx(1 - 5 / 200))


def test_history_has_no_value_before_the_ledger_and_without_a_budget():
    window = RollingWindow(timedelta(seconds=1200))
    track = series.track([-60, *(t for t, _, _ in STEADY)], readings_of(STEADY))
    shown = Span(-60, 60)
    points = series.history(track, shown, window.period_at, lambda _: 200.0)
    assert [p.value is None for p in points] == [True, False]
    assert all(p.value is None for p in series.history(track, shown, window.period_at, lambda _: 0))


def test_history_of_a_calendar_window_starts_full_in_each_period():
    day = 86_400
    rows = [(day * i, 99.0 * i, 100.0 * i) for i in range(62)]
    points = series.history(
        track_of(rows), Span(0, 61 * day), CalendarWindow("month").period_at, lambda _: 310.0
    )
    values = {p.at: p.value for p in points}
    assert values[31 * day] == pytest.approx(0.9)  # The whole of January.
    assert values[32 * day] == pytest.approx(1 - 1 / 310)
