from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.forecast import exhausted_after
from slo.domain.standing import Budget

DAY = 86400
WINDOW = 30 * DAY


def budget(allowed, spent):
    return Budget(allowed, spent, 1 - spent / allowed if allowed else None)


burns = st.floats(0.01, 1000)


@given(st.floats(0, 0.99), st.floats(1, 1e9))
def test_without_burn_the_budget_lasts(spent_share, allowed):
    assert exhausted_after(budget(allowed, spent_share * allowed), 0.0, WINDOW, WINDOW) is None
    assert exhausted_after(budget(allowed, spent_share * allowed), None, WINDOW, WINDOW) is None


@given(st.floats(1.001, 1000))
def test_an_empty_window_at_a_constant_burn_lasts_a_window_over_the_burn(burn):
    after = exhausted_after(budget(1000.0, 0.0), burn, WINDOW, WINDOW)
    assert after == pytest.approx(WINDOW / burn, abs=1.01)


@given(st.floats(0.01, 0.999))
def test_an_empty_window_burning_below_1_stays_within(burn):
    assert exhausted_after(budget(1000.0, 0.0), burn, WINDOW, WINDOW) is None


@given(st.floats(0.01, 0.999))
def test_a_window_that_burned_evenly_and_burns_on_the_same_stays_within(burn):
    spent = 1000.0 * burn
    leaving = [(x, spent * x / WINDOW) for x in range(DAY, WINDOW + 1, DAY)]
    assert exhausted_after(budget(1000.0, spent), burn, WINDOW, WINDOW, leaving) is None


def test_an_overspent_budget_is_gone_already():
    assert exhausted_after(budget(10.0, 10.0), 0.0, WINDOW, WINDOW) == 0
    assert exhausted_after(budget(10.0, 12.0), None, WINDOW, WINDOW) == 0


def test_a_budget_of_no_events_has_no_forecast():
    assert exhausted_after(budget(0.0, 0.0), 2.0, WINDOW, WINDOW) is None


def test_bad_events_that_leave_the_window_in_time_save_the_budget():
    # 90 of 100 spent, all of it on the window's first day; at burn 2 the rest lasts 1.5 days.
    outage = budget(100.0, 90.0)
    assert exhausted_after(outage, 2.0, WINDOW, WINDOW) == 1.5 * DAY
    after = exhausted_after(outage, 2.0, WINDOW, WINDOW, [(DAY, 90.0)])
    assert after == 15 * DAY


def test_a_calendar_window_looks_ahead_to_its_end_only():
    assert exhausted_after(budget(100.0, 50.0), 1.0, WINDOW, 14 * DAY) is None
    assert exhausted_after(budget(100.0, 50.0), 1.0, WINDOW, 15 * DAY) == 15 * DAY


@given(st.floats(0, 0.99), burns, burns)
def test_a_faster_burn_never_lasts_longer(share, one, other):
    slow, fast = sorted((one, other))
    start = budget(100.0, share * 100)
    leaving = [(10 * DAY, share * 50), (20 * DAY, share * 100)]
    slow_after = exhausted_after(start, slow, WINDOW, WINDOW, leaving)
    fast_after = exhausted_after(start, fast, WINDOW, WINDOW, leaving)
    if slow_after is not None:
        assert fast_after is not None
        assert fast_after <= slow_after + 1


@given(st.lists(st.integers(0, 8), min_size=30, max_size=30), st.floats(0.05, 20))
def test_it_agrees_with_moving_the_window_second_by_second(daily_bad, burn):
    """Daily bad events over 30 hours (an hour for a day keeps the simulation small)."""
    hour, window = 60, 30 * 60
    spent = float(sum(daily_bad))
    start = budget(max(120.0, spent + 1), spent)
    leaving, gone = [], 0.0
    for n, bad in enumerate(daily_bad, 1):
        gone += bad
        leaving.append((n * hour, gone))
    left, expected = 0.0, None
    for second in range(1, window + 1):
        left += daily_bad[(second - 1) // hour] / hour
        if spent - left + burn * start.allowed * second / window >= start.allowed - 1e-9:
            expected = second
            break
    found = exhausted_after(start, burn, window, window, leaving)
    if expected is None:
        assert found is None
    else:
        assert found == pytest.approx(expected, abs=1)
