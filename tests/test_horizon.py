"""How far a source may be booked, and how far back it can tell."""

from __future__ import annotations

import pytest

from slo.config import parse
from slo.context import open_context
from slo.horizon import backfill_reach, horizon_of
from slo.prometheus.errors import NotPrometheus
from slo.store.engine import open_engine
from tests.support.fault_server import FaultServer, html, matrix, success

NOW = 1_709_251_200
DAY = 86_400


def scalar(value: float):
    return success({"resultType": "scalar", "result": [value, str(value)]})


def ups(first: int):
    """A source whose targets are known since `first`: answers range queries of `count(up)`."""

    def behaviour(handler) -> None:
        params = handler.server.fault.last.params
        start, end, step = (int(float(params[name][0])) for name in ("start", "end", "step"))
        values = [[at, "1"] for at in range(start, end + 1, step) if at >= first]
        matrix([{"metric": {}, "values": values}] if values else [])(handler)

    return behaviour


@pytest.fixture
def server():
    with FaultServer() as server:
        yield server


@pytest.fixture
def context(server, tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'slo.db'}")
    settings = parse(
        f"prometheus: {{url: '{server.url}', lag: 20s}}\n"
        "services:\n  api:\n    slos:\n"
        "      short: {objective: 99%, window: 7d, slices: {query: up, at_least: 1}}\n"
        "      long: {objective: 99%, window: 90d, slices: {query: up, at_least: 1}}\n",
        "slo.yaml",
        {},
    )
    with open_context(settings, engine) as context:
        yield context
    engine.dispose()


@pytest.mark.parametrize(("ours", "theirs"), [(NOW, NOW + 3600), (NOW + 3600, NOW)])
def test_the_earlier_of_both_clocks_less_the_lag_is_the_horizon(server, context, ours, theirs):
    server.behaviour = scalar(theirs)
    horizon = horizon_of(context.clients["prometheus"], context.source("prometheus"), ours)

    assert horizon.until == NOW - 20
    assert horizon.head.now == NOW


def test_a_source_that_is_no_prometheus_has_no_horizon(server, context):
    server.behaviour = html()
    with pytest.raises(NotPrometheus):
        horizon_of(context.clients["prometheus"], context.source("prometheus"), NOW)


def test_a_backfill_reaches_to_just_before_the_first_target(server, context):
    first = NOW - 40 * DAY + 1234
    server.behaviour = ups(first)
    reach = backfill_reach(context, "prometheus", NOW)

    assert first - 120 <= reach <= first


def test_a_backfill_reaches_no_further_than_the_longest_window(server, context):
    server.behaviour = ups(NOW - 400 * DAY)
    reach = backfill_reach(context, "prometheus", NOW)

    assert reach == NOW - 90 * DAY


def test_a_source_without_targets_has_no_reach(server, context):
    server.behaviour = matrix([])
    assert backfill_reach(context, "prometheus", NOW) is None
