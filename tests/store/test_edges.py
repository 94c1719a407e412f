from __future__ import annotations

import json
import math

from sqlalchemy import update

from slo.store import booking, edges, schema
from slo.store.engine import reading, writing


def test_edges_read_back_exactly(engine, make):
    meter = make.meter(engine)
    kept = [
        make.edge('{"a":"é\\u0000\\"\'%s:x"}', start=1_600_000_000_001, intervals=(15000, 1, 2)),
        make.edge('{"a":"2"}', seen=0.1 + 0.2, held=math.inf, rises=(1e-300, 2**53 + 0.0)),
        make.edge('{"a":"2"}', read=1, gone=True, rises=(math.inf, 0.1)),
        make.edge(json.dumps({"a": "x" * 20_000})),
    ]
    with writing(engine) as session:
        whole = make.booking(meter, make.T0, [(1, 1)], edges=tuple(kept))
        booking.book(session, [whole])
    with reading(engine) as session:
        found = edges.edges_of(session, [meter, 999])
    assert sorted(found[meter], key=repr) == sorted(kept, key=repr)
    assert found[999] == []


def test_a_moved_edge_replaces_the_former_and_others_stay(engine, make):
    meter = make.meter(engine)
    one, two = make.edge('{"a":"1"}'), make.edge('{"a":"2"}')
    moved = make.edge('{"a":"1"}', at=one.at + 15_000, seen=9.0, start=7, rises=(4.0,))
    with writing(engine) as session:
        edges.put(session, {meter: [one, two]})
        edges.put(session, {meter: [moved]})
        found = edges.edges_of(session, [meter])[meter]
    assert sorted(found, key=lambda e: e.series) == [moved, two]


def test_edges_of_one_series_in_two_meters_are_two(engine, make):
    one, two = make.meter(engine, "svc/one"), make.meter(engine, "svc/two")
    with writing(engine) as session:
        edges.put(session, {one: [make.edge(seen=1.0)], two: [make.edge(seen=2.0)]})
        found = edges.edges_of(session, [one, two])
    assert [found[one][0].seen, found[two][0].seen] == [1.0, 2.0]


def test_edges_silent_for_long_when_their_meter_was_booked_are_forgotten(engine, make):
    meter, unbooked = make.meter(engine), make.meter(engine, "svc/unbooked")
    old, young = make.edge('{"a":"1"}', at=1000), make.edge('{"a":"2"}', at=2000)
    with writing(engine) as session:
        session.execute(update(schema.meter).where(schema.meter.c.id == meter).values(booked_to=4))
        edges.put(session, {meter: [old, young], unbooked: [old]})
        assert edges.forget(session, 2500) == 1
        assert edges.edges_of(session, [meter, unbooked]) == {meter: [young], unbooked: [old]}
