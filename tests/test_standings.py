from __future__ import annotations

import dataclasses
import itertools
import json
import random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, update

from slo.domain.booking import Booking
from slo.domain.indicator import Events, Query, Slices
from slo.domain.ledger import Correction, Exclusion, Increment
from slo.domain.meter import fingerprint
from slo.domain.selector import Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.standing import BURN_SPANS, Note
from slo.domain.window import CalendarWindow, RollingWindow
from slo.standings import Subject, compute
from slo.store import (
    booking,
    corrections,
    engine,
    exclusions,
    notes,
    schema,
    slos,
    standings,
)
from tests.support.stores import empty_store

MINUTE, HOUR, DAY = 60, 3600, 86400
NOW = 1795204800  # 2026-11-20T20:00:00Z
EVENTS = Events(total=Selector("requests_total"), good=Selector("requests_good_total"))
NUMBERS = itertools.count()
WEEK = RollingWindow(timedelta(days=7))


@pytest.fixture
def store(tmp_path):
    opened = empty_store(tmp_path / "slo.db")
    yield opened
    opened.dispose()


@pytest.fixture
def session(store):
    with engine.writing(store) as opened:
        yield opened


def an_slo(name="availability", **changes):
    fields = {
        "service": "shop",
        "name": name,
        "objective": Decimal("0.99"),
        "window": WEEK,
        "indicator": EVENTS,
        "source": "main",
    }
    return SLO(**(fields | changes))


def declared(session, *some, at=NOW - 60 * DAY):
    """The SLOs' meters in the store, in order."""
    whole = [slos.Declared(s, s.indicator, fingerprint(s)) for s in some]
    meters = slos.declare(session, whole, at)
    return [meters[s.id] for s in some]


def increments(span, good, bad=0.0, every=HOUR, covered=1.0):
    """Even events per `every` seconds; buckets only where something is to be booked."""
    ends = range(span.start + every, span.end + 1, every)
    return tuple(Increment(end, good, good + bad, covered * every) for end in ends)


def book(session, meter, *parts):
    """Books the increments at the meter's end, first from an hour's or a minute's start."""
    flat = tuple(i for part in parts for i in part)
    start = slos.meter_of(session, meter.slo).booked_to
    if start is None:
        start = flat[0].end - round(flat[0].covered or MINUTE)
    assert booking.book(session, [Booking(meter.id, Span(start, flat[-1].end), flat)])


def subject(session, slo, now=NOW, **changes):
    return Subject(slo, slo.indicator, slos.meter_of(session, slo.id), now, **changes)


def standing_of(session, slo, now=NOW, at=None, **changes):
    past = None if at is None else {slo.id: at}
    ((standing, memo),) = compute(session, [subject(session, slo, now, **changes)], past)
    assert (memo is None) == (at is not None)
    return standing


def keep(session, slo, memo):
    """Keeps the memo as the cycle does, with some standing."""
    ((standing, _),) = compute(session, [subject(session, slo)])
    standings.put(session, [(standing, memo)])


def exclude(session, span, scope="shop/*"):
    exclusions.add(session, Exclusion(0, scope, span, "maintenance", "ops", "upgrade"))


def correct(session, slo_id, end, good, total):
    key = f"{slo_id}@{end}"
    corrections.add(session, Correction(slo_id, end, good, total, "ops", "late labels", key))


@pytest.fixture
def steady(session):
    """A week and three days of 100 events an hour, half a per cent of them bad."""
    slo = an_slo()
    (meter,) = declared(session, slo)
    book(session, meter, increments(Span(NOW - 10 * DAY, NOW), 99.5, 0.5))
    return slo


class TestNumbers:
    def test_a_window_is_the_difference_of_two_readings(self, session, steady):
        standing = standing_of(session, steady)
        assert standing.window == Span(NOW - 7 * DAY, NOW)
        assert (standing.good, standing.bad, standing.total) == (16716.0, 84.0, 16800.0)
        assert standing.sli == pytest.approx(0.995)
        assert standing.budget.allowed == 168
        assert standing.budget.remaining == 0.5
        assert not standing.budget.projected
        assert (standing.at, standing.coverage, standing.state) == (NOW, 1.0, "healthy")
        assert (standing.data, standing.last_data) == ("fresh", NOW)
        assert standing.notes == ()

    def test_burn_rates_are_of_the_workbooks_spans(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        quiet = increments(Span(NOW - 8 * DAY, NOW - 2 * HOUR), 60.0)
        storm = increments(Span(NOW - 2 * HOUR, NOW), 0.9, 0.1, every=MINUTE)
        book(session, meter, quiet, storm)
        rates = dict(standing_of(session, slo).burn_rates)
        assert [name for name, _ in BURN_SPANS] == list(rates)
        assert {name: rates[name] for name in ("5m", "30m", "1h", "2h")} == pytest.approx(
            dict.fromkeys(("5m", "30m", "1h", "2h"), 10)
        )
        assert rates["6h"] == pytest.approx(10 / 3)
        assert rates["1d"] == pytest.approx(10 / 12)

    def test_it_agrees_with_adding_up_buckets_one_by_one(self, session):
        """Random events with exclusions and corrections, against a plain loop."""
        chance = random.Random(7)
        slo = an_slo()
        (meter,) = declared(session, slo)
        begun = NOW - 8 * DAY
        steps = [
            Increment(end, good, good + chance.randrange(3), 300.0)
            for end in range(begun + 300, NOW + 1, 300)
            for good in [chance.randrange(50)]
        ]
        book(session, meter, steps)
        excluded = [Span(NOW - 5 * DAY, NOW - 4 * DAY), Span(NOW - HOUR, NOW - 1800)]
        deltas = [(NOW - 6 * DAY, -7, 1), (NOW - 4 * DAY - 300, -5, 5), (NOW - 600, -2, 0)]
        for span in excluded:
            exclude(session, span)
        for end, good, total in deltas:
            correct(session, slo.id, end, good, total)

        def expected(seconds):
            rows = [(i.end, i.good, i.total) for i in steps] + deltas
            rows = [r for r in rows if NOW - seconds < r[0] <= NOW]
            rows = [r for r in rows if not any(s.start < r[0] <= s.end for s in excluded)]
            return sum(g for _, g, _ in rows), sum(t for _, _, t in rows)

        standing = standing_of(session, slo)
        assert (standing.good, standing.total) == expected(7 * DAY)
        assert standing.coverage == 1
        for (name, seconds), (_, rate) in zip(BURN_SPANS, standing.burn_rates, strict=True):
            good, total = expected(seconds)
            assert rate == pytest.approx((total - good) / total / 0.01), name
        spent = [1 - p.remaining for p in standing.sparkline]
        assert spent[0] == 0
        assert spent == sorted(spent)
        assert spent[-1] == pytest.approx(1 - standing.budget.remaining)

    def test_an_exclusion_of_another_service_takes_nothing_out(self, session, steady):
        exclude(session, Span(NOW - DAY, NOW), "shopping/*")
        exclude(session, Span(NOW - DAY, NOW), "shop/avail")
        assert standing_of(session, steady).total == 16800
        exclude(session, Span(NOW - DAY, NOW), steady.id)
        assert standing_of(session, steady).total == 6 * 2400
        exclude(session, Span(NOW - 2 * DAY, NOW), "*")
        assert standing_of(session, steady).total == 5 * 2400

    def test_an_exclusion_snaps_outward_to_kept_readings(self, session, steady):
        exclude(session, Span(NOW - DAY + 600, NOW - DAY + 1200))
        standing = standing_of(session, steady)
        assert standing.total == 16800 - 100
        assert standing.coverage == 1

    def test_a_half_covered_window_says_so(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 8 * DAY, NOW), 5.0, covered=0.5))
        assert standing_of(session, slo).coverage == pytest.approx(0.5)

    def test_an_empty_window_has_no_shares(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 8 * DAY, NOW), 0.0))
        standing = standing_of(session, slo)
        assert (standing.sli, standing.budget.remaining) == (None, None)
        assert {rate for _, rate in standing.burn_rates} == {None}
        assert (standing.sparkline, standing.exhausted_at) == ((), None)
        assert standing.state == "healthy"

    def test_an_slo_that_was_never_booked_has_a_standing(self, session):
        slo = an_slo()
        declared(session, slo)
        standing = standing_of(session, slo, now=NOW + 7)
        assert (standing.total, standing.sli, standing.coverage) == (0, None, None)
        assert (standing.state, standing.data, standing.last_data) == ("new", "none", None)
        assert standing.window.end == NOW

    def test_slices_and_texts_are_told(self, session):
        slices = Slices("model_accuracy", at_least=Decimal("0.95"))
        slo = an_slo(indicator=slices, owner="ml", labels=(("tier", "1"),))
        declared(session, slo)
        standing = standing_of(session, slo, paused=True)
        assert (standing.indicator, standing.slices, standing.estimated) == ("slices", True, False)
        assert standing.indicator_text == "model_accuracy at least 0.95, per minute"
        assert (standing.owner, standing.labels, standing.paused) == ("ml", (("tier", "1"),), True)


class TestFilling:
    def test_under_a_day_of_history_is_new(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 23 * HOUR, NOW), 0.0, 100.0))
        standing = standing_of(session, slo)
        assert standing.state == "new"
        assert standing.budget.projected

    def test_a_ledger_younger_than_its_window_has_a_projected_budget(self, session):
        slo = an_slo(window=RollingWindow(timedelta(days=30)))
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 10 * DAY, NOW), 99.5, 0.5))
        standing = standing_of(session, slo)
        assert standing.total == 24000
        assert standing.budget.projected
        assert standing.budget.allowed == pytest.approx(720)  # 1 % of 30 days' events.
        assert standing.budget.remaining == pytest.approx(1 - 120 / 720)
        assert standing.coverage == 1
        assert [n.kind for n in standing.notes] == ["young"]
        first, second = standing.sparkline[:2]
        assert (first.at, first.remaining) == (NOW - 30 * DAY, None)
        assert (second.at, second.remaining) == (NOW - 10 * DAY, 1.0)

    def test_a_long_window_fills_at_the_rate_of_the_last_28_days(self, session):
        slo = an_slo(window=RollingWindow(timedelta(days=90)))
        (meter,) = declared(session, slo)
        early = increments(Span(NOW - 40 * DAY, NOW - 28 * DAY), 1000.0)
        book(session, meter, early, increments(Span(NOW - 28 * DAY, NOW), 100.0))
        events = 12 * 24000 + 28 * 2400
        allowed = standing_of(session, slo).budget.allowed
        assert allowed == pytest.approx(0.01 * (events + 50 * 2400))

    def test_a_running_month_expects_the_rest_of_its_events(self, session):
        slo = an_slo(window=CalendarWindow("month"))
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 50 * DAY, NOW), 99.0, 1.0))
        standing = standing_of(session, slo)
        assert standing.window_kind == "calendar"
        assert standing.window == Span(NOW - 19 * DAY - 20 * HOUR, NOW)
        assert standing.total == (19 * 24 + 20) * 100
        assert standing.budget.projected
        assert standing.budget.allowed == pytest.approx(720)  # 1 % of 30 days' events.
        assert standing.notes == ()

    def test_planned_exclusions_are_not_expected(self, session):
        slo = an_slo(window=CalendarWindow("month"))
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 50 * DAY, NOW), 99.0, 1.0))
        exclude(session, Span(NOW + DAY, NOW + 3 * DAY))
        assert standing_of(session, slo).budget.allowed == pytest.approx(28 * 24)

    def test_a_month_that_just_ended_is_whole(self, session):
        end = 1793491200  # 2026-11-01T00:00:00Z
        slo = an_slo(window=CalendarWindow("month"))
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(end - 40 * DAY, end), 100.0))
        standing = standing_of(session, slo, now=end)
        assert standing.window == Span(end - 31 * DAY, end)
        assert not standing.budget.projected
        assert {f.exhausted_at for f in standing.forecasts} == {None}


class TestForecast:
    def test_a_steady_burn_below_1_stays_within(self, session, steady):
        standing = standing_of(session, steady)
        assert [(f.basis, f.exhausted_at) for f in standing.forecasts] == [
            ("6h", None),
            ("3d", None),
        ]
        assert standing.exhausted_at is None

    def test_a_new_burn_of_2_lasts_half_of_what_is_left(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        calm = increments(Span(NOW - 8 * DAY, NOW - 6 * HOUR), 100.0)
        book(session, meter, calm, increments(Span(NOW - 6 * HOUR, NOW), 98.0, 2.0))
        standing = standing_of(session, slo)
        left = standing.budget.remaining
        assert left == pytest.approx(1 - 12 / 168)
        by_6h, by_3d = standing.forecasts
        assert by_6h.exhausted_at == pytest.approx(NOW + left * 7 * DAY / 2, abs=2)
        assert by_3d.exhausted_at is None  # At 1/6 a window spends less than it is allowed.
        assert standing.exhausted_at == by_6h.exhausted_at

    def test_a_spent_budget_tells_since_when(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        book(
            session,
            meter,
            increments(Span(NOW - 8 * DAY, NOW - 2 * DAY), 100.0),
            increments(Span(NOW - 2 * DAY, NOW - DAY), 80.0, 20.0),
            increments(Span(NOW - DAY, NOW), 100.0),
        )
        standing = standing_of(session, slo)
        assert standing.state == "exhausted"
        # 168 bad events are allowed, and 20 came an hour.
        assert standing.exhausted_at == pytest.approx(NOW - 2 * DAY + 8.4 * HOUR, abs=3 * HOUR)
        assert {f.exhausted_at for f in standing.forecasts} == {NOW}

    def test_bad_events_leave_a_rolling_window_but_not_a_month(self, session):
        rolling, month = an_slo("a"), an_slo("b", window=CalendarWindow("month"))
        for meter in declared(session, rolling, month):
            book(
                session,
                meter,
                increments(Span(NOW - 40 * DAY, NOW - 7 * DAY), 100.0),
                increments(Span(NOW - 7 * DAY, NOW - 6 * DAY), 94.0, 6.0),
                increments(Span(NOW - 6 * DAY, NOW), 99.4, 0.6),
            )
        # 144 + 86.4 bad; the outage leaves within a day, at burn 0.6 nothing is spent anew.
        assert standing_of(session, rolling).exhausted_at < NOW
        month_standing = standing_of(session, month)
        assert month_standing.budget.remaining > 0
        assert month_standing.exhausted_at is None


class TestNotes:
    def test_an_estimate_says_so(self, session):
        slo = an_slo(indicator=Query(total="sum(rate(a[$window]))", bad="sum(rate(b[$window]))"))
        declared(session, slo)
        standing = standing_of(session, slo)
        assert standing.estimated
        assert [n.kind for n in standing.notes] == ["estimated"]

    def test_good_over_total_is_no_bad_event_and_a_note_with_the_amount(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 8 * DAY, NOW), 100.0, -0.5))
        standing = standing_of(session, slo)
        assert (standing.bad, standing.sli, standing.budget.remaining) == (0, 1, 1)
        assert [(n.kind, n.amount) for n in standing.notes] == [("crossed", 84.0)]

    def test_a_running_backfill_tells_how_far_it_is(self, session, steady):
        meter = slos.meter_of(session, steady.id)
        booking.set_backfill(session, meter.id, NOW - 30 * DAY, NOW - 30 * DAY)
        (note,) = standing_of(session, steady).notes
        assert note.kind == "backfill"
        assert "back to 2026-11-10T20:00:00Z of 2026-10-21T20:00:00Z" in note.text

    def test_booked_notes_count_while_they_touch_the_window(self, session, steady):
        meter = slos.meter_of(session, steady.id)
        inside = Note("rename", "inside", 3.0, NOW - 9 * DAY, NOW - 6 * DAY)
        old = Note("rename", "old", 3.0, NOW - 9 * DAY, NOW - 8 * DAY)
        notes.add(session, {meter.id: (NOW, [inside, old])})
        assert [n.text for n in standing_of(session, steady).notes] == ["inside"]
        before = standing_of(session, steady, at=NOW - 9 * DAY - HOUR)
        assert [n.kind for n in before.notes] == ["young"]


class TestData:
    def test_an_outage_ages_from_fresh_to_none(self, session, steady):
        meter = slos.meter_of(session, steady.id)
        for minutes, state in ((3, "fresh"), (4, "late"), (10, "late"), (11, "none")):
            now = NOW + minutes * MINUTE
            already = slos.meter_of(session, steady.id).booked_to
            book(session, meter, increments(Span(already, now), 0.0, every=MINUTE, covered=0.0))
            ((standing, memo),) = compute(session, [subject(session, steady, now)])
            keep(session, steady, memo)
            assert (standing.data, standing.last_data) == (state, NOW)
            assert standing.state == "healthy"

    def test_a_cycle_that_stands_still_is_no_data_in_the_end(self, session, steady):
        assert standing_of(session, steady, now=NOW + HOUR).data == "none"
        assert standing_of(session, steady, now=NOW + HOUR).window.end == NOW

    def test_what_a_cycle_leaves_is_aged_by_the_clock(self, session, steady):
        written = standing_of(session, steady, lag=300)
        standings.put(session, [(written, None)])
        for seconds in (0, 400, 481, 1000):
            seen = standings.one(session, steady.id, now=NOW + seconds)
            assert seen == standing_of(session, steady, now=NOW + seconds, lag=300)
        assert standings.one(session, steady.id) == written

    def test_a_long_lag_of_the_source_is_still_fresh(self, session, steady):
        assert standing_of(session, steady, now=NOW + 400).data == "late"
        assert standing_of(session, steady, now=NOW + 400, lag=300).data == "fresh"


class TestHysteresis:
    def test_the_memo_keeps_a_state_below_the_margin(self, session):
        slo = an_slo()
        (meter,) = declared(session, slo)
        book(session, meter, increments(Span(NOW - 8 * DAY, NOW), 99.26, 0.74))
        ((healthy, memo),) = compute(session, [subject(session, slo)])
        assert healthy.state == "healthy"  # 26 % is over the bound, though not by the margin.
        keep(session, slo, memo.replace('"healthy"', '"caution"'))
        assert standing_of(session, slo).state == "caution"
        assert standing_of(session, slo, at=NOW).state == "healthy"


class TestPast:
    def test_a_past_instant_shows_what_was_then(self, session, steady):
        then = standing_of(session, steady)
        meter = slos.meter_of(session, steady.id)
        book(session, meter, increments(Span(NOW, NOW + 2 * DAY), 0.0, 100.0))
        past = standing_of(session, steady, now=NOW + 2 * DAY, at=NOW + 30)
        assert past == then

    def test_the_revision_in_force_at_the_windows_end_judges(self, session, steady):
        lower = dataclasses.replace(steady, objective=Decimal("0.9"), owner="new")
        declared(session, lower, at=NOW - DAY)
        assert standing_of(session, lower, at=NOW - DAY - 1).objective == Decimal("0.99")
        assert standing_of(session, lower, at=NOW - DAY - 1).owner == ""
        assert standing_of(session, lower, at=NOW - DAY).objective == Decimal("0.9")
        assert standing_of(session, lower).objective == Decimal("0.9")

    def test_before_the_ledger_there_is_nothing(self, session, steady):
        standing = standing_of(session, steady, at=NOW - 20 * DAY)
        assert (standing.total, standing.state, standing.data) == (0, "new", "none")
        assert (standing.sli, standing.coverage) == (None, None)

    def test_a_kept_memo_tells_nothing_of_the_past(self, session, steady):
        silent = increments(Span(NOW, NOW + 2 * HOUR), 0.0, every=MINUTE, covered=0.0)
        book(session, slos.meter_of(session, steady.id), silent)
        book(
            session,
            slos.meter_of(session, steady.id),
            increments(Span(NOW + 2 * HOUR, NOW + 3 * HOUR), 0.0, 100.0),
        )
        before = standing_of(session, steady, at=NOW + HOUR)
        ((_, memo),) = compute(session, [subject(session, steady, NOW + 3 * HOUR)])
        keep(session, steady, memo)
        assert standing_of(session, steady, at=NOW + HOUR) == before
        assert before.last_data is not None
        assert NOW <= before.last_data < NOW + HOUR
        assert before.data == "none"

    def test_the_future_is_the_last_reading(self, session, steady):
        assert standing_of(session, steady, at=NOW + DAY).window.end == NOW


class TestMemo:
    def test_the_next_cycle_looks_up_few_readings(self, store, session, steady):
        looked_up = []

        def count(_connection, _cursor, statement, parameters, _context, _many):
            if "FROM reading" in statement or "JOIN reading" in statement:
                looked_up.append(str(parameters).count("[") - 1)

        ((_, memo),) = compute(session, [subject(session, steady)])
        keep(session, steady, memo)
        book(
            session,
            slos.meter_of(session, steady.id),
            increments(Span(NOW, NOW + MINUTE), 1.0, every=MINUTE),
        )
        event.listen(store, "before_cursor_execute", count)
        compute(session, [subject(session, steady)])
        event.remove(store, "before_cursor_execute", count)
        assert len(looked_up) == 1
        assert looked_up[0] <= 12

    def test_a_memo_of_another_meter_or_window_is_void(self, session, steady):
        whole = standing_of(session, steady)
        ((_, memo),) = compute(session, [subject(session, steady)])
        body = json.loads(memo)
        body["bad"] = [bad + 50 for bad in body["bad"]]
        for void in (body | {"meter": 99}, body | {"step": 60}):
            keep(session, steady, json.dumps(void))
            assert standing_of(session, steady) == whole
        keep(session, steady, json.dumps(body))
        assert standing_of(session, steady).sparkline != whole.sparkline

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(st.data())
    def test_a_kept_memo_changes_no_number(self, store, data):
        """Cycles, backfills, corrections and exclusions in any order."""
        with engine.writing(store) as session:
            name = f"slo{next(NUMBERS)}"
            window = data.draw(st.sampled_from([WEEK, CalendarWindow("month", "Europe/Berlin")]))
            slo = an_slo(name, window=window)
            (meter,) = declared(session, slo)
            book(session, meter, increments(Span(NOW - DAY, NOW), 9.0, 1.0))
            now, begun = NOW, NOW - DAY
            actions = st.sampled_from(["cycle", "back", "correct", "exclude"])
            for action in data.draw(st.lists(actions, min_size=1, max_size=6)):
                if action == "cycle":
                    hours = data.draw(st.integers(1, 60))
                    bad = data.draw(st.integers(0, 3))
                    book(session, meter, increments(Span(now, now + hours * HOUR), 9.0, bad))
                    now += hours * HOUR
                elif action == "back":
                    hours = data.draw(st.integers(1, 100))
                    span = Span(begun - hours * HOUR, begun)
                    parts = increments(span, 5.0, data.draw(st.integers(0, 3)))
                    assert booking.book_back(session, Booking(meter.id, span, parts), HOUR)
                    begun = span.start
                elif action == "correct":
                    end = now - data.draw(st.integers(0, 90)) * HOUR
                    correct(session, slo.id, end, -1.0, 1.0)
                else:
                    start = now - data.draw(st.integers(0, 90 * HOUR))
                    exclude(session, Span(start, start + data.draw(st.integers(1, DAY))), slo.id)
                ((kept, memo),) = compute(session, [subject(session, slo, now)])
                with session.begin_nested() as nested:
                    session.execute(update(schema.standing).values(grid=None))
                    ((fresh, _),) = compute(session, [subject(session, slo, now)])
                    nested.rollback()
                assert dataclasses.replace(kept, state="new") == dataclasses.replace(
                    fresh, state="new"
                )
                keep(session, slo, memo)


def test_a_former_meters_corrections_do_not_count(session):
    """Although they lie inside the window, which its own ledger does not fill yet."""
    (meter,) = declared(session, an_slo())
    book(session, meter, increments(Span(NOW - 5 * DAY, NOW - 2 * DAY), 100.0))
    correct(session, "shop/availability", NOW - 3 * DAY, -3000.0, 0.0)
    other = Events(total=Selector("requests_total"), good=Selector("other_good_total"))
    slo = an_slo(indicator=other)
    (meter,) = declared(session, slo, at=NOW - 2 * DAY)
    book(session, meter, increments(Span(NOW - 2 * DAY, NOW), 100.0))
    assert standing_of(session, slo).bad == 0.0
    correct(session, "shop/availability", NOW - DAY, -3.0, 0.0)
    assert standing_of(session, slo).bad == 3.0


def test_many_slos_cost_as_many_statements_as_one(store, session):
    statements = []

    def count(_connection, _cursor, statement, *_):
        statements.append(statement)

    some = [an_slo(f"slo{n}") for n in range(20)]
    for meter in declared(session, *some):
        book(session, meter, increments(Span(NOW - 2 * DAY, NOW), 9.0, 1.0))
    subjects = [subject(session, slo) for slo in some]
    event.listen(store, "before_cursor_execute", count)
    compute(session, subjects[:1])
    one = len(statements)
    found = compute(session, subjects)
    event.remove(store, "before_cursor_execute", count)
    assert len(statements) == 2 * one
    assert [s.slo for s, _ in found] == [slo.id for slo in some]


def test_no_subjects_have_no_standings(session):
    assert compute(session, []) == []
