from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.domain.budget import budget_of
from slo.domain.burn import burn_rate
from slo.domain.ledger import NOTHING, Tally

objectives = st.decimals("0.5", "0.99999", places=5)


def test_no_events_have_no_burn_rate():
    assert burn_rate(NOTHING, Decimal("0.999")) is None


def test_the_workbooks_example_burns_1000_times_when_all_fails():
    assert burn_rate(Tally(0, 50, 60), Decimal("0.999")) == 1000


def test_good_over_total_burns_nothing():
    assert burn_rate(Tally(11, 10, 60), Decimal("0.9")) == 0


@given(objectives, st.integers(1, 10**9))
def test_failing_just_as_allowed_is_burn_rate_1(objective, thousands):
    total = thousands * 100_000
    bad = int((1 - objective) * total)
    assert burn_rate(Tally(total - bad, total, 0), objective) == pytest.approx(1, rel=1e-9)


@given(objectives, st.integers(0, 10**6), st.integers(1, 10**6))
def test_the_burn_rate_over_a_whole_window_is_the_share_spent(objective, good, bad):
    window = Tally(good, good + bad, 0)
    remaining = budget_of(objective, window).remaining
    assert burn_rate(window, objective) == pytest.approx(1 - remaining, rel=1e-9)
