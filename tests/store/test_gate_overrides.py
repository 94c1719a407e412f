from __future__ import annotations

import pytest

from slo.domain.gate import GateOverride
from slo.store import audit, gate_overrides
from slo.store.engine import reading, writing

NOW = 1_795_204_800


def make(scope="a_b/*", until=NOW + 3600, at=NOW):
    return GateOverride(0, scope, until, "mia", "the fix goes out", at)


def holding(engine, now, service=None):
    with reading(engine) as session:
        return [one.id for one in gate_overrides.holding(session, now, service)]


def test_an_override_holds_from_its_start_until_just_before_its_end(engine):
    with writing(engine) as session:
        kept = gate_overrides.add(session, make())
    for now in (NOW - 1, NOW, NOW + 3599.9, NOW + 3600):
        inside = NOW <= now < NOW + 3600
        assert holding(engine, now) == ([kept.id] if inside else [])
        assert kept.holds("a_b/one", now) is inside


def test_those_of_one_service_are_found_and_no_other(engine):
    with writing(engine) as session:
        ids = [
            gate_overrides.add(session, make(scope)).id
            for scope in ("a_b/*", "a_b/one", "axb/*", "a_bc/*")
        ]
    assert holding(engine, NOW, "a_b") == ids[:2]
    assert holding(engine, NOW) == ids


def test_one_ended_early_holds_no_more_and_cannot_be_ended_again(engine):
    with writing(engine) as session:
        kept = gate_overrides.add(session, make())
        ended = gate_overrides.end(session, kept.id, NOW + 60, "joe", "done")
        assert gate_overrides.end(session, kept.id, NOW + 61, "joe", "again") is None
        assert gate_overrides.end(session, 99, NOW, "joe", "what") is None
        assert gate_overrides.latest(session) == [ended]
    assert ended.ended_at == NOW + 60
    assert holding(engine, NOW + 59) == [kept.id]
    assert holding(engine, NOW + 60) == []


def test_one_that_is_over_cannot_be_ended(engine):
    with writing(engine) as session:
        kept = gate_overrides.add(session, make())
        assert gate_overrides.end(session, kept.id, NOW + 3600, "joe", "late") is None


def test_holding_open_and_releasing_are_audited(engine):
    with writing(engine) as session:
        kept = gate_overrides.add(session, make())
        gate_overrides.end(session, kept.id, NOW + 60, "joe", "done")
        released, opened = audit.of(session, "a_b/*")
    assert (opened.who, opened.action) == ("mia", "open-gate")
    assert opened.detail == {"id": kept.id, "until": NOW + 3600, "why": "the fix goes out"}
    assert (released.who, released.action) == ("joe", "release-gate")
    assert released.detail == {"id": kept.id, "why": "done"}
    assert (opened.old, opened.new) == (None, {"until": NOW + 3600})
    assert (released.old, released.new) == ({"until": NOW + 3600}, {"until": NOW + 60})


def test_one_without_time_is_refused(engine):
    with writing(engine) as session, pytest.raises(ValueError, match="end after it begins"):
        gate_overrides.add(session, make(until=NOW))
