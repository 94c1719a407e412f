from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.budget import budget_of, expected_events
from slo.domain.ledger import NOTHING, Tally

DAY = 86400
objectives = st.decimals("0.5", "0.99999", places=5)
counts = st.integers(0, 10**9)


def test_a_budget_is_the_share_that_may_fail():
    budget = budget_of(Decimal("0.999"), Tally(999_500, 1_000_000, 0))
    assert (budget.allowed, budget.spent, budget.remaining) == (1000.0, 500, 0.5)
    assert not budget.projected


def test_no_events_leave_no_share_of_a_budget():
    budget = budget_of(Decimal("0.999"), NOTHING)
    assert (budget.allowed, budget.spent, budget.remaining) == (0, 0, None)


def test_an_overspent_budget_is_negative():
    assert budget_of(Decimal("0.9"), Tally(70, 100, 0)).remaining == pytest.approx(-2)


def test_good_over_total_spends_nothing():
    assert budget_of(Decimal("0.9"), Tally(101, 100, 0)).remaining == 1


@given(st.integers(1, 8))
def test_nines_are_exact(nines):
    """1 - 0.999 is 0.001000000000000000889 in floats, and just 0.001 here."""
    objective = 1 - Decimal(1).scaleb(-nines)
    assert budget_of(objective, Tally(0, 10**nines, 0)).allowed == 1


@given(objectives, counts, counts)
def test_allowed_is_spent_and_what_remains(objective, good, bad):
    budget = budget_of(objective, Tally(good, good + bad, 0))
    if budget.remaining is None:
        assert good + bad == 0
    else:
        assert budget.spent + budget.remaining * budget.allowed == pytest.approx(
            budget.allowed, rel=1e-9, abs=1e-6
        )
        sli = 1 - bad / (good + bad)
        assert (budget.remaining < -1e-9) <= (sli < objective)
        assert (budget.remaining > 1e-9) <= (sli > objective)


@given(objectives, counts, counts, counts)
def test_expected_events_only_add_to_the_budget(objective, good, bad, expected):
    events = Tally(good, good + bad, 0)
    full, projected = budget_of(objective, events), budget_of(objective, events, float(expected))
    assert projected.projected
    assert projected.spent == full.spent
    assert projected.allowed >= full.allowed
    if full.remaining is not None:
        assert projected.remaining >= full.remaining


def test_nothing_expected_is_still_projected():
    assert budget_of(Decimal("0.9"), Tally(1, 1, 0), 0.0).projected


@given(counts, st.integers(1, 400), st.integers(1, 400))
def test_an_even_rate_projects_to_the_whole_window(per_day, days, rest):
    expected = expected_events(Tally(0, per_day * days, 0), days * DAY, rest * DAY)
    assert expected == pytest.approx(per_day * rest)


def test_no_history_or_no_rest_expects_nothing():
    assert expected_events(Tally(5, 5, 0), 0, DAY) == 0
    assert expected_events(Tally(5, 5, 0), DAY, 0) == 0
    assert expected_events(Tally(5, 5, 0), DAY, -5) == 0
    assert expected_events(Tally(0, -5, 0), DAY, DAY) == 0
