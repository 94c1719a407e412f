from __future__ import annotations

import pytest

from slo.domain.silence import Silence
from slo.store import audit, silences
from slo.store.engine import reading, writing

NOW = 1_795_204_800


def make(scope="svc/*", start=NOW, end=NOW + 3600, **fields):
    return Silence(0, scope, start, end, "mia", "a migration", at=NOW, **fields)


def active(engine, now):
    with reading(engine) as session:
        return [s.id for s in silences.active(session, now)]


def test_a_silence_comes_back_as_it_was_added(engine):
    labels = (("team", "ml"), ("tier", "1"))
    with writing(engine) as session:
        added = silences.add(session, make(labels=labels))
    with reading(engine) as session:
        assert silences.by_id(session, added.id) == added
        assert silences.active(session, NOW) == [added]
        assert silences.by_id(session, added.id + 1) is None


def test_a_silence_is_active_from_its_start_until_just_before_its_end(engine):
    with writing(engine) as session:
        kept = silences.add(session, make())
    for now in (NOW - 1, NOW - 0.001, NOW, NOW + 3599.999, NOW + 3600):
        muted = NOW <= now < NOW + 3600
        assert active(engine, now) == ([kept.id] if muted else [])
        assert kept.mutes("svc/one", {}, now) is muted


def test_one_ended_early_is_over_at_that_instant(engine):
    with writing(engine) as session:
        kept = silences.add(session, make())
        ended = silences.end(session, kept.id, NOW + 60, "joe", "done")
    assert ended.ended_at == NOW + 60
    assert ended.mutes("svc/one", {}, NOW + 59.9)
    assert not ended.mutes("svc/one", {}, NOW + 60)
    assert active(engine, NOW + 59.9) == [kept.id]
    assert active(engine, NOW + 60) == []


def test_what_is_over_cannot_be_ended_again(engine):
    with writing(engine) as session:
        kept = silences.add(session, make())
        assert silences.end(session, kept.id, NOW + 3600, "joe", "late") is None
        assert silences.end(session, kept.id, NOW + 60, "joe", "done") is not None
        assert silences.end(session, kept.id, NOW + 61, "joe", "again") is None
        assert silences.end(session, 99, NOW, "joe", "what") is None


def test_adding_and_ending_are_audited(engine):
    with writing(engine) as session:
        kept = silences.add(session, make(labels=(("team", "ml"),)))
        silences.end(session, kept.id, NOW + 60, "joe", "done")
        ended, added = audit.of(session, "svc/*")
    assert (added.who, added.action, added.at) == ("mia", "silence", NOW)
    assert added.detail["labels"] == {"team": "ml"}
    assert added.detail["end"] == NOW + 3600
    assert (ended.who, ended.action, ended.at) == ("joe", "unsilence", NOW + 60)
    assert ended.detail == {"id": kept.id, "why": "done"}


def test_those_to_come_are_listed_and_those_over_only_among_the_latest(engine):
    with writing(engine) as session:
        over = silences.add(session, make(start=NOW - 7200, end=NOW))
        later = silences.add(session, make(start=NOW + 60))
        running = silences.add(session, make())
        dropped = silences.add(session, make(start=NOW + 600))
        silences.end(session, dropped.id, NOW + 1, "joe", "not needed")
    with reading(engine) as session:
        assert [s.id for s in silences.of(session, NOW)] == [running.id, later.id, dropped.id]
        assert [s.id for s in silences.of(session, NOW + 1)] == [running.id, later.id]
        ids = [s.id for s in silences.latest(session)]
        assert ids == [dropped.id, running.id, later.id, over.id]
        assert [s.id for s in silences.latest(session, 2)] == ids[:2]


def test_one_without_time_is_refused(engine):
    with writing(engine) as session, pytest.raises(ValueError, match="end after it starts"):
        silences.add(session, make(end=NOW))
