from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.grid import SPARK_POINTS, Grid, burndown, grid_instants, grid_step, spent_since
from slo.domain.span import Span
from slo.domain.standing import Budget

DAY = 86400
BUDGET = Budget(100.0, 50.0, 0.5)
spans = st.tuples(st.integers(0, 5000), st.integers(0, 5000)).map(lambda ab: Span(*sorted(ab)))


@pytest.mark.parametrize("days", [1, 7, 28, 29, 30, 31, 90, 92, 365, 366])
def test_a_window_has_about_60_points(days):
    step = grid_step(days * DAY, 60)
    assert 48 <= days * DAY / step <= 75


def test_short_windows_have_as_many_points_as_buckets():
    assert grid_step(1800, 60) == 60
    assert grid_step(3600, 300) == 300
    assert grid_step(60, 7) == 7


@given(spans, st.integers(1, 400))
def test_grid_instants_are_absolute_and_inside(span, step):
    instants = list(grid_instants(span, step))
    assert instants == [t for t in range(span.start + 1, span.end) if t % step == 0]


@given(spans, spans, st.sampled_from([60, 300]))
def test_a_grid_moves_on_and_back_by_its_missing_points_alone(held, wanted, step):
    now = grid_instants(wanted, step)
    grid = Grid(step).over(grid_instants(held, step), float)
    missing = grid.missing(now)
    moved = grid.over(now, dict.fromkeys(missing, 0.0).__getitem__)
    assert list(moved.instants) == list(now)
    inside = set(grid.instants)
    assert list(moved.bad) == [float(t) if t in inside else 0.0 for t in now]
    assert set(missing).isdisjoint(inside) or not moved.bad


def test_a_grid_with_a_point_that_has_no_reading_is_empty():
    assert Grid(60).over(range(60, 301, 60), lambda _: None).bad == ()


def test_a_burndown_starts_whole_and_ends_with_what_is_left():
    points = burndown(Span(0, 300), 0, BUDGET, [(100, 10.0), (200, 10.0), (300, 50.0)])
    assert [(p.at, p.remaining) for p in points] == [
        (0, 1.0),
        (100, 0.9),
        (200, 0.9),
        (300, 0.5),
    ]


@given(st.integers(1, 200), st.integers(0, 400))
def test_a_burndown_has_at_most_30_points_in_order_and_the_last(count, begun):
    bad = [(n * 2, float(n)) for n in range(1, count + 1) if n * 2 > begun]
    window = Span(0, count * 2)
    if not bad:
        return
    points = burndown(window, begun, BUDGET, bad)
    assert len(points) <= SPARK_POINTS
    assert (points[0].at, points[-1].at) == (0, window.end)
    assert all(a.at < b.at for a, b in pairwise(points))
    assert [p.remaining is None for p in points] == [p.at < begun for p in points]


def test_without_a_budget_there_is_no_burndown():
    assert burndown(Span(0, 60), 0, Budget(0.0, 0.0, None), [(60, 0.0)]) == ()


def test_a_budget_is_spent_where_its_bad_events_reach_it():
    assert spent_since(BUDGET, Span(0, 300), [(100, 60.0), (200, 140.0), (300, 150.0)]) == 150
    assert spent_since(BUDGET, Span(0, 300), [(100, 200.0)]) == 50
    assert spent_since(BUDGET, Span(0, 300), [(300, 99.0)]) is None


def test_a_budget_that_a_correction_gave_back_is_spent_since_the_last_time():
    bad = [(100, 100.0), (200, 80.0), (300, 120.0)]
    assert spent_since(BUDGET, Span(0, 300), bad) == 250
