"""A report's numbers against months whose truth is known by heart, on both databases."""

from __future__ import annotations

import csv
import io
from decimal import Decimal

import pytest
from sqlalchemy import event

from slo.domain.booking import Booking
from slo.domain.ledger import Correction, Exclusion, Increment
from slo.domain.period import parse_period
from slo.domain.report import Count
from slo.domain.span import Span
from slo.domain.tally import IncidentTally, Lengths
from slo.reports.gathering import report_of
from slo.reports.periods import months_of, periods_of, usual_period
from slo.reports.record import report_csv
from slo.reports.slo_tables import verdict_cell
from slo.reports.view import view_of
from slo.reports.words import headline
from slo.store import booking, corrections, exclusions, slos
from slo.store.engine import reading, writing
from tests.reports import world
from tests.reports.world import DAY, HOUR, NOW, at


def report(engine, name="2026-10", now=NOW, **fields):
    with reading(engine) as session:
        return report_of(session, parse_period(name, fields.pop("zone", "UTC")), now, **fields)


def line(found, slo):
    (only,) = [one for one in found.lines if one.slo == slo]
    return only


class TestAMonth:
    @pytest.fixture
    def found(self, engine):
        world.build(engine)
        return report(engine)

    def test_all_of_it_is_as_it_was_booked(self, found):
        # A change of the objective, an exclusion, an outage.
        one = line(found, "shop/availability")
        bad = (744 - 2 - 6) * 5 + 200
        assert one.verdict.objective == Decimal("0.995")
        assert (one.verdict.bad, one.verdict.total) == (bad, 738_000)
        assert one.verdict.sli == 1 - bad / 738_000
        assert one.verdict.spent == pytest.approx(bad / 3690)
        assert (one.verdict.met, one.verdict.coverage) == (False, 1.0)
        assert one.verdict.excluded == (world.MOVE,)
        assert [(u.exclusion.why, u.seconds) for u in one.exclusions] == [("a move", 6 * HOUR)]
        assert [(c.at, c.before, c.after) for c in one.changes] == [
            (at("2026-10-15 09:00"), Decimal("0.99"), Decimal("0.995"))
        ]
        assert one.before.spent == pytest.approx(0.5)
        assert one.trend == "worse"
        # A correction, and one of another month.
        one = line(found, "ranker/accuracy")
        assert (one.verdict.bad, one.verdict.total) == (744 + 30, 7440)
        assert one.before.bad == 1
        assert [c.why for c in one.corrections] == ["relabelled"]
        # What did not change, and what had no events.
        one = line(found, "shop/latency")
        assert (one.trend, one.sli_change, one.verdict.met) == ("same", 0.0, True)
        one = line(found, "ranker/freshness")
        assert (one.trend, one.verdict.met, one.verdict.sli) == (None, None, None)
        # What happened.
        assert found.tally == IncidentTally(
            2, 1, 1, Lengths(1200.0, 1800), Lengths(5400.0, 7200), 4 * HOUR
        )
        assert found.tally_before == IncidentTally(
            1, 1, 0, Lengths(300.0, 300), Lengths(7200.0, 7200), HOUR
        )
        assert line(found, "shop/availability").incidents.seconds == 3 * HOUR
        told = [(one.incident.title, one.opened_before, one.seconds) for one in found.incidents]
        assert told == [
            ("a slow burn", False, HOUR),
            ("availability burns", False, 2 * HOUR),
            ("at the turn", True, HOUR),
        ]
        # All together.
        assert (found.count, found.count_before) == (Count(1, 2, 1), Count(3, 0, 1))
        assert [one.slo for one in found.worst] == [
            "ranker/accuracy", "shop/availability", "shop/latency",
        ]  # fmt: skip
        assert [one.share for one in found.worst_incidents] == [0.4, 0.1, 0.05]
        learned = found.learned
        assert (learned.required, learned.required_published, learned.drafts) == (1, 0, 2)
        assert [item.text for item in learned.open_items] == ["Canary"]
        assert learned.overdue == 1
        assert not found.running


def test_a_running_month_is_told_so_far(two_months):
    found = report(two_months, "2026-11")
    assert found.running
    one = line(found, "shop/latency")
    assert (one.verdict.running, one.verdict.bad) == (True, 4 * 54)
    assert one.verdict.budget.allowed == pytest.approx(0.1 * 100 * 720)


def test_what_has_no_ledger_is_told_by_name(two_months):
    assert headline(report(two_months, "2020-01")) == [
        "No ledger reaches January 2020: nothing was booked."
    ]
    assert headline(report(two_months, service="none")) == [
        "No ledger of none reaches October 2026: nothing was booked."
    ]


def test_an_slo_under_its_objective_is_within_budget_only_as_more_is_expected(two_months):
    # 54 hours of ten events, one of them bad: 90 % for 95 %, and 54 of 360 that are allowed.
    found = report(two_months, "2026-11")
    assert [one.slo for one in found.under] == ["ranker/accuracy"]
    verdict = line(found, "ranker/accuracy").verdict
    assert (verdict.met, verdict.sli, verdict.spent) == (True, 0.9, pytest.approx(54 / 360))
    assert verdict_cell(verdict).sub == "SLI under the objective so far"
    assert verdict_cell(line(found, "shop/latency").verdict).sub == ""
    assert headline(found)[1].startswith("ranker/accuracy is under its objective so far: within")
    # A whole period is met or missed, whatever its SLI.
    assert not report(two_months).under


def test_a_period_before_the_ledger_is_not_compared_with(two_months):
    first = report(two_months, "2026-09")
    assert not first.comparable
    view = view_of(first)
    texts = " ".join([*view.headline, *(t.detail for t in view.tiles)])
    assert "no ledger in August 2026" in texts
    assert "than in August" not in texts
    assert "as many as" not in texts
    assert report(two_months, "2026-10").comparable


def test_a_report_made_early_tells_what_was_known_then(two_months):
    assert report(two_months, "2026-10", now=at("2026-10-20 00:00")).running


def test_a_service_or_an_owner_narrows_all_of_it(two_months):
    found = report(two_months, service="ranker")
    assert [s.service for s in found.services] == ["ranker"]
    assert [one.incident.title for one in found.incidents] == ["at the turn"]
    assert found.learned.required == 0
    assert found.exclusions == []
    owned = report(two_months, owner="shop-team")
    assert [one.slo for one in owned.lines] == ["shop/availability", "shop/latency"]
    assert owned.tally.number == 2
    assert report(two_months, owner="nobody").services == ()
    assert report(two_months, service="shop", owner="search").services == ()


def test_a_quarter_and_a_year_hold_their_months(two_months):
    one = line(report(two_months, "2026"), "shop/latency")
    assert one.verdict.total == 100 * (720 + 744 + 54)
    quarter = line(report(two_months, "2026-Q4"), "shop/latency")
    assert quarter.verdict.total == 100 * (744 + 54)
    assert quarter.before.total == 100 * 720


def test_another_zone_has_other_midnights(two_months):
    # Berlin's October begins two hours before that of UTC, in which accuracy was whole.
    one = line(report(two_months, zone="Europe/Berlin"), "ranker/accuracy")
    assert one.verdict.total == 10 * 745
    assert one.verdict.bad == 744 - 1 + 30


def test_an_slo_without_a_ledger_is_told_of_only_where_it_should_have_one(sqlite_engine, make):
    with writing(sqlite_engine) as session:
        slos.declare(session, [make.declared("svc/early")], at("2026-09-10 00:00"))
        slos.declare(session, [make.declared("svc/gone")], at("2026-09-10 00:00"))
        slos.pause_absent(session, ["svc/early"], at("2026-09-20 00:00"))
        slos.declare(session, [make.declared("svc/late")], at("2026-11-02 00:00"))
    found = report(sqlite_engine)
    assert [one.slo for one in found.lines] == ["svc/early"]
    assert found.count == Count(0, 0, 1)
    september = report(sqlite_engine, "2026-09")
    assert [one.slo for one in september.lines] == ["svc/early", "svc/gone"]


def test_an_empty_store_has_an_empty_report(sqlite_engine):
    found = report(sqlite_engine)
    assert (found.services, found.incidents, found.worst) == ((), (), [])


def test_statements_do_not_grow_with_slos(two_months):
    statements = []

    def count(*given):
        statements.append(given[2])

    event.listen(two_months, "before_cursor_execute", count)
    report(two_months, service="ranker")
    few = len(statements)
    report(two_months)
    event.remove(two_months, "before_cursor_execute", count)
    # Only shop has an exclusion, whose end is looked up beside its start.
    assert len(statements) - few <= few + 1 <= 30


class TestThePeriodBefore:
    """Of September's SLOs one is gone in October, and one has another owner."""

    @pytest.fixture
    def changed(self, sqlite_engine, make):
        start, turn, end = world.SEPTEMBER.start, world.SEPTEMBER.end, world.OCTOBER.end
        kept = [make.declared("a/kept", owner="x"), make.declared("a/moved", owner="x")]
        gone = make.declared("a/gone", owner="x")
        with writing(sqlite_engine) as session:
            meters = slos.declare(session, [*kept, gone], start)
            for name, until, bad in (
                ("a/kept", end, 0.0),
                ("a/moved", end, 0.0),
                ("a/gone", turn - DAY, 50.0),
            ):
                ends = range(start + HOUR, until + 1, HOUR)
                found = tuple(Increment(t, 100.0 - bad, 100.0, float(HOUR)) for t in ends)
                booking.book(session, [Booking(meters[name].id, Span(start, until), found)])
            slos.pause_absent(session, ["a/kept", "a/moved"], turn - DAY)
            slos.declare(session, [make.declared("a/moved", owner="y")], turn + DAY)
            burnt = Span(start + DAY, start + 2 * DAY)
            world.incident(session, "a/gone", burnt, detect=300, share=9.0)
        return sqlite_engine

    @pytest.mark.parametrize("fields", [{}, {"owner": "x"}, {"owner": "y"}, {"service": "a"}])
    def test_it_is_told_as_by_its_own_report(self, changed, fields):
        october, september = (report(changed, n, **fields) for n in ("2026-10", "2026-09"))
        assert october.count_before == september.count
        assert october.tally_before == september.tally
        assert october.comparable

    def test_what_is_gone_since_counts_in_it(self, changed):
        found = report(changed)
        assert (found.count, found.count_before) == (Count(2, 0), Count(2, 1))
        assert headline(found) == [
            "All 2 SLOs met their objective in October 2026; in September 2026 2 of 3 did.",
            "No incidents; in September 2026 there was one.",
        ]
        assert [tile.detail for tile in view_of(found).tiles[:3]] == [
            "2 of 3 in September 2026",
            "none; 1 in September 2026",
            "1 d in September 2026",
        ]
        assert found.incidents == ()
        assert [one.slo for one in found.lines] == ["a/kept", "a/moved"]

    def test_who_owns_an_slo_since_has_it_beside_that_slo_only(self, changed):
        found = report(changed, owner="y")
        assert line(found, "a/moved").before.met is True
        assert (found.count, found.count_before) == (Count(1, 0), Count())


class TestWhatDidNotCount:
    """Hourly readings; twenty minutes are excluded, so the hour that holds them is."""

    @pytest.fixture
    def found(self, sqlite_engine, make):
        def late(when, good):
            return Correction("a/one", at(when), good, 0.0, "ada", when, when)

        span = Span(world.OCTOBER.start, at("2026-10-21 00:00"))
        ends = range(span.start + HOUR, span.end + 1, HOUR)
        away = Span(at("2026-10-05 10:20"), at("2026-10-05 10:40"))
        with writing(sqlite_engine) as session:
            meters = slos.declare(session, [make.declared("a/one", objective="0.99")], span.start)
            booked = tuple(Increment(t, 100.0, 100.0, float(HOUR)) for t in ends)
            booking.book(session, [Booking(meters["a/one"].id, span, booked)])
            exclusions.add(session, Exclusion(0, "a/*", away, "maintenance", "ops", "a move"))
            corrections.add(session, late("2026-10-05 11:00", -30.0))
            corrections.add(session, late("2026-10-05 12:00", -5.0))
            corrections.add(session, late("2026-10-25 12:00", -7.0))
        return report(sqlite_engine)

    def test_an_exclusion_is_told_as_long_as_it_took_out(self, found):
        one = line(found, "a/one")
        assert one.verdict.excluded == (Span(at("2026-10-05 10:00"), at("2026-10-05 11:00")),)
        assert [used.seconds for used, _ in found.exclusions] == [HOUR]
        (row,) = csv.DictReader(io.StringIO(report_csv(found)))
        assert float(row["excluded_seconds"]) == HOUR

    def test_corrections_are_those_that_are_counted_in(self, found):
        """Neither those of what is excluded, nor those after the ledger's end."""
        assert line(found, "a/one").verdict.bad == 5.0
        assert [c.why for c in found.corrections] == ["2026-10-05 12:00"]
        (row,) = csv.DictReader(io.StringIO(report_csv(found)))
        assert (row["corrections"], float(row["corrected_good"])) == ("1", -5.0)


class TestAnOctoberWhoseLedgerStopped:
    """98 % until the 11th, for 99 %; nothing was booked after that."""

    @pytest.fixture
    def stopped(self, sqlite_engine, make):
        start, end = at("2026-10-01 00:00"), at("2026-10-11 00:00")
        ends = range(start + HOUR, end + 1, HOUR)
        found = tuple(Increment(t, 98.0, 100.0, float(HOUR)) for t in ends)
        with writing(sqlite_engine) as session:
            meters = slos.declare(session, [make.declared("a/one", objective="0.99")], start)
            booking.book(session, [Booking(meters["a/one"].id, Span(start, end), found)])
        return sqlite_engine

    def test_on_the_first_morning_it_is_judged_by_what_was_booked(self, stopped):
        found = report(stopped, now=at("2026-11-01 07:00"))
        assert not found.running
        assert headline(found)[0] == "0 of 1 SLOs met their objective in October 2026."
        assert line(found, "a/one").verdict.spent == pytest.approx(2.0)
        assert [note.kind for note in line(found, "a/one").notes] == ["ended"]

    def test_while_its_last_buckets_may_still_come_nothing_is_met(self, stopped):
        now = at("2026-11-01 00:05")
        found = report(stopped, now=now)
        assert found.running
        view = view_of(found)
        assert view.title == "SLO report: October 2026, so far"
        assert view.headline[:2] == (
            "So far in October 2026, the one SLO is within the error budget of the whole period.",
            (
                "a/one is under its objective so far: within budget only if the rest of the period"
                " brings as many events as expected, and few bad ones."
            ),
        )
        assert view.tiles[0].label == "Within budget so far"
        assert [section.sub for section in view.sections] == ["1 of 1 within budget"]
        (row,) = csv.DictReader(io.StringIO(report_csv(found)))
        assert (row["state"], row["projected"]) == ("within budget", "yes")
        with reading(stopped) as session:
            (month,) = months_of(session, now)
        assert (month.running, month.count) == (True, Count(1, 0, 0))
        with reading(stopped) as session:
            (month,) = months_of(session, at("2026-11-01 07:00"))
        assert (month.running, month.missed) == (False, ("a/one",))


class TestPeriods:
    def test_those_that_have_a_ledger_are_listed_newest_first(self, two_months):
        with reading(two_months) as session:
            names = {
                unit: [p.name for p in periods_of(session, unit, NOW, 12)]
                for unit in ("month", "quarter", "year")
            }
            weeks = periods_of(session, "week", NOW, 4)
        assert names["month"] == ["2026-11", "2026-10", "2026-09"]
        assert names["quarter"] == ["2026-Q4", "2026-Q3"]
        assert names["year"] == ["2026"]
        assert [w.name for w in weeks] == ["2026-W45", "2026-W44", "2026-W43", "2026-W42"]

    def test_months_are_told_of_in_short(self, two_months):
        with reading(two_months) as session:
            found = months_of(session, NOW)
        assert [(m.period.name, m.count, m.incidents) for m in found] == [
            ("2026-11", Count(3, 0, 1), 0),
            ("2026-10", Count(1, 2, 1), 2),
            ("2026-09", Count(3, 0, 0), 1),
        ]
        assert found[1].missed == ("ranker/accuracy", "shop/availability")
        assert [m.running for m in found] == [True, False, False]

    def test_the_usual_one_is_the_last_whole_month(self, two_months):
        with reading(two_months) as session:
            assert usual_period(session, NOW).name == "2026-10"

    def test_without_a_whole_month_it_is_the_running_one(self, sqlite_engine):
        with reading(sqlite_engine) as session:
            assert usual_period(session, NOW).name == "2026-11"
            assert periods_of(session, "month", NOW, 12) == []
            assert months_of(session, NOW) == []


def test_the_whole_span_of_all_ledgers_is_known(two_months):
    with reading(two_months) as session:
        assert slos.booked_span(session) == Span(world.SEPTEMBER.start, NOW // HOUR * HOUR)
    assert NOW - world.OCTOBER.end == 2 * DAY + 6 * HOUR
