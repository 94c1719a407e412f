from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from slo.domain.booking import Booking
from slo.domain.indicator import Events, Freshness, Latency, Mean, Query, Slices
from slo.domain.ledger import Contribution, Correction, Exclusion, Increment, difference
from slo.domain.lookup import Subject
from slo.domain.meter import Edge, Meter, fingerprint
from slo.domain.selector import Matcher, Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.standing import Note
from slo.domain.window import RollingWindow
from slo.explain import explain, requests_of
from slo.store import booking, corrections, exclusions, slos
from slo.store.engine import writing
from tests.support.stores import empty_store

HOUR, DAY = 3600, 86_400
NOW = 1795204800
TOTAL = Selector("requests_total")
EVENTS = Events(TOTAL, bad=TOTAL.with_matchers(Matcher("code", "=~", "5..")))


def an_slo(indicator=EVENTS, **changes):
    fields = {
        "service": "shop",
        "name": "availability",
        "objective": Decimal("0.99"),
        "window": RollingWindow(timedelta(days=7)),
        "source": "main",
        "bucket": 60,
    }
    return SLO(indicator=indicator, **(fields | changes))


@pytest.fixture
def session(tmp_path):
    engine = empty_store(tmp_path / "slo.db")
    with writing(engine) as opened:
        yield opened
    engine.dispose()


def declared(session, slo, at):
    return slos.declare(session, [slos.Declared(slo, slo.indicator, fingerprint(slo))], at)[slo.id]


def booked(session, slo, start, end, **findings):
    """A meter with 90 good and 10 bad events an hour."""
    meter = declared(session, slo, start)
    ends = range(start + HOUR, end + 1, HOUR)
    steps = tuple(Increment(t, 90.0, 100.0, float(HOUR)) for t in ends)
    booking.book(session, [Booking(meter.id, Span(start, end), steps, **findings)])
    return slos.meter_of(session, slo.id)


def subject(slo, meter, now=NOW):
    return Subject(slo, slo.indicator, meter, now)


def total_of(found):
    """The events by the page's own arithmetic."""
    pieces = [difference(p.first, p.last).total for p in found.pieces if p.first and p.last]
    return sum(pieces) + sum(c.total for c in found.corrections)


def test_the_window_is_the_difference_of_two_readings(session):
    slo = an_slo()
    found = explain(session, subject(slo, booked(session, slo, NOW - 9 * DAY, NOW)))
    (piece,) = found.pieces
    assert (piece.first.end, piece.last.end) == (NOW - 7 * DAY, NOW)
    assert total_of(found) == found.standing.total == 7 * 24 * 100
    hour = next(b for b in found.burns if b.name == "1h")
    assert (hour.events.bad, hour.events.total) == (10, 100)
    assert hour.rate == pytest.approx(10)


def test_exclusions_and_corrections_stay_in_the_sum(session):
    slo = an_slo()
    meter = booked(session, slo, NOW - 9 * DAY, NOW)
    inside = Exclusion(0, "shop/*", Span(NOW - 5 * HOUR, NOW - 3 * HOUR), "move", "ann", "db")
    outside = Exclusion(0, "shop/*", Span(NOW - 9 * DAY, NOW - 8 * DAY), "move", "ann", "db")
    other = Exclusion(0, "else/*", Span(NOW - 5 * HOUR, NOW - 3 * HOUR), "move", "ann", "db")
    for one in (inside, outside, other):
        exclusions.add(session, one)
    for end, total, key in ((NOW - HOUR, 7.0, "a"), (NOW - 4 * HOUR, 9.0, "b")):
        corrections.add(session, Correction(slo.id, end, 0.0, total, "ann", "late", key))
    found = explain(session, subject(slo, meter))
    assert len(found.pieces) == 2
    assert [x.span for x in found.exclusions] == [inside.span]
    # The correction inside the excluded span counts as little as that span does.
    assert [c.key for c in found.corrections] == ["a"]
    assert total_of(found) == found.standing.total == 7 * 24 * 100 - 200 + 7


def test_a_past_time_is_judged_by_the_objective_then_in_force(session):
    old = an_slo()
    booked(session, old, NOW - 9 * DAY, NOW)
    new = an_slo(objective=Decimal("0.5"))
    meter = declared(session, new, NOW - HOUR)
    meter = slos.meter_of(session, new.id) or meter
    now = explain(session, subject(new, meter))
    then = explain(session, subject(new, meter), NOW - DAY)
    assert now.slo.objective == Decimal("0.5")
    assert then.slo.objective == then.standing.objective == Decimal("0.99")
    assert then.standing.window.end == NOW - DAY
    assert [r.objective for r in now.revisions] == [Decimal("0.99"), Decimal("0.5")]


def test_old_meters_stay_listed(session):
    old = an_slo()
    booked(session, old, NOW - 9 * DAY, NOW - DAY)
    new = an_slo(Events(TOTAL, good=Selector("good_total")))
    meter = booked(session, new, NOW - DAY, NOW)
    found = explain(session, subject(new, meter))
    assert [m.id for m in found.meters] == [1, 2]
    assert found.meter.id == 2
    assert found.standing.total == 24 * 100


def test_the_worst_hour_names_who_had_the_bad_events(session):
    slo = an_slo()
    worst = NOW // HOUR * HOUR - 2 * HOUR
    found = (
        Contribution(worst, '{"code":"500"}', 9.0, 9.0),
        Contribution(worst - HOUR, '{"code":"502"}', 4.0, 4.0),
    )
    meter = booked(session, slo, NOW - 2 * DAY, NOW, contributions=found)
    hour = explain(session, subject(slo, meter)).worst
    assert hour.start == worst
    assert [(c.labels, c.bad) for c in hour.contributors] == [('{"code":"500"}', 9.0)]


def test_notes_from_outside_the_window_are_told_too(session):
    slo = an_slo(window=RollingWindow(timedelta(days=1)))
    old = Note("skew", "samples fell", 3.0, NOW - 9 * DAY, NOW - 8 * DAY)
    meter = booked(session, slo, NOW - 9 * DAY, NOW, notes=(old,))
    found = explain(session, subject(slo, meter))
    assert "skew" not in {n.kind for n in found.standing.notes}
    assert "skew" in {n.kind for n in found.notes}


def test_an_empty_ledger_is_explained_as_nothing(session):
    slo = an_slo()
    meter = declared(session, slo, NOW)
    found = explain(session, subject(slo, meter))
    assert found.pieces == ()
    assert found.standing.budget.remaining is None
    assert found.worst is None


class TestRequests:
    METER = Meter(1, "shop/availability", "", 60, "{}")

    def asked(self, indicator, edges=(), scrape=15):
        one = subject(an_slo(indicator), self.METER)
        return [r.query for r in requests_of(one, edges, Span(NOW, NOW + 60), scrape)]

    def edge(self, ago):
        at = (NOW - ago) * 1000
        return Edge(0, '{"a":"b"}', at, 1.0, 1.0, 1, intervals=(15_000,) * 3)

    def test_counters_are_read_back_to_the_oldest_edge(self):
        assert self.asked(EVENTS, [self.edge(10)]) == ["requests_total[90s]"]
        assert self.asked(EVENTS, [self.edge(10), self.edge(31)]) == ["requests_total[120s]"]

    @pytest.mark.parametrize(
        ("indicator", "queries"),
        [
            (
                Latency(Selector("t_seconds"), timedelta(seconds=1)),
                [r't_seconds_bucket{le=~"0*1(\\.0*)?|1(\\.0*)?[eE]\\+?0*0|\\+?[Ii]nf"}[90s]'],
            ),
            (
                Mean(Selector("t_seconds"), timedelta(seconds=1)),
                ["t_seconds_sum[90s]", "t_seconds_count[90s]"],
            ),
            (Slices("accuracy > 0", at_least=Decimal("0.9")), ["accuracy > 0"]),
            (Freshness("stamp", timedelta(hours=1)), ["max(stamp)", "max(timestamp(up))"]),
            (
                Query("sum(increase(x[$window]))", good="sum(increase(y[$window]))"),
                ["sum(increase(x[1m15s]))", "sum(increase(y[1m15s]))"],
            ),
        ],
    )
    def test_each_kind_asks_what_it_needs(self, indicator, queries):
        assert self.asked(indicator) == queries
