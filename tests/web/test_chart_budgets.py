"""Budgets on charts: every point is what a standing says, whatever the range that is shown."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.domain.booking import Booking
from slo.domain.indicator import Events
from slo.domain.ledger import Correction, Exclusion, Increment
from slo.domain.meter import fingerprint
from slo.domain.selector import Selector
from slo.domain.slo import SLO
from slo.domain.span import Span
from slo.domain.window import CalendarWindow, RollingWindow
from slo.judging import judge
from slo.standings import Subject, compute
from slo.store import booking, corrections, exclusions, slos
from slo.store.engine import writing
from slo.web.charts import budgets, composite, panels
from tests.support.stores import empty_store

DAY = 86_400
BUCKET = DAY // 4
START = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
WEEK, MONTH = RollingWindow(timedelta(days=7)), RollingWindow(timedelta(days=30))
LONG = RollingWindow(timedelta(days=60))
"""Longer than the 28 days by which a young ledger is projected."""
IN_MONTHS, IN_WEEKS = CalendarWindow("month"), CalendarWindow("week")


def day(number: float) -> int:
    """So many days after the start of the year."""
    return START + round(number * DAY)


def days(first: float, last: float) -> Span:
    return Span(day(first), day(last))


class Books:
    """An SLO in a store of its own, with a ledger that a test writes; its bucket is six hours."""

    def __init__(self, session, window, objective="0.9", name="availability"):
        events = Events(total=Selector("requests_total"), good=Selector("requests_good_total"))
        self.session = session
        self.slo = SLO("shop", name, Decimal(objective), window, events, "main", bucket=BUCKET)

    def change(self, at, **changes):
        """Declares the SLO anew, with another objective or another indicator."""
        self.slo = dataclasses.replace(self.slo, **changes)
        return self.declare(at)

    def declare(self, at):
        found = slos.Declared(self.slo, self.slo.indicator, fingerprint(self.slo))
        return slos.declare(self.session, [found], at)[self.slo.id]

    def count(self, span, total=20.0, bad=1.0):
        """Books a span; `total` and `bad` are events of a bucket, or tell them by its end."""
        totals = total if callable(total) else lambda _: total
        bads = bad if callable(bad) else lambda _: bad
        ends = range(span.start + BUCKET, span.end + 1, BUCKET)
        found = tuple(Increment(t, totals(t) - bads(t), totals(t), BUCKET) for t in ends)
        meter = self.declare(span.start)
        assert booking.book(self.session, [Booking(meter.id, span, found)])

    def standing(self, at=None, meter=None):
        """The standing now, or at a past instant; of a former meter where one is given."""
        counting = meter or slos.meter_of(self.session, self.slo.id)
        subject = Subject(self.slo, self.slo.indicator, counting, counting.booked_to + 20)
        past = None if at is None else {self.slo.id: at}
        return compute(self.session, [subject], past)[0][0]

    def facts(self, meter=None):
        running = slos.meter_of(self.session, self.slo.id)
        shown = meter or running
        away = tuple(e for e in exclusions.of(self.session) if e.covers(self.slo.id))
        late = tuple(corrections.of(self.session, [shown.id])[shown.id])
        known = tuple(slos.revisions(self.session, self.slo.id))
        return panels.Facts(
            self.standing(), shown, running, away, late, known, self.slo.alert_policy
        )

    def drawn(self, shown, meter=None):
        """What the budget's chart shows over a span, by time."""
        facts = self.facts(meter)
        plan, track = panels.track_over(self.session, facts, shown)
        return {p.at: p.value for p in budgets.budget_left(facts, plan, track)}


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    """A store for all that share it; each test has SLOs of its own."""
    engine = empty_store(tmp_path_factory.mktemp("budgets") / "slo.db")
    with writing(engine) as session:
        yield session
    engine.dispose()


@pytest.fixture
def books(session, request):
    """Makes an SLO with a window."""
    return lambda window: Books(session, window, name=request.node.name.replace("_", "-"))


def last_of(points):
    return points[max(points)]


@pytest.mark.parametrize("shown", [days(9, 10), days(9.75, 10), days(-20, 10), days(-30, 10)])
def test_a_young_ledger_spends_the_same_whatever_range_is_shown(session, shown):
    one = Books(session, MONTH, name=f"young-{shown.seconds}")
    one.count(days(0, 10))
    left = one.standing().budget.remaining
    assert left == pytest.approx(0.8333, abs=1e-4)
    assert last_of(one.drawn(shown)) == pytest.approx(left)


def test_a_past_month_has_its_own_budget_and_not_that_of_the_running_one(books):
    one = books(IN_MONTHS)
    one.count(days(0, 78), total=lambda t: 20.0 if t <= day(59) else 2000.0)
    points = one.drawn(days(31, 51))
    assert last_of(points) == pytest.approx(1 - 20 * 4 / (0.1 * 28 * 4 * 20))


def test_a_past_month_is_drawn_the_same_by_every_range_that_shows_it(books):
    one = books(IN_MONTHS)
    one.count(days(0, 78), total=lambda t: 20.0 if t <= day(14) else 2000.0)
    away = Exclusion(0, one.slo.id, days(20, 25), "maintenance", "ops", "upgrade")
    exclusions.add(one.session, away)
    within, whole, across = (one.drawn(s) for s in (days(0, 9), days(0, 31), days(0, 45)))
    assert within[day(9)] == pytest.approx(whole[day(9)])
    assert within[day(9)] == pytest.approx(across[day(9)])


def test_the_last_point_of_a_past_range_is_of_the_window_that_ended_there(books):
    one = books(WEEK)
    one.count(days(0, 78), total=lambda t: 20.0 if t <= day(75) else 2000.0)
    points = one.drawn(days(63, 73))
    assert list(points.values()) == pytest.approx([0.5] * len(points))


def test_a_former_meter_has_budgets_of_its_own_events(books):
    one = books(MONTH)
    one.count(days(0, 59))
    former = slos.meter_of(one.session, one.slo.id)
    other = Events(total=Selector("others_total"), good=Selector("others_good_total"))
    one.change(day(59), indicator=other)
    one.count(days(59, 78), total=2000.0)
    former = next(m for m in slos.meters_of(one.session, one.slo.id) if m.id == former.id)
    for shown in (one.standing().window, days(31, 59), days(50, 70)):
        assert last_of(one.drawn(shown, former)) == pytest.approx(0.5)


def test_a_month_is_judged_by_the_objective_at_its_end(books):
    one = books(IN_MONTHS)
    one.count(days(0, 20))
    one.change(day(20), objective=Decimal("0.8"))
    one.count(days(20, 50))
    points = one.drawn(days(5, 35))
    assert points[day(10)] == pytest.approx(1 - 10 * 4 / (0.2 * 31 * 4 * 20))


def test_lines_of_a_service_begin_where_their_ledgers_do(session):
    quarter = Books(session, RollingWindow(timedelta(days=90)), name="quarter")
    month = Books(session, MONTH, name="month")
    for one in (quarter, month):
        one.count(days(0, 59))
    standings = [quarter.standing(), month.standing()]
    chart = composite.render_budgets(session, standings, (), ())
    for standing in standings:
        told = f"{standing.budget.remaining * 100:.1f}\u202f%"
        assert f"{standing.name}: last {told}" in chart.summary


@dataclasses.dataclass(frozen=True)
class World:
    """A ledger of chance, a part of it with other traffic, and the range that is shown."""

    window: RollingWindow | CalendarWindow
    held: Span
    shown: Span
    seed: int
    away: tuple[Span, ...]
    late: tuple[tuple[int, float, float], ...]
    stricter: int | None
    """When the objective changed."""
    former: bool


@st.composite
def worlds(draw):
    buckets = st.integers(0, 4 * 80)
    begun = day(draw(st.integers(0, 40)) / 4)
    held = Span(begun, begun + BUCKET * draw(st.integers(8, 4 * 90)))

    def span(least, most):
        start = begun - 10 * DAY + BUCKET * draw(buckets)
        return Span(start, start + BUCKET * draw(st.integers(least, most)))

    wanted = span(2, 4 * 80)
    shown = Span(min(wanted.start, held.end - 2 * BUCKET), min(wanted.end, held.end))
    changed = draw(st.none() | buckets)
    places = st.integers(1, held.seconds // BUCKET)
    late = st.tuples(places, st.sampled_from((-5.0, 0.0, 4.0)), st.sampled_from((0.0, 6.0)))
    return World(
        window=draw(st.sampled_from((WEEK, MONTH, LONG, IN_WEEKS, IN_MONTHS))),
        held=held,
        shown=shown,
        seed=draw(st.integers(0, 99)),
        away=tuple(span(1, 40) for _ in range(draw(st.integers(0, 3)))),
        late=tuple(
            (begun + BUCKET * place, good, total)
            for place, good, total in draw(st.lists(late, max_size=2))
        ),
        stricter=None if changed is None else min(begun + BUCKET * changed, held.end - BUCKET),
        former=draw(st.booleans()),
    )


def build(session, world):
    """The SLO of a world, and its former meter if that is the one to look at."""
    one, chance = Books(session, world.window), random.Random(world.seed)
    bads = {t: chance.choice((0.0, 0.0, 1.0, 7.0)) for t in range(START, day(200), BUCKET)}
    busy = chance.uniform(day(0), day(100))
    one.declare(world.held.start)
    if world.stricter is not None:
        one.change(world.stricter, objective=Decimal("0.95"))
    one.count(world.held, lambda t: 20.0 if t < busy else 300.0, bads.__getitem__)
    for span in world.away:
        exclusions.add(session, Exclusion(0, "*", span, "maintenance", "ops", "upgrade"))
    for number, (end, good, total) in enumerate(world.late):
        who = ("ops", "late labels", str(number))
        corrections.add(session, Correction(one.slo.id, end, good, total, *who))
    if not world.former:
        return one, None
    former = slos.meter_of(session, one.slo.id)
    one.change(world.held.end, indicator=Events(Selector("other"), good=Selector("other_good")))
    one.count(Span(world.held.end, world.held.end + 10 * DAY), 900.0, 2.0)
    return one, former


def told(one, former, at, now, *, past):
    """What standings say of the budget at an instant: of the window then, or of that `now`."""
    window = one.slo.window
    if not past:
        spent = Span(now.window.start, at)
        (verdict,) = judge(one.session, [one.slo.id], [spent], now.at)[one.slo.id]
        return 1 - verdict.bad / now.budget.allowed
    last = former.booked_to if former else now.at
    end = min(window.period_at(at).end, last)
    closing = now if end == last and former is None else one.standing(end, former)
    if closing.budget.allowed <= 0:
        return None
    return 1 - one.standing(at, former).bad / closing.budget.allowed


@settings(max_examples=20, deadline=None)
@given(world=worlds())
def test_every_point_is_what_the_standing_of_its_instant_says(session, world):
    with session.begin_nested() as attempt:
        one, former = build(session, world)
        now = one.standing()
        past = former is not None or world.shown.start < now.window.start
        points = one.drawn(world.shown, former)
        inside = [at for at in points if at > world.held.start]
        some = random.Random(world.seed).sample(inside, min(4, len(inside)))
        chosen = {*inside[:1], *some, *inside[-1:]}
        expected = {at: told(one, former, at, now, past=past) for at in chosen}
        assert {at: points[at] for at in expected} == pytest.approx(expected)
        attempt.rollback()
