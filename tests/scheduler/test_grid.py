"""When cycles run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from slo.config import parse
from slo.scheduler.grid import Grid, grid_of

NOW = 1_709_251_200


@pytest.mark.parametrize("late", [0, 1e-6, 0.2, 59.9, 60, 61, 3600.5])
def test_cycles_run_just_after_a_bucket_s_end_whenever_the_first_one_ran(late):
    first = datetime.fromtimestamp(NOW + 16, UTC)
    grid = Grid(seconds=60, start_date=first)
    ran = datetime.fromtimestamp(NOW + 41.5, UTC)
    found = grid.get_next_fire_time(ran, ran + timedelta(seconds=late))
    assert found is not None
    assert (found - first).total_seconds() % 60 == 0
    assert 0 < (found - ran).total_seconds() <= late + 60


def test_a_run_in_time_is_followed_by_the_next_interval():
    first = datetime.fromtimestamp(NOW + 16, UTC)
    grid = Grid(seconds=60, start_date=first)
    assert grid.get_next_fire_time(first, first) == first + timedelta(seconds=60)


def test_the_grid_lies_just_after_the_lag_of_the_quickest_source():
    settings = parse(
        "interval: 30s\n"
        "sources: {a: {url: 'http://a:1', lag: 20s}, b: {url: 'http://b:1', lag: 5s}}\n"
        "services:\n"
        "  api: {source: a, slos: {a: {objective: 99%, slices: {query: up, at_least: 1}}}}\n",
        "slo.yaml",
        {},
    )
    ran = datetime.fromtimestamp(NOW + 7, UTC)
    found = grid_of(settings, NOW + 7).get_next_fire_time(ran, ran)
    assert found == datetime.fromtimestamp(NOW + 36, UTC)
