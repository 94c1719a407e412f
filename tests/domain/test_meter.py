from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.meter import fingerprint, indicator_from_json, indicator_json
from slo.domain.slo import SLO
from slo.domain.window import RollingWindow
from slo.promql import parse_selector

S = parse_selector('x_total{code=~"5..",path="é\\"",job!=""}')
INDICATORS = [
    Events(total=S, good=S),
    Events(total=S, bad=S, recorded=True),
    Latency(S, timedelta(milliseconds=200)),
    Latency(
        S, timedelta(microseconds=1), "milliseconds", "up", recorded=True, bound=Decimal("0.25")
    ),
    Mean(S, timedelta(days=2, microseconds=3), "microseconds"),
    Slices("avg(x)", at_least=Decimal("0.95")),
    Slices("avg(x)", at_most=Decimal("1e3")),
    Freshness("x", timedelta(hours=2)),
    Query(total="increase(x[$window])", good="increase(y[$window])"),
    Query(total="t[$window]", bad="b[$window]"),
]


@pytest.mark.parametrize("indicator", INDICATORS, ids=str)
def test_an_indicator_reads_back_as_it_was_written(indicator):
    assert indicator_from_json(indicator_json(indicator)) == indicator


QUALITY = SLO(
    "model",
    "quality",
    Decimal("0.99"),
    RollingWindow(timedelta(days=30)),
    Slices("avg(x)", at_least=Decimal("0.95")),
    "main",
)


def test_a_meter_of_the_first_release_is_known_again():
    # Another value would begin every ledger anew.
    assert fingerprint(QUALITY) == "9b3c62e340db306a2c19f6d37be3fdf0"


@pytest.mark.parametrize("no_data", ["page", "ticket", "ignore"])
def test_who_is_told_of_missing_data_is_no_part_of_the_meter(no_data):
    assert fingerprint(replace(QUALITY, no_data=no_data)) == fingerprint(QUALITY)


def test_missing_data_that_count_as_bad_make_another_meter():
    assert fingerprint(replace(QUALITY, no_data="bad")) != fingerprint(QUALITY)
