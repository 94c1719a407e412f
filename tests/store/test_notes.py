from __future__ import annotations

from slo.domain.standing import Note
from slo.store import booking, notes
from slo.store.engine import reading, writing


def found(engine, meter):
    with reading(engine) as session:
        return notes.of(session, [meter])[meter]


def test_the_same_note_adds_up_and_widens(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        notes.add(session, {meter: (50, [Note("skew", "x", 2.0, 10, 20)])})
        notes.add(session, {meter: (50, [Note("skew", "x", 3.0, 5, 15)])})
        notes.add(session, {meter: (50, [Note("skew", "x"), Note("skew", "x", 0.5, 30, 40)])})
    assert found(engine, meter) == [Note("skew", "x", 5.5, 5, 50)]


def test_an_amount_that_only_one_booking_knows_stays(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        notes.add(session, {meter: (1, [Note("a", "x"), Note("b", "x", 2.0), Note("c", "x")])})
        notes.add(session, {meter: (2, [Note("a", "x", 4.0), Note("b", "x"), Note("c", "x")])})
    assert {n.kind: n.amount for n in found(engine, meter)} == {"a": 4.0, "b": 2.0, "c": None}


def test_notes_differ_by_kind_and_text_and_the_newest_comes_first(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        notes.add(session, {meter: (1, [Note("a", "x")])})
        notes.add(session, {meter: (3, [Note("a", "y" * 9000)])})
        notes.add(session, {meter: (2, [Note("b", "x")])})
    assert [(n.kind, n.text[:1]) for n in found(engine, meter)] == [
        ("a", "y"),
        ("b", "x"),
        ("a", "x"),
    ]


def test_a_booking_dates_its_notes_by_its_end(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        whole = make.booking(meter, make.T0, [(1, 1)], notes=(Note("skew", "x", 1.0),))
        booking.book(session, [whole])
    assert found(engine, meter) == [Note("skew", "x", 1.0, make.T0 + 60, make.T0 + 60)]


def test_cleared_notes_are_gone_and_other_kinds_stay(engine, make):
    meter = make.meter(engine)
    with writing(engine) as session:
        notes.add(session, {meter: (1, [Note("a", "x"), Note("a", "y"), Note("b", "x")])})
        notes.clear(session, meter, "a")
    assert [n.kind for n in found(engine, meter)] == ["b"]
