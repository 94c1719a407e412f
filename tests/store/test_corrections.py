from __future__ import annotations

import pytest

from slo.domain.ledger import Correction, Exclusion
from slo.domain.span import Span
from slo.store import audit, corrections, exclusions, slos
from slo.store.engine import StoreError, reading, writing

LATE = Correction("svc/one", 120, -3.0, 0.0, "ana", "labels came late", "labels-1", 500)
DRILL = Exclusion(0, "svc/*", Span(60, 180), "maintenance", "ana", "failover drill", 500)


def test_a_correction_is_booked_once_per_key(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        assert corrections.add(session, LATE)
        assert not corrections.add(session, LATE)
    with reading(engine) as session:
        assert corrections.of(session, [meter, 99]) == {meter: [LATE], 99: []}
        entries = [e for e in audit.of(session, "svc/one") if e.who != audit.CONFIG]
    assert [(e.at, e.who, e.action, e.new["good"]) for e in entries] == [
        (500, "ana", "correct", -3.0)
    ]


def test_corrections_come_in_order_of_their_buckets(engine, make):
    meter = make.meter(engine)
    later = Correction("svc/one", 60, 1.0, 1.0, "ana", "more", "labels-2", 900)
    with writing(engine) as session:
        corrections.add(session, LATE)
        corrections.add(session, later)
        assert corrections.of(session, [meter]) == {meter: [later, LATE]}


def test_a_correction_is_of_the_meter_that_ran_when_it_was_booked(engine, make):
    first = make.meter(engine)
    own = Correction("svc/one", 120, 1.0, 0.0, "ana", "counted anew", "labels-3", 900)
    with writing(engine) as session:
        corrections.add(session, LATE)
        changed = make.declared("svc/one", bad='code=~"4.."')
        second = slos.declare(session, [changed], 600)["svc/one"]
        assert corrections.of(session, [second.id]) == {second.id: []}
        corrections.add(session, own)
        both = corrections.of(session, [first, second.id])
        assert both == {first: [LATE], second.id: [own]}
        assert corrections.of_slo(session, "svc/one") == [LATE, own]
        assert corrections.of_slo(session, "svc/none") == []


def test_a_correction_of_an_unknown_slo_is_refused(engine):
    with pytest.raises(StoreError, match="no SLO 'svc/one'"), writing(engine) as session:
        corrections.add(session, LATE)


def test_an_exclusion_counts_until_it_is_removed(engine):
    with writing(engine) as session:
        first = exclusions.add(session, DRILL)
        second = exclusions.add(session, Exclusion(0, "*", Span(0, 60), "other", "bo", "x", 501))
    assert first.id != second.id
    with reading(engine) as session:
        assert exclusions.of(session) == [second, first]
    with writing(engine) as session:
        assert exclusions.remove(session, first.id, 600, "bo", "was no drill")
        assert not exclusions.remove(session, first.id, 700, "bo", "again")
        assert not exclusions.remove(session, 999, 700, "bo", "none")
    with reading(engine) as session:
        assert exclusions.of(session) == [second]
        entries = audit.of(session, "svc/*")
    assert [(e.at, e.who, e.action, e.detail.get("why")) for e in entries] == [
        (600, "bo", "include", "was no drill"),
        (500, "ana", "exclude", "failover drill"),
    ]


def test_an_exclusion_without_time_is_refused(engine):
    empty = Exclusion(0, "*", Span(60, 60), "other", "ana", "x")
    with pytest.raises(ValueError, match="must end after"), writing(engine) as session:
        exclusions.add(session, empty)


def test_the_audit_gives_the_newest_entries_first(engine):
    with writing(engine) as session:
        for n in range(5):
            audit.add(session, n, "ana", "do", f"svc/{n % 2}", {"n": n, "ä": None})
    with reading(engine) as session:
        assert [e.at for e in audit.of(session, limit=3)] == [4, 3, 2]
        assert [e.detail for e in audit.of(session, "svc/1")] == [
            {"n": 3, "ä": None},
            {"n": 1, "ä": None},
        ]
