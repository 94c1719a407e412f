"""How finely a backfill keeps what it books; all else of it needs a Prometheus (tests/e2e)."""

from __future__ import annotations

import pytest

from slo.backfill import backfill, keep_every, want_backfill
from slo.config import parse
from slo.config.settings import DEFAULT_KEEP
from slo.context import open_context
from slo.declaring import declare
from tests.support.stores import empty_store

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


YAML = """database: {{url: 'sqlite:///unused.db'}}
services:
  api:
    slos:
      a: {{objective: 99%, slices: {{query: '{query}', at_least: 1}}}}
"""


def test_a_meter_that_another_process_replaced_is_left_to_that_process(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    with open_context(parse(YAML.format(query="old"), "slo.yaml", {}), engine) as context:
        counted = declare(context, DAY).counted
        want_backfill(context, counted, 0)
        with open_context(parse(YAML.format(query="new"), "slo.yaml", {}), engine) as newer:
            want_backfill(newer, declare(newer, DAY).counted, 0)
        # Without a source to ask: had it tried to count, this would be a KeyError.
        report = backfill(context, counted, {}, now=DAY, end=DAY)
    engine.dispose()
    assert (report.booked, report.faults) == (0, {})
