from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from sqlalchemy import update

from slo.backfill import backfill, want_backfill
from slo.config import parse
from slo.context import open_context
from slo.declaring import declare
from slo.domain.ledger import NOTHING, Tally
from slo.domain.meter import Meter
from slo.domain.span import Span
from slo.prometheus.head import Head
from slo.prometheus.job import Fault
from slo.store import schema, slos
from slo.store.engine import writing
from slo.verify import DAY, Verification, random_day, verify_day
from tests.support.prometheus_server import OpenMetrics, PrometheusServer
from tests.support.stores import empty_store

START = 1795132800 - 2 * DAY  # 2026-11-18, midnight
END = START + 2 * DAY
EVERY = 60
YAML = """\
prometheus: {{url: '{url}'}}
database: {{url: 'sqlite:///{folder}/slo.db'}}
services:
  api:
    slos:
      availability:
        objective: 99%
        events: {{bad: 'requests_total{{code="500"}}', total: requests_total}}
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A Prometheus with two days of requests: 10 good a minute, a bad one each ten minutes."""
    times = range(START, END + EVERY, EVERY)
    om = OpenMetrics()
    for series, per in (('code="200"', lambda n: 10 * n), ('code="500"', lambda n: n // 10)):
        labels = f'{series},job="a",instance="a:1"'
        om.add(f"requests_total{{{labels}}}", ((t, per(n)) for n, t in enumerate(times)))
    om.add('up{job="a",instance="a:1"}', ((t, 1) for t in times))
    with PrometheusServer(tmp_path_factory.mktemp("prometheus"), openmetrics=om) as server:
        yield server.url


@pytest.fixture
def world(tmp_path, url):
    """A ledger of both days but the first and the last hour: context, `counted`, `engine`."""
    settings = parse(YAML.format(url=url, folder=tmp_path), "slo.yaml", {})
    engine = empty_store(tmp_path / "slo.db")
    with open_context(settings, engine) as context:
        want_backfill(context, declare(context, END).counted, START + 3600)
        head = Head(context.clients["prometheus"], END)
        counted = declare(context, END).counted
        report = backfill(context, counted, {"prometheus": head}, now=END, end=END - 3600)
        assert not report.faults
        yield SimpleNamespace(
            context=context, counted=declare(context, END).counted[0], engine=engine
        )
    engine.dispose()


def test_a_recount_agrees_with_what_was_booked(world):
    found = verify_day(world.context, world.counted, START + DAY)
    assert found.span == Span(START + DAY, END - 3600)
    assert found.ledger.total == 23 * 60 * 10 + 23 * 6
    assert found.recount.good == found.ledger.good
    assert found.agrees
    assert not found.forgotten


def test_only_what_the_ledger_holds_of_a_day_is_recounted(world):
    found = verify_day(world.context, world.counted, START)
    assert found.span == Span(START + 3600, START + DAY)
    assert found.agrees


def test_a_difference_is_told_by_good_and_total(world):
    with writing(world.engine) as session:
        later = schema.reading.c.end > START + DAY + 7200
        more = {"total": schema.reading.c.total + 5, "good": schema.reading.c.good + 2}
        session.execute(update(schema.reading).where(later).values(more))
    found = verify_day(world.context, world.counted, START + DAY)
    assert not found.agrees
    assert (found.difference.good, found.difference.total) == (-2, -5)
    assert verify_day(world.context, world.counted, START).agrees


def test_compacted_edges_are_verified_between_the_readings_that_are_kept(world):
    with writing(world.engine) as session:
        odd = schema.reading.c.end.between(START + DAY - 600, START + DAY + 600)
        session.execute(schema.reading.delete().where(odd))
    found = verify_day(world.context, world.counted, START + DAY)
    assert found.span.start < START + DAY - 600
    assert found.agrees


def test_a_day_outside_the_ledger_is_a_fault(world):
    found = verify_day(world.context, world.counted, START - DAY)
    assert isinstance(found, Fault)
    assert found.kind == "not_booked"
    assert "it holds 2026-11-18T01:00:00Z to 2026-11-19T23:00:00Z" in found.message


def test_a_source_that_cannot_be_read_is_a_fault(world, tmp_path):
    settings = parse(YAML.format(url="http://127.0.0.1:9", folder=tmp_path), "slo.yaml", {})
    with open_context(settings, world.engine) as context:
        found = verify_day(context, world.counted, START + DAY)
    assert isinstance(found, Fault)
    assert found.kind == "unreachable"


def test_nothing_is_booked_by_a_recount(world):
    with writing(world.engine) as session:
        before = session.execute(schema.reading.select()).all(), slos.running_meters(session)
    verify_day(world.context, world.counted, START)
    with writing(world.engine) as session:
        after = session.execute(schema.reading.select()).all(), slos.running_meters(session)
    assert before == after


def test_what_a_source_has_forgotten_is_no_plain_difference():
    held = Tally(9.0, 10.0, 60.0)
    gone = Verification("a/b", Span(0, 60), held, NOTHING)
    assert gone.forgotten
    assert not gone.agrees
    assert Verification("a/b", Span(0, 60), NOTHING, NOTHING).agrees


def test_noise_of_floats_is_no_difference():
    one = Tally(1e9 / 3, 1e9, 60.0)
    other = Tally(1e9 / 3 + 1e-4, 1e9, 0.0)
    assert Verification("a/b", Span(0, 60), one, other).agrees


class TestRandomDay:
    def days(self, world, now, count=200):
        rng = random.Random(1)
        with writing(world.engine) as session:
            return {random_day(session, world.counted.meter, now, rng) for _ in range(count)}

    def stretch(self, world, start, end):
        with writing(world.engine) as session:
            session.execute(update(schema.meter).values(booked_from=start, booked_to=end))

    def test_only_whole_days_of_the_ledger_are_chosen(self, world):
        assert self.days(world, END) == {None}
        self.stretch(world, START - DAY, END)
        assert self.days(world, END) == {START - DAY, START, START + DAY}

    def test_days_that_prometheus_has_likely_forgotten_are_left_out(self, world):
        self.stretch(world, START - 100 * DAY, END)
        found = self.days(world, END + 3600)
        assert len(found) == 13
        assert min(found) >= END + 3600 - 14 * DAY
        assert max(found) == END - DAY

    def test_days_to_come_are_left_out(self, world):
        self.stretch(world, START, END)
        assert self.days(world, END - 1) == {START}

    def test_an_empty_ledger_has_none(self, world):
        with writing(world.engine) as session:
            empty = Meter(99, "no/such", "", 60, "{}")
            assert random_day(session, empty, END, random.Random(1)) is None
