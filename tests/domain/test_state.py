from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.slo import StateBounds
from slo.domain.span import Span
from slo.domain.standing import Budget, Standing
from slo.domain.state import MARGIN, data_state, next_state, seen_at

DAY = 86400
BOUNDS = StateBounds()
ORDER = ["healthy", "caution", "restricted", "exhausted"]
states = st.sampled_from(ORDER)
shares = st.floats(-5, 1)


@pytest.mark.parametrize(
    ("remaining", "state"),
    [
        (1.0, "healthy"),
        (0.2501, "healthy"),
        (0.25, "caution"),
        (0.1001, "caution"),
        (0.1, "restricted"),
        (0.0001, "restricted"),
        (0.0, "exhausted"),
        (-3.0, "exhausted"),
    ],
)
def test_a_first_state_follows_the_bounds(remaining, state):
    assert next_state(None, remaining, BOUNDS, DAY) == state
    assert next_state("new", remaining, BOUNDS, DAY) == state


@given(st.none() | states, shares)
def test_under_a_day_of_history_is_new(previous, remaining):
    assert next_state(previous, remaining, BOUNDS, DAY - 1) == "new"


@given(states)
def test_missing_data_never_change_the_state(previous):
    assert next_state(previous, None, BOUNDS, DAY) == previous


def test_without_any_events_yet_it_is_healthy():
    assert next_state(None, None, BOUNDS, DAY) == "healthy"
    assert next_state("new", None, BOUNDS, DAY) == "healthy"


@pytest.mark.parametrize(
    ("previous", "bound"), [("caution", 0.25), ("restricted", 0.10), ("exhausted", 0.0)]
)
def test_a_state_is_left_upward_only_over_the_margin(previous, bound):
    better = ORDER[ORDER.index(previous) - 1]
    assert next_state(previous, bound + MARGIN, BOUNDS, DAY) == previous
    assert next_state(previous, bound + MARGIN + 0.0001, BOUNDS, DAY) == better


def test_a_great_recovery_skips_states():
    assert next_state("exhausted", 0.9, BOUNDS, DAY) == "healthy"
    assert next_state("exhausted", 0.26, BOUNDS, DAY) == "caution"


@given(states, shares)
def test_it_worsens_at_once_and_never_betters_too_early(previous, remaining):
    plain = next_state(None, remaining, BOUNDS, DAY)
    state = next_state(previous, remaining, BOUNDS, DAY)
    assert ORDER.index(state) >= ORDER.index(plain)
    if ORDER.index(plain) >= ORDER.index(previous):
        assert state == plain
    else:
        assert ORDER.index(state) <= ORDER.index(previous)


@given(states, shares)
def test_a_state_is_stable_while_nothing_changes(previous, remaining):
    state = next_state(previous, remaining, BOUNDS, DAY)
    assert next_state(state, remaining, BOUNDS, DAY) == state


@given(st.lists(st.floats(0.24, 0.2599), min_size=2))
def test_it_does_not_flap_at_a_bound(path):
    state, changes = None, 0
    for remaining in path:
        following = next_state(state, remaining, BOUNDS, DAY)
        changes += state not in {None, following}
        state = following
    assert changes <= 1


def test_bounds_can_be_set():
    bounds = StateBounds(caution=Decimal("0.5"), restricted=Decimal("0.4"))
    assert next_state(None, 0.45, bounds, DAY) == "caution"
    assert next_state(None, 0.4, bounds, DAY) == "restricted"


@pytest.mark.parametrize(
    ("age", "state"), [(0, "fresh"), (195, "fresh"), (196, "late"), (600, "late"), (601, "none")]
)
def test_data_age_into_late_and_none(age, state):
    assert data_state(1_000_000, 1_000_000 + age, 195) == state


def test_never_covered_is_no_data():
    assert data_state(None, 1_000_000, 195) == "none"


def test_long_buckets_get_longer_to_be_none():
    assert data_state(0, 915, 915) == "fresh"
    assert data_state(0, 1830, 915) == "late"
    assert data_state(0, 1831, 915) == "none"


def test_a_clock_behind_the_data_is_fresh():
    assert data_state(1000, 500, 195) == "fresh"


def standing(**changes):
    window = Span(0, 1_000_000)
    budget = Budget(10.0, 1.0, 0.9)
    numbers = {
        "objective": Decimal("0.99"),
        "indicator": "events",
        "indicator_text": "requests",
        "estimated": False,
        "slices": False,
        "window_kind": "rolling",
        "window_label": "30d",
        "at": 1_000_000,
        "good": 999.0,
        "bad": 1.0,
        "total": 1000.0,
        "sli": 0.999,
        "burn_rates": (),
        "coverage": 1.0,
        "state": "healthy",
        "data": "fresh",
        "exhausted_at": None,
        "last_data": 1_000_000,
        "fresh_for": 195,
    }
    names = {"slo": "shop/latency", "service": "shop", "name": "latency"}
    return Standing(**names, window=window, budget=budget, **(numbers | changes))


def test_a_standing_s_data_are_told_by_the_clock():
    written = standing()
    assert seen_at(written, 1_000_195) is written
    assert seen_at(written, 1_000_196) == replace(written, data="late")
    assert seen_at(written, 1_000_601) == replace(written, data="none")
    assert seen_at(standing(last_data=None), 1_000_000).data == "none"


@pytest.mark.parametrize("changes", [{"paused": True, "data": "none"}, {"fresh_for": None}])
def test_what_is_paused_or_of_an_older_version_stays_as_it_was_written(changes):
    written = standing(**changes)
    assert seen_at(written, 1_000_000) is written
    assert seen_at(written, 2_000_000) is written
