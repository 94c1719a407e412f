"""The days of services, as they are kept in memory and judged anew."""

from __future__ import annotations

import pytest

from slo.domain.booking import Booking
from slo.domain.ledger import Correction, Increment
from slo.domain.span import Span
from slo.store import booking, corrections
from slo.store.engine import reading, writing
from slo.web.pages.status.days import DAYS, Days, DayVerdict, ServiceDay, service_days, sli_over
from tests.web.status_world import MIDNIGHT, book_days
from tests.web.world import DAY, NOW, make_standing, put_standings

GOOD = DayVerdict(99, 100, met=True)
BAD = DayVerdict(1, 100, met=False)
NOTHING = DayVerdict(0, 0, met=None)


def day_of(**verdicts):
    (found,) = service_days((name, [(0, verdict)]) for name, verdict in verdicts.items())
    return found


@pytest.mark.parametrize(
    ("verdicts", "state", "missed"),
    [
        ({"a": GOOD, "b": GOOD}, "met", ()),
        ({"a": GOOD, "b": NOTHING}, "met", ()),
        ({"a": GOOD, "b": BAD}, "partly", ("b",)),
        ({"a": BAD, "b": BAD}, "missed", ("a", "b")),
        ({"a": BAD, "b": NOTHING}, "missed", ("a",)),
        ({"a": NOTHING, "b": NOTHING}, "none", ()),
    ],
)
def test_a_day_is_as_the_slos_that_had_events(verdicts, state, missed):
    assert day_of(**verdicts) == ServiceDay(0, state, missed)


def test_an_sli_over_days_weighs_events_not_days():
    assert sli_over([(0, GOOD), (1, DayVerdict(0, 900, met=False))]) == 0.099
    assert sli_over([(0, NOTHING)]) is None
    assert sli_over([]) is None


@pytest.fixture
def meter(engine):
    """An SLO with ten whole days and today."""
    meters = put_standings(engine, [make_standing("shop/a")])
    book_days(engine, meters, {"shop/a": {4: 9000.0}}, days=10)
    return meters["shop/a"]


def states(engine, days, now=NOW):
    with reading(engine) as session:
        days.refresh(session, ["shop/a"], now)
    return [verdict.met for _, verdict in days.of("shop/a")]


@pytest.mark.usefixtures("meter")
def test_the_days_are_ninety_to_today(engine):
    days = Days()
    assert states(engine, days) == [None] * 79 + [True] * 6 + [False] + [True] * 4
    assert [day for day, _ in days.of("shop/a")][-1] == MIDNIGHT
    assert len(days.of("shop/a")) == len(days.of("no/such")) == DAYS


@pytest.mark.usefixtures("meter")
def test_a_correction_of_a_past_day_shows_within_an_hour_of_refreshes(engine):
    days = Days()
    assert states(engine, days)[-5] is False
    late = Correction("shop/a", MIDNIGHT - 4 * DAY + 600, 9000.0, 0.0, "mia", "late", "k", int(NOW))
    with writing(engine) as session:
        corrections.add(session, late)
    found = [states(engine, days)[-5] for _ in range(60)]
    assert found[-1] is True


def test_what_a_backfill_adds_shows_with_the_next_refresh(engine, meter):
    days = Days()
    assert states(engine, days)[-12] is None
    start = MIDNIGHT - 12 * DAY
    older = tuple(Increment(start + n * DAY, 100.0, 100.0, float(DAY)) for n in (1, 2))
    with writing(engine) as session:
        assert booking.book_back(
            session, Booking(meter.id, Span(start, start + 2 * DAY), older), DAY
        )
    assert states(engine, days)[-13:-10] == [True, True, True]


@pytest.mark.usefixtures("meter")
def test_at_midnight_the_days_move_on_by_one(engine):
    days = Days()
    before = states(engine, days)
    assert states(engine, days, NOW + DAY) == [*before[1:], None]


@pytest.mark.usefixtures("meter")
def test_slos_that_come_later_have_their_days_too(engine):
    days = Days()
    with reading(engine) as session:
        days.refresh(session, [], NOW)
        days.refresh(session, ["shop/a"], NOW)
    assert [v.met for _, v in days.of("shop/a")][-2:] == [True, True]
