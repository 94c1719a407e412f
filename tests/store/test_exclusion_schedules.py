"""Recurring exclusions in the store, and their occurrences."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from slo.config import parse
from slo.domain.ledger import Exclusion
from slo.domain.refusal import RefusedError
from slo.domain.span import Span
from slo.excluding.wanted import (
    HORIZON,
    Wanted,
    add,
    extend,
    recurrence_of,
    removal,
    remove,
    wanted,
)
from slo.recurrence import occurrences, parse_recurrence
from slo.store import audit, exclusion_schedules, exclusions
from slo.store.dialect import Lock, lock
from slo.store.engine import reading, writing

NOW = int(datetime.fromisoformat("2026-11-20T20:00:00Z").timestamp())
DAY = 86_400
YAML = """services:
  svc:
    slos:
      one: {objective: 99%, slices: {query: up, at_least: 1}}
"""
SETTINGS = parse(YAML, "slo.yaml", {})
RULE = parse_recurrence(
    "FREQ=WEEKLY;BYDAY=SU", "2026-11-01T02:00", "Europe/Berlin", timedelta(hours=2)
)


def ask(session, when=RULE, now=NOW, **fields):
    given = {"scope": "svc", "category": "maintenance", "who": "mia", "why": "weekly", **fields}
    return wanted(session, SETTINGS, when, now=now, **given)


@pytest.fixture
def schedule(engine):
    """A weekly schedule from three weeks ago on."""
    with writing(engine) as session:
        return add(session, ask(session), NOW)


def spans(engine):
    with reading(engine) as session:
        return [e.span for e in exclusions.of(session)]


def test_a_schedule_is_written_with_its_occurrences_up_to_400_days_ahead(engine, schedule):
    found = spans(engine)
    assert found == occurrences(RULE, 0, NOW + HORIZON)
    assert found[0].start < NOW < found[-1].start < NOW + HORIZON
    assert NOW + HORIZON - found[-1].start < 8 * DAY
    with reading(engine) as session:
        kept = exclusions.listed(session)
        assert {k.schedule for k in kept} == {schedule.id}
        assert {k.exclusion.scope for k in kept} == {"svc/*"}
        assert exclusion_schedules.of(session) == [schedule]
        assert recurrence_of(schedule) == RULE
        (entry,) = audit.of(session)
    assert (entry.action, entry.subject) == ("exclude-recurring", "svc/*")
    assert entry.detail["rrule"] == "FREQ=WEEKLY;BYDAY=SU"


def test_schedules_wait_for_no_work_on_incidents(engine):
    if engine.dialect.name == "sqlite":
        return  # Its writers are alone anyway.
    with writing(engine) as session, writing(engine) as other:
        lock(session, Lock.INCIDENTS)
        other.execute(text("SET lock_timeout = '2s'"))
        add(other, ask(other), NOW)


def test_every_lock_has_a_number_of_its_own():
    assert len({lock.value for lock in Lock.__members__.values()}) == len(Lock.__members__)


def test_extending_every_day_gives_what_a_later_start_would(engine, schedule):
    assert schedule.expanded_to == NOW + HORIZON
    later = NOW
    while later < NOW + 30 * DAY:
        later += 3600 * 7
        with writing(engine) as session:
            extend(session, later)
            # Again at once: nothing is left to do.
            assert extend(session, later) == 0
    found = spans(engine)
    assert len(found) == len(set(found))
    assert found == occurrences(RULE, 0, exclusion_to(engine, schedule))
    assert exclusion_to(engine, schedule) >= later + HORIZON - DAY


def exclusion_to(engine, schedule):
    with reading(engine) as session:
        return exclusion_schedules.by_id(session, schedule.id).expanded_to


@pytest.mark.usefixtures("schedule")
def test_several_processes_at_once_extend_once(engine):
    barrier, made, faults = threading.Barrier(4), [], []

    def run():
        try:
            barrier.wait(10)
            with writing(engine) as session:
                made.append(extend(session, NOW + 100 * DAY))
        except Exception as error:  # noqa: BLE001 -- told by the test.
            faults.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert sorted(made)[:3] == [0, 0, 0]
    assert sum(made) in {14, 15}
    assert spans(engine) == occurrences(RULE, 0, NOW + 100 * DAY + HORIZON)


def test_a_removed_schedule_takes_what_is_to_come_along_and_with_past_all(engine, schedule):
    before = spans(engine)
    with writing(engine) as session:
        gone = removal(session, f"schedule/{schedule.id}", NOW)
        remove(session, gone, who="joe", why="over", now=NOW)
    left = spans(engine)
    assert left == [s for s in before if s.start < NOW]
    assert len(left) == 3
    with writing(engine) as session:
        assert extend(session, NOW + 100 * DAY) == 0
        entry = audit.of(session)[0]
        assert (entry.action, entry.who) == ("include-recurring", "joe")
        assert entry.detail["occurrences"] == len(before) - 3
        with pytest.raises(RefusedError, match="no exclusion schedule"):
            removal(session, f"schedule/{schedule.id}", NOW)
        gone = removal(session, f"schedule/{schedule.id}", NOW, past=True)
        remove(session, gone, who="joe", why="never used", now=NOW)
        with pytest.raises(RefusedError, match="no exclusion schedule"):
            removal(session, f"schedule/{schedule.id}", NOW, past=True)
    assert spans(engine) == []


def test_an_occurrence_that_has_begun_stays_and_goes_by_its_own_id(engine, schedule):
    running = occurrences(RULE, 0, NOW)[-1]
    with writing(engine) as session:
        gone = removal(session, f"schedule/{schedule.id}", running.start + 60)
        assert running not in [e.span for e in gone.exclusions]
        one = next(e for e in exclusions.of(session) if e.span == running)
        remove(session, removal(session, str(one.id), NOW), who="joe", why="one", now=NOW)
        assert extend(session, NOW) == 0
    assert running not in spans(engine)
    with writing(engine) as session, pytest.raises(RefusedError, match=f"no exclusion {one.id}"):
        removal(session, str(one.id), NOW)


@pytest.mark.parametrize(
    "word", ["", "x", "schedule/", "schedule/x", "shop/3", "-1", "9" * 30, "1/2/3"]
)
def test_a_word_that_is_no_id_is_refused(engine, word):
    with reading(engine) as session, pytest.raises(RefusedError, match="is no id"):
        removal(session, word, NOW)


def test_a_schedule_far_ahead_is_expanded_when_its_time_comes_near(engine):
    rule = parse_recurrence("FREQ=DAILY;COUNT=3", "2028-02-01T02:00", "UTC", timedelta(hours=1))
    with writing(engine) as session:
        add(session, ask(session, rule), NOW)
    assert spans(engine) == []
    with writing(engine) as session:
        assert extend(session, NOW + 60 * DAY) == 3


@pytest.mark.parametrize(
    ("when", "fields", "told"),
    [
        (Span(NOW, NOW), {}, "later than from"),
        (Span(NOW, NOW + HORIZON + 1), {}, "over 400d after from"),
        (Span(NOW + HORIZON, NOW + HORIZON + 1), {}, "at or before"),
        (RULE, {"category": "holiday"}, "one of maintenance, load-test"),
        (RULE, {"scope": "svcc"}, "did you mean svc"),
        (RULE, {"scope": "one"}, "did you mean svc/one"),
        (RULE, {"why": " "}, "is empty"),
        (RULE, {"who": "x" * 251}, "251 characters; 250 fit"),
        (RULE, {"why": "a\0b"}, "no character"),
        (RULE, {"why": "\ud800"}, "no character"),
    ],
)
def test_what_cannot_be_excluded_is_refused(engine, when, fields, told):
    with reading(engine) as session, pytest.raises(RefusedError, match=told):
        ask(session, when, **fields)


def test_an_old_rule_with_too_many_occurrences_is_refused(engine):
    rule = parse_recurrence("FREQ=DAILY", "2015-01-01T02:00", "UTC", timedelta(hours=1))
    with reading(engine) as session, pytest.raises(RefusedError, match="start later"):
        ask(session, rule)


def test_a_one_off_is_one_row_of_the_past_or_the_future(engine):
    span = Span(NOW - 100 * DAY, NOW - 99 * DAY)
    with writing(engine) as session:
        asked = ask(session, span, scope="*", category="false-positive")
        assert isinstance(asked, Wanted)
        kept = add(session, asked, NOW)
        assert kept == Exclusion(kept.id, "*", span, "false-positive", "mia", "weekly", NOW)
        assert exclusions.of(session) == [kept]
        assert exclusions.by_id(session, kept.id).exclusion == kept
