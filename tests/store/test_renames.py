"""Renames: what held for an SLO holds under its new name, and no past number changes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from slo.domain.ledger import Exclusion
from slo.domain.silence import Silence
from slo.domain.span import Span
from slo.judging import judge
from slo.store import booking, exclusion_schedules, exclusions, silences, slos
from slo.store.engine import reading, writing
from slo.store.exclusion_schedules import Schedule

HOUR, DAY = 3600, 86_400


def renamed(engine, make, new, was="a/one", at=None):
    with writing(engine) as session:
        slos.declare(session, [make.declared(new, was=was)], at or make.T0 + 3 * DAY)


def exclude(session, scope, span):
    return exclusions.add(session, Exclusion(0, scope, span, "drill", "mia", "why", span.start))


def excluded(engine, slo):
    """The spans that are excluded of an SLO, with the schedule that each comes from."""
    with reading(engine) as session:
        return [
            (kept.exclusion.span, kept.schedule)
            for kept in exclusions.listed(session)
            if kept.exclusion.covers(slo)
        ]


def muted(engine, slo, now):
    with reading(engine) as session:
        return any(s.mutes(slo, {"team": "x"}, now) for s in silences.active(session, now))


def scheduled(session, scope, begun):
    """A daily schedule with one occurrence that has been and one to come."""
    row = Schedule(
        0, scope, "FREQ=DAILY", "2023-11-14T22:00", "UTC", HOUR, "drill", "mia", "why", begun, begun
    )
    kept = exclusion_schedules.add(session, row)
    spans = [Span(begun + n * DAY, begun + n * DAY + HOUR) for n in (0, 5)]
    exclusion_schedules.expand(session, kept, spans, begun + 6 * DAY, begun)
    return kept.id, spans


@pytest.fixture
def ledger(engine, make):
    """Three days of `a/one`, the second of them all bad and excluded with its service."""
    meter = make.meter(engine, "a/one")
    hours = [(0, 100) if 24 <= n < 48 else (100, 100) for n in range(72)]
    away = Span(make.T0 + DAY, make.T0 + 2 * DAY)
    with writing(engine) as session:
        booking.book(session, [make.booking(meter, make.T0, hours, bucket=HOUR)])
        kept = exclude(session, "a/*", away)
        taken_back = exclude(session, "a/*", Span(make.T0, make.T0 + HOUR))
        exclusions.remove(session, taken_back.id, make.T0, "mia", "a mistake")
    return kept


@pytest.mark.parametrize("new", ["b/one", "a/uno"])
def test_a_rename_changes_no_verdict(engine, make, ledger, new):
    period, now = Span(make.T0, make.T0 + 3 * DAY), make.T0 + 9 * DAY
    with reading(engine) as session:
        before = judge(session, ["a/one"], [period], now)["a/one"]
    renamed(engine, make, new)
    with reading(engine) as session:
        after = judge(session, [new], [period], now)[new]
    assert before[0].met
    assert after == [replace(before[0], slo=new)]
    assert excluded(engine, new) == [(ledger.span, None)]


def test_the_others_of_the_service_keep_its_exclusions(engine, make, ledger):
    make.meter(engine, "a/two")
    renamed(engine, make, "b/one")
    assert excluded(engine, "a/two") == [(ledger.span, None)]
    assert excluded(engine, "b/two") == []


def test_from_service_to_service_exclusions_follow_once(engine, make, ledger):
    renamed(engine, make, "b/one")
    renamed(engine, make, "c/one", was="b/one", at=make.T0 + 4 * DAY)
    renamed(engine, make, "c/one", was="b/one", at=make.T0 + 5 * DAY)
    assert excluded(engine, "c/one") == [(ledger.span, None)]


@pytest.mark.parametrize("new", ["b/one", "a/uno"])
def test_a_schedule_of_the_slo_follows_it(engine, make, ledger, new):
    with writing(engine) as session:
        number, spans = scheduled(session, "a/one", make.T0 + 2 * DAY + HOUR)
    renamed(engine, make, new)
    with reading(engine) as session:
        assert [s.scope for s in exclusion_schedules.of(session)] == [new]
    assert excluded(engine, new) == [(ledger.span, None), *((span, number) for span in spans)]


def test_a_schedule_of_the_service_goes_on_for_the_slo_that_left_it(engine, make, ledger):
    with writing(engine) as session:
        number, spans = scheduled(session, "a/*", make.T0 + 2 * DAY + HOUR)
    renamed(engine, make, "b/one")
    with reading(engine) as session:
        old, own = exclusion_schedules.of(session)
    assert own == replace(old, id=own.id, scope="b/one")
    once = (ledger.span, None)
    assert excluded(engine, "a/two") == [once, *((span, number) for span in spans)]
    assert excluded(engine, "b/one") == [once, *((span, own.id) for span in spans)]


def test_a_removed_schedule_keeps_what_it_excluded(engine, make, ledger):
    with writing(engine) as session:
        number, spans = scheduled(session, "a/*", make.T0 + 2 * DAY + HOUR)
        at = make.T0 + 3 * DAY
        exclusion_schedules.remove(session, number, at, "mia", "over", past=False)
    renamed(engine, make, "b/one")
    with reading(engine) as session:
        assert exclusion_schedules.of(session) == []
    assert [span for span, _ in excluded(engine, "b/one")] == [ledger.span, spans[0]]


@pytest.mark.parametrize("new", ["b/one", "a/uno"])
@pytest.mark.parametrize("scope", ["a/one", "a/*", "*"])
def test_a_silence_goes_on_after_a_rename(engine, make, scope, new):
    make.meter(engine, "a/one")
    now = make.T0 + 3 * DAY
    with writing(engine) as session:
        running = Silence(0, scope, now - HOUR, now + HOUR, "mia", "why", (("team", "x"),), now)
        silences.add(session, running)
    renamed(engine, make, new)
    assert muted(engine, new, now + 60)
    assert not muted(engine, new, now + HOUR)


def test_a_silence_of_the_service_that_is_over_is_not_kept_for_the_slo_that_left_it(engine, make):
    make.meter(engine, "a/one")
    now = make.T0 + 3 * DAY
    with writing(engine) as session:
        silences.add(session, Silence(0, "a/*", now - DAY, now - HOUR, "mia", "why"))
        ended = silences.add(session, Silence(0, "a/*", now - DAY, now + HOUR, "mia", "why"))
        silences.end(session, ended.id, now - 60, "mia", "done")
    renamed(engine, make, "b/one")
    with reading(engine) as session:
        assert [s.scope for s in silences.latest(session)] == ["a/*", "a/*"]
