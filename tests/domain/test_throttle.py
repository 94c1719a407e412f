from __future__ import annotations

import pytest

from slo.domain.throttle import FORGOTTEN_AFTER, LONGEST_WAIT, NONE, Failures, counted, wait


def test_nobody_waits_for_the_first_failures():
    assert [wait(Failures(n, 100.0), 5, 100.0) for n in range(5)] == [0.0] * 5
    assert wait(NONE, 0, 10.0**9) == 0.0


def test_each_further_failure_doubles_the_wait_up_to_the_longest():
    waits = [wait(Failures(5 + n, 100.0), 5, 100.0) for n in range(12)]
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]
    assert wait(Failures(10**9, 100.0), 5, 100.0) == LONGEST_WAIT


def test_the_wait_runs_down():
    failures = Failures(9, 100.0)
    assert [wait(failures, 5, now) for now in (100.0, 110.0, 116.0, 500.0)] == [16, 6, 0, 0]


@pytest.mark.parametrize("now", [0.0, 50.0])
def test_a_clock_that_was_set_back_lengthens_nothing(now):
    assert wait(Failures(9, 100.0), 5, now) == 16


def test_failures_are_forgotten():
    failures = Failures(50, 100.0)
    assert counted(failures, 100.0 + FORGOTTEN_AFTER) == 50
    assert counted(failures, 100.1 + FORGOTTEN_AFTER) == 0
    assert wait(failures, 5, 101.0 + FORGOTTEN_AFTER) == 0.0
