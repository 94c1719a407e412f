"""Facts, verifications, progress and the store's extent: what the page System reads."""

from __future__ import annotations

from sqlalchemy import text, update

from slo.store import booking, cycles, extent, facts, outbox, schema, slos, verifications
from slo.store.engine import reading, writing
from slo.store.progress import Progress, by_source
from slo.store.verifications import Verified


def test_a_fact_replaces_the_former_one_and_no_other(engine):
    with writing(engine) as session:
        name = outbox.installation_id(session)
        assert facts.of(session, "backup") is None
        facts.put(session, "backup", {"at": 1})
        facts.put(session, "backup", {"at": 2})
        facts.put(session, "upkeep", {"at": 3})
        assert facts.of(session, "backup") == {"at": 2}
        assert outbox.installation_id(session) == name


def test_verifications_are_listed_newest_first_and_forgotten_by_age(engine, make):
    make.meter(engine)
    found = [
        Verified(100, "svc/one", 0, agrees=True, text=""),
        Verified(200, "svc/one", 0, agrees=False, text="+1 good, +1 total"),
        Verified(300, "svc/one", 0, agrees=None, text="no answer"),
    ]
    with writing(engine) as session:
        for one in found:
            verifications.add(session, one)
        verifications.add(session, Verified(400, "svc/unknown", 0, agrees=True, text=""))
        assert verifications.newest(session, 10) == found[::-1]
        assert verifications.newest(session, 10, differing=True) == [found[1]]
        verifications.forget(session, 200)
        assert verifications.newest(session, 10) == found[:0:-1]


def test_progress_tells_how_far_the_ledgers_of_a_source_reach(engine, make):
    with writing(engine) as session:
        declared = [make.declared(f"svc/{n}") for n in ("one", "two", "three", "gone")]
        meters = slos.declare(session, declared, make.T0)
        slos.pause_absent(session, ["svc/one", "svc/two", "svc/three"], make.T0)
        start = make.T0
        booking.book(session, [make.booking(meters["svc/one"].id, start, [(1, 1)] * 5)])
        booking.book(session, [make.booking(meters["svc/two"].id, start, [(1, 1)] * 3)])
        booking.set_backfill(session, meters["svc/two"].id, start - 600, start - 600)
        found = by_source(session)
    assert found == {
        "default": Progress("default", 3, 1, start + 180, start + 300, 1, 600, start - 600)
    }


def test_a_cycle_keeps_how_far_the_last_ledger_was_behind(engine, make):
    meter = make.meter(engine)
    done = {"slos": 1, "booked": 1, "samples": 3, "requests": 1, "errors": 0}
    with writing(engine) as session:
        cycles.finish(session, cycles.start(session, make.T0), make.T0, **done)
        booking.book(session, [make.booking(meter, make.T0, [(1, 1)])])
        number = cycles.start(session, make.T0 + 75)
        cycles.finish(session, number, make.T0 + 75, seconds=0.25, **done)
        late, first = cycles.newest(session, 20)
        assert cycles.samples_since(session, make.T0) == 6
        assert cycles.samples_since(session, make.T0 + 1) == 3
    assert (late.seconds, late.lag) == (0.25, 15.0)
    assert (first.seconds, first.lag) == (None, None)


def test_the_extent_counts_little_tables_and_only_so_much_of_big_ones(engine, make, monkeypatch):
    monkeypatch.setattr(extent, "MOST_COUNTED", 10)
    meter = make.meter(engine)
    with writing(engine) as session:
        booking.book(session, [make.booking(meter, make.T0, [(1, 1)] * 5)])
    with reading(engine) as session:
        found = extent.extent_of(session)
    rows = {r.table: (r.count, r.amount) for r in found.rows}
    assert found.kind == engine.dialect.name
    assert found.size > 50_000
    assert rows["reading"] == (6, "exact")
    with writing(engine) as session:
        booking.book(session, [make.booking(meter, make.T0 + 300, [(1, 1)] * 20)])
    if found.kind == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("ANALYZE reading"))
    with reading(engine) as session:
        rows = {r.table: (r.count, r.amount) for r in extent.extent_of(session).rows}
    assert rows["reading"] == ((26, "about") if found.kind == "postgresql" else (10, "more"))


def test_a_paused_slo_holds_no_cycle_s_lag_up(engine, make):
    meter = make.meter(engine)
    done = {"slos": 1, "booked": 1, "samples": 3, "requests": 1, "errors": 0}
    with writing(engine) as session:
        booking.book(session, [make.booking(meter, make.T0, [(1, 1)])])
        session.execute(update(schema.slo).values(paused_at=1))
        cycles.finish(session, cycles.start(session, make.T0), make.T0 + 100, **done)
        assert cycles.last(session).lag is None
