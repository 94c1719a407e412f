from __future__ import annotations

from sqlalchemy import func, select

from slo.store import cycles, schema
from slo.store.cycles import Cycle
from slo.store.engine import reading, writing

DONE = {"slos": 3, "booked": 2, "samples": 36, "requests": 4, "errors": 1}


def test_the_last_cycle_is_the_newest_that_finished(engine):
    with writing(engine) as session:
        assert cycles.last(session) is None
        first = cycles.start(session, 100)
        cycles.finish(session, first, 101, **DONE)
        cycles.start(session, 160)
    with reading(engine) as session:
        assert cycles.last(session) == Cycle(first, 100, 101, **DONE)


def test_only_the_newest_cycles_are_kept(engine, monkeypatch):
    monkeypatch.setattr(cycles, "KEPT", 5)
    with writing(engine) as session:
        numbers = [cycles.start(session, at) for at in range(12)]
        kept = session.execute(select(func.min(schema.cycle.c.id), func.count())).one()
    assert tuple(kept) == (numbers[-5], 5)
