from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from slo.domain.report import SloLine
from slo.domain.span import Span
from slo.domain.standing import Budget
from slo.domain.verdict import Verdict

PERIOD = Span(1000, 2000)


def verdict(sli, objective="0.99"):
    budget = Budget(10.0, 5.0, 0.5)
    return Verdict("svc/one", PERIOD, Decimal(objective), 0.0, 0.0, 0.0, sli, budget, 1.0, met=True)


@pytest.mark.parametrize(
    ("before", "now", "trend"),
    [
        (0.99, 0.995, "better"),
        (0.995, 0.99, "worse"),
        (0.99, 0.99, "same"),
        # Worth under a hundredth of the budget of 1 %.
        (0.99, 0.99009, "same"),
        (0.99, 0.9902, "better"),
        (None, 0.99, None),
        (0.99, None, None),
    ],
)
def test_better_and_worse_go_by_the_sli(before, now, trend):
    line = SloLine(verdict(now), verdict(before))
    assert line.trend == trend


def test_another_objective_makes_nothing_better():
    line = SloLine(verdict(0.95, "0.9"), verdict(0.95, "0.99"))
    assert (line.trend, line.sli_change) == ("same", 0.0)


def test_spent_is_a_share_of_what_was_allowed():
    assert verdict(0.99).spent == 0.5
    assert replace(verdict(0.99), budget=Budget(0.0, 0.0, None)).spent is None
    assert replace(verdict(0.99), budget=None).spent is None
