from datetime import timedelta
from decimal import Decimal

import pytest

from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.meter import indicator_from_json, indicator_json
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
