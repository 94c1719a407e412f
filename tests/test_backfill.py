"""How finely a backfill keeps what it books; all else of it needs a Prometheus (tests/e2e)."""

from __future__ import annotations

import pytest

from slo.backfill import keep_every
from slo.config.settings import DEFAULT_KEEP

DAY = 86_400


@pytest.mark.parametrize(
    ("age", "every"),
    [
        (-60, 60),
        (0, 60),
        (3 * DAY - 1, 60),
        (3 * DAY, 300),
        (35 * DAY - 1, 300),
        (35 * DAY, 3600),
        (400 * DAY, DAY),
        (4000 * DAY, DAY),
    ],
)
def test_readings_are_kept_as_far_apart_as_their_age_calls_for(age, every):
    assert keep_every(DEFAULT_KEEP, age, 60) == every


def test_readings_are_never_kept_closer_than_a_bucket():
    assert keep_every(DEFAULT_KEEP, 4 * DAY, 600) == 600
