"""Verdicts against ledgers made by hand, and against the standings of the same windows."""

from __future__ import annotations

import itertools
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from slo.domain.booking import Booking
from slo.domain.ledger import Correction, Exclusion, Increment
from slo.domain.lookup import Subject
from slo.domain.span import Span
from slo.domain.window import CalendarWindow
from slo.judging import judge
from slo.standings import compute
from slo.store import booking, compaction, corrections, exclusions, readings, slos
from slo.store.engine import writing

HOUR, DAY = 3600, 86_400
OCTOBER = Span(1_790_812_800, 1_793_491_200)
"""2026-10-01 to 2026-11-01, UTC."""
NOVEMBER = Span(OCTOBER.end, OCTOBER.end + 30 * DAY)
SEPTEMBER = Span(OCTOBER.start - 30 * DAY, OCTOBER.start)
ONE = "svc/one"
NUMBERS = itertools.count()


@pytest.fixture
def session(engine):
    with writing(engine) as opened:
        yield opened


def declare(session, make, at, name=ONE, **fields):
    return slos.declare(session, [make.declared(name, **fields)], at)[name]


def book(session, meter, span, good, bad=0.0, covered=1.0):
    """Books the span hour by hour, each with so many events."""
    ends = range(span.start + HOUR, span.end + 1, HOUR)
    found = tuple(Increment(end, good, good + bad, covered * HOUR) for end in ends)
    assert booking.book(session, [Booking(meter.id, span, found)])


def exclude(session, span, scope="svc/*"):
    exclusions.add(session, Exclusion(0, scope, span, "maintenance", "ops", "a move"))


def correct(session, end, good, total, slo=ONE):
    key = f"{slo}@{end}"
    corrections.add(session, Correction(slo, end, good, total, "ops", "labelled late", key))


def verdict(session, period=OCTOBER, slo=ONE, now=None):
    now = period.end if now is None else now
    ((found,),) = judge(session, [slo], [period], now).values()
    return found


def kinds(found):
    return [note.kind for note in found.notes]


@pytest.fixture
def steady(session, make):
    """September to the 10th of November: 100 events an hour, of which one is bad."""
    meter = declare(session, make, SEPTEMBER.start, objective="0.98")
    book(session, meter, Span(SEPTEMBER.start, NOVEMBER.start + 10 * DAY), 99.0, 1.0)
    return meter


def test_a_whole_month_is_the_difference_of_two_readings(session, steady):
    found = verdict(session)
    assert (found.slo, found.period, found.objective) == (ONE, OCTOBER, Decimal("0.98"))
    assert (found.good, found.bad, found.total) == (99 * 744.0, 744.0, 74_400.0)
    assert found.sli == 0.99
    assert found.budget.allowed == pytest.approx(1488)
    assert found.spent == pytest.approx(0.5)
    assert (found.coverage, found.met, found.running) == (1.0, True, False)
    assert (found.meter, found.booked, found.counted) == (steady.id, OCTOBER, 31 * DAY)
    assert (found.excluded, found.notes) == ((), ())


@pytest.mark.usefixtures("steady")
def test_several_periods_come_in_their_order_and_unknown_slos_without_a_ledger(session):
    found = judge(session, [ONE, "svc/none"], [NOVEMBER, SEPTEMBER], NOVEMBER.start)
    assert [v.period for v in found[ONE]] == [NOVEMBER, SEPTEMBER]
    assert [v.total for v in found[ONE]] == [24_000.0, 72_000.0]
    assert [v.met for v in found["svc/none"]] == [None, None]
    assert judge(session, [], [OCTOBER], OCTOBER.end) == {}
    assert judge(session, [ONE], [], OCTOBER.end) == {ONE: []}


@pytest.mark.usefixtures("steady")
def test_the_objective_in_force_at_the_end_judges(session, make):
    declare(session, make, OCTOBER.start + 15 * DAY, objective="0.995")
    assert verdict(session, SEPTEMBER).met is True
    found = verdict(session)
    assert (found.objective, found.met) == (Decimal("0.995"), False)
    assert found.spent == pytest.approx(2.0)


def test_bad_events_that_are_just_allowed_are_met_and_one_more_is_not(session, make):
    meter = declare(session, make, OCTOBER.start, objective="0.71")
    book(session, meter, Span(OCTOBER.start, OCTOBER.start + HOUR), 71.0, 29.0)
    assert verdict(session, Span(OCTOBER.start, OCTOBER.start + HOUR)).met is True
    correct(session, OCTOBER.start + HOUR, -1.0, 0.0)
    assert verdict(session, Span(OCTOBER.start, OCTOBER.start + HOUR)).met is False


@pytest.mark.usefixtures("steady")
def test_exclusions_of_all_scopes_are_taken_out_once(session):
    start = OCTOBER.start
    exclude(session, Span(start + DAY, start + DAY + 4 * HOUR))
    exclude(session, Span(start + DAY + 2 * HOUR, start + DAY + 6 * HOUR), ONE)
    exclude(session, Span(start - HOUR, start + HOUR), "*")
    exclude(session, Span(start + 5 * DAY, start + 6 * DAY), "other/*")
    found = verdict(session)
    assert found.total == 74_400 - 700
    assert found.excluded == (
        Span(start, start + HOUR),
        Span(start + DAY, start + DAY + 6 * HOUR),
    )
    assert found.counted == 31 * DAY - 7 * HOUR
    assert found.coverage == 1.0


@pytest.mark.usefixtures("steady")
def test_each_exclusion_has_its_part_of_what_is_taken_out(session):
    day, minute = OCTOBER.start + DAY, 60
    apart, alone = Span(day + minute, day + 2 * minute), Span(day + 3 * minute, day + 4 * minute)
    first = Span(day + 5 * HOUR + minute, day + 6 * HOUR + minute)
    second = Span(day + 6 * HOUR, day + 7 * HOUR + minute)
    before = Span(OCTOBER.start - HOUR, OCTOBER.start + minute)
    for span in (apart, alone, first, second, before):
        exclude(session, span)
    found = verdict(session)
    assert sum(span.seconds for span in found.excluded) == 5 * HOUR
    # Two of one hour each take all of it; of those that meet, the outer edges are moved.
    assert found.taken_out_by(apart) == found.taken_out_by(alone) == Span(day, day + HOUR)
    assert found.taken_out_by(first) == Span(day + 5 * HOUR, first.end)
    assert found.taken_out_by(second) == Span(second.start, day + 8 * HOUR)
    assert found.taken_out_by(before) == Span(OCTOBER.start, OCTOBER.start + HOUR)
    assert found.taken_out_by(Span(day + DAY, day + 2 * DAY)) is None


@pytest.mark.usefixtures("steady")
def test_corrections_count_where_their_bucket_ends(session):
    correct(session, OCTOBER.start, -50.0, 0.0)
    correct(session, OCTOBER.start + HOUR, -30.0, 10.0)
    correct(session, OCTOBER.end, -20.0, 0.0)
    assert verdict(session, SEPTEMBER).bad == 720 + 50
    assert (verdict(session).bad, verdict(session).total) == (744 + 60, 74_410)
    assert verdict(session, NOVEMBER).bad == 240


@pytest.mark.usefixtures("steady")
def test_a_running_period_is_judged_by_its_whole_budget(session):
    found = verdict(session, NOVEMBER)
    assert found.running
    assert found.booked == Span(NOVEMBER.start, NOVEMBER.start + 10 * DAY)
    assert found.budget.allowed == pytest.approx(0.02 * 100 * 24 * 30)
    assert (found.bad, found.met) == (240.0, True)
    assert found.spent == pytest.approx(240 / 1440)
    assert kinds(found) == []


def test_the_rest_of_a_long_period_is_expected_from_its_last_28_days(session, make):
    meter = declare(session, make, OCTOBER.start)
    book(session, meter, Span(OCTOBER.start, OCTOBER.end), 1.0)
    book(session, meter, Span(OCTOBER.end, OCTOBER.end + 28 * DAY), 9.0)
    quarter = Span(OCTOBER.start, OCTOBER.end + 61 * DAY)
    events = 744 + 9 * 28 * 24 + 9 * 33 * 24
    assert verdict(session, quarter).budget.allowed == pytest.approx(0.001 * events)


@pytest.mark.usefixtures("steady")
def test_before_the_ledger_nothing_is_judged(session):
    found = verdict(session, Span(SEPTEMBER.start - 30 * DAY, SEPTEMBER.start))
    assert (found.met, found.sli, found.budget, found.coverage) == (None, None, None, None)
    assert (found.booked, found.total, found.counted) == (None, 0.0, 0)
    assert verdict(session, Span(NOVEMBER.end, NOVEMBER.end + DAY)).met is None


@pytest.mark.usefixtures("steady")
def test_a_ledger_that_begins_inside_tells_so(session):
    found = verdict(session, Span(SEPTEMBER.start - DAY, SEPTEMBER.end))
    assert found.total == 72_000
    assert kinds(found) == ["young"]


def test_without_events_it_is_neither_met_nor_missed(session, make):
    book(session, declare(session, make, OCTOBER.start), OCTOBER, 0.0)
    found = verdict(session)
    assert (found.met, found.sli, found.spent, found.coverage) == (None, None, None, 1.0)


@pytest.mark.usefixtures("steady")
def test_nothing_is_projected_for_an_slo_that_is_gone(session):
    slos.pause_absent(session, [], NOVEMBER.start + 10 * DAY)
    found = verdict(session, NOVEMBER)
    assert not found.running
    assert found.budget.allowed == pytest.approx(0.02 * 24_000)
    assert kinds(found) == ["ended"]


def test_no_period_mixes_two_meters(session, make, steady):
    changed = NOVEMBER.start - 4 * DAY
    new = declare(session, make, changed, bad='code=~"4.."', objective="0.98")
    book(session, new, Span(changed, NOVEMBER.start + 5 * DAY), 10.0)
    assert verdict(session, SEPTEMBER).meter == steady.id
    # The old one was booked up to the 10th of November and holds more of October.
    found = verdict(session)
    assert (found.meter, found.notes) == (steady.id, ())
    november = verdict(session, Span(NOVEMBER.start, NOVEMBER.start + 5 * DAY))
    assert november.meter == new.id
    assert november.total == 10 * 5 * 24


def test_a_correction_counts_beside_the_readings_that_it_was_made_for(session, make):
    """Also where the meter that follows is backfilled over its bucket."""
    half = OCTOBER.start + 15 * DAY
    old = declare(session, make, SEPTEMBER.start)
    book(session, old, Span(SEPTEMBER.start, half), 100.0)
    correct(session, OCTOBER.start + 3 * HOUR, -3000.0, 0.0)
    correct(session, OCTOBER.start, -7.0, 0.0)
    new = declare(session, make, half, bad='code=~"4.."')
    book(session, new, Span(OCTOBER.start, OCTOBER.end), 10.0)
    found = verdict(session)
    assert (found.meter, found.bad, found.met) == (new.id, 0.0, True)
    found = verdict(session, SEPTEMBER)
    assert (found.meter, found.bad) == (old.id, 7.0)


def test_a_period_that_is_over_is_judged_by_what_was_booked(session, make):
    """Save for the few minutes in which its last buckets still come."""
    meter = declare(session, make, OCTOBER.start, objective="0.99")
    book(session, meter, Span(OCTOBER.start, OCTOBER.start + 9 * DAY), 98.0, 2.0)
    found = verdict(session, now=OCTOBER.end + 900)
    assert (found.running, found.met, found.under) == (True, True, True)
    found = verdict(session, now=OCTOBER.end + 901)
    assert (found.running, found.met, found.sli) == (False, False, 0.98)
    assert found.spent == pytest.approx(2.0)
    assert kinds(found) == ["ended"]


def test_a_change_inside_a_period_judges_what_is_counted_since(session, make):
    half = OCTOBER.start + 15 * DAY
    old = declare(session, make, OCTOBER.start)
    book(session, old, Span(OCTOBER.start, half), 99.0, 1.0)
    new = declare(session, make, half, bad='code=~"4.."')
    book(session, new, Span(half, OCTOBER.end), 10.0)
    found = verdict(session)
    assert (found.meter, found.total) == (new.id, 10 * 16 * 24)
    assert kinds(found) == ["meter", "young"]


def test_an_edge_whose_reading_is_compacted_away_tells_so(session, steady):
    odd = Span(OCTOBER.start, OCTOBER.end - 11 * HOUR)
    keep = [(0, DAY)]
    compaction.compact(session, steady.id, NOVEMBER.start + 400 * DAY, keep, [])
    assert verdict(session).notes == ()
    found = verdict(session, odd)
    assert found.total == 100 * 30 * 24
    assert kinds(found) == ["compacted"]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
def test_a_verdict_agrees_with_the_standing_of_the_same_window(session, make, data):
    """Ledgers with corrections, exclusions and revisions, at any instant of a month."""
    name = f"svc/slo{next(NUMBERS)}"
    zone = data.draw(st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kolkata"]))
    window = CalendarWindow(data.draw(st.sampled_from(["week", "month", "quarter"])), zone)
    meter = declare(session, make, SEPTEMBER.start - 99 * DAY, name, window=window)
    hours = data.draw(st.lists(st.integers(0, 30), min_size=2, max_size=5))
    at = OCTOBER.start - data.draw(st.integers(0, 40 * 24)) * HOUR
    for bad in hours:
        part = Span(at, at + data.draw(st.integers(1, 300)) * HOUR)
        book(session, meter, part, 100.0 - bad, bad, data.draw(st.sampled_from([0.0, 0.5, 1.0])))
        at = part.end
    for _ in range(data.draw(st.integers(0, 3))):
        end = at - data.draw(st.integers(0, 400)) * HOUR
        correct(session, end, -data.draw(st.integers(0, 50)), 0.0, name)
    for _ in range(data.draw(st.integers(0, 3))):
        first = at - data.draw(st.integers(-100, 1000)) * HOUR // 7
        exclude(session, Span(first, first + data.draw(st.integers(1, 3 * DAY))), name)
    declare(session, make, at - data.draw(st.integers(0, 500)) * HOUR, name, window=window,
            objective=data.draw(st.sampled_from(["0.9", "0.95"])))  # fmt: skip
    instant = data.draw(st.integers(at - 20 * DAY, at))
    period = window.period_at(instant // 60 * 60)
    meter = slos.meter_of(session, name)
    subject = Subject(make.slo(name, window=window), make.slo(name).indicator, meter, at)
    whole = period.end <= at
    asked = period.end if whole else at
    ((standing, _),) = compute(session, [subject], {name: asked})
    found = verdict(session, period, name)
    assert (found.objective, found.sli) == (standing.objective, standing.sli)
    assert (found.booked is None) == (found.budget is None)
    if found.booked is not None:
        events = (found.good, found.bad, found.total)
        assert events == (standing.good, standing.bad, standing.total)
        assert (found.budget, found.coverage) == (standing.budget, standing.coverage)


def test_many_slos_and_periods_cost_as_many_statements_as_one(engine, session, make):
    names = [f"svc/slo{n}" for n in range(20)]
    for name in names:
        book(session, declare(session, make, OCTOBER.start, name), OCTOBER, 9.0, 1.0)
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *given: statements.append(given[2]))
    judge(session, names[:1], [OCTOBER], OCTOBER.end)
    one = len(statements)
    found = judge(session, names, [SEPTEMBER, OCTOBER, NOVEMBER], OCTOBER.end)
    assert len(statements) == 2 * one <= 16
    assert {v[1].total for v in found.values()} == {7440.0}


def test_each_exclusion_is_looked_up_once_a_meter(session, make):
    names = ["svc/one", "svc/two"]
    for name in names:
        book(session, declare(session, make, SEPTEMBER.start, name), OCTOBER, 9.0, 1.0)
    for day in range(-20, 20):
        start = OCTOBER.start + day * DAY
        exclude(session, Span(start + 100, start + HOUR), "*")
    asked = []
    looked_up = [readings.readings_at, readings.readings_from]

    def count(look):
        def counted(session, wanted):
            asked.append(sum(len(set(instants)) for instants in wanted.values()))
            return look(session, wanted)

        return counted

    with pytest.MonkeyPatch.context() as patch:
        for look in looked_up:
            patch.setattr(readings, look.__name__, count(look))
        days = [Span(start, start + DAY) for start in range(OCTOBER.start, OCTOBER.end, DAY)]
        found = judge(session, names, days, OCTOBER.end + 2 * DAY)
    # Of each meter the edges of the days, and of the 20 exclusions the start; then their ends.
    assert asked == [2 * (32 + 20), 2 * 20]
    assert [v.total for v in found["svc/two"]] == [230.0] * 20 + [240.0] * 11
