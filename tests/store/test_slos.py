from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import event

from slo.domain.ledger import Correction, Exclusion
from slo.domain.span import Span
from slo.domain.window import CalendarWindow, RollingWindow
from slo.store import audit, booking, corrections, exclusions, readings, slos
from slo.store.engine import reading, writing
from slo.store.renames import RenameError


def declare(engine, declared, at):
    with writing(engine) as session:
        return slos.declare(session, declared, at)


def known(engine):
    with reading(engine) as session:
        return {one.id: one.paused_at for one in slos.all_slos(session)}


def meters(engine, name="svc/one"):
    with reading(engine) as session:
        return slos.meters_of(session, name)


def revisions(engine, name="svc/one"):
    with reading(engine) as session:
        return slos.revisions(session, name)


def test_a_new_slo_gets_a_row_a_meter_and_a_revision(engine, make):
    one = make.declared()
    found = declare(engine, [one], make.T0)
    meter = found["svc/one"]
    assert (meter.slo, meter.fingerprint, meter.bucket) == ("svc/one", one.fingerprint, 60)
    assert (meter.watch_from, meter.booked_from, meter.booked_to) == (None, None, None)
    assert known(engine) == {"svc/one": None}
    assert [(r.since, r.objective) for r in revisions(engine)] == [(make.T0, Decimal("0.999"))]


def test_declaring_the_same_again_writes_nothing(engine, make):
    many = [make.declared(f"svc/n{i}") for i in range(50)]
    first = declare(engine, many, make.T0)
    statements = []
    event.listen(engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    assert declare(engine, many, make.T0 + 60) == first
    wrote = [s for s in statements if s.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert wrote == []
    assert len(statements) < 10


def test_a_changed_indicator_begins_a_new_meter_and_the_old_one_stays(engine, make):
    old = declare(engine, [make.declared()], make.T0)["svc/one"]
    with writing(engine) as session:
        booking.book(session, [make.booking(old.id, make.T0, [(1, 1)])])
    new = declare(engine, [make.declared(bad='code=~"4.."')], make.T0 + 60)["svc/one"]
    assert new.id != old.id
    assert new.booked_to is None
    assert [m.id for m in meters(engine)] == [old.id, new.id]
    with reading(engine) as session:
        assert slos.meter_of(session, "svc/one") == new
        assert len(readings.between(session, old.id, 0, 1 << 40)) == 2


def test_a_former_meter_that_comes_back_goes_on(engine, make):
    old = declare(engine, [make.declared()], make.T0)["svc/one"]
    with writing(engine) as session:
        booking.book(session, [make.booking(old.id, make.T0, [(1, 1)])])
    declare(engine, [make.declared(bad='code=~"4.."')], make.T0 + 60)
    back = declare(engine, [make.declared()], make.T0 + 120)["svc/one"]
    assert (back.id, back.booked_to) == (old.id, make.T0 + 60)
    assert len(meters(engine)) == 2


def test_a_changed_objective_is_a_revision_of_the_same_meter(engine, make):
    before = declare(engine, [make.declared()], make.T0)
    after = declare(engine, [make.declared(objective="0.99", owner="risk")], make.T0 + 60)
    assert before == after
    found = revisions(engine)
    assert [(r.since, r.objective, r.owner) for r in found] == [
        (make.T0, Decimal("0.999"), ""),
        (make.T0 + 60, Decimal("0.99"), "risk"),
    ]


@pytest.mark.parametrize(
    "window",
    [
        RollingWindow(timedelta(days=28)),
        RollingWindow(timedelta(days=1, hours=3, milliseconds=7)),
        CalendarWindow("quarter", "Europe/Berlin"),
    ],
)
def test_a_revision_reads_back_as_it_was_declared(engine, make, window):
    labels = (("team", "ä"), ("tier", "1"))
    declare(
        engine,
        [make.declared(window=window, labels=labels, owner="o", description="d", runbook="r")],
        make.T0,
    )
    (found,) = revisions(engine)
    assert (found.window, found.labels) == (window, labels)
    assert (found.owner, found.description, found.runbook) == ("o", "d", "r")


def test_an_instant_is_judged_by_the_revision_in_force_then(engine, make):
    for at, objective in ((make.T0, "0.9"), (make.T0 + 60, "0.99"), (make.T0 + 120, "0.999")):
        declare(engine, [make.declared(objective=objective)], at)

    def at(instant):
        with reading(engine) as session:
            found = slos.revision_at(session, ["svc/one", "svc/none"], instant)
        return {name: str(revision.objective) for name, revision in found.items()}

    assert at(make.T0 - 999) == {"svc/one": "0.9"}
    assert at(make.T0 + 59) == {"svc/one": "0.9"}
    assert at(make.T0 + 60) == {"svc/one": "0.99"}
    assert at(make.T0 + 9999) == {"svc/one": "0.999"}


def test_a_clock_that_goes_backwards_does_not_reorder_revisions(engine, make):
    declare(engine, [make.declared(objective="0.9")], make.T0)
    declare(engine, [make.declared(objective="0.99")], make.T0 - 3600)
    assert [(r.since, str(r.objective)) for r in revisions(engine)] == [
        (make.T0, "0.9"),
        (make.T0, "0.99"),
    ]
    with reading(engine) as session:
        found = slos.revision_at(session, ["svc/one"], make.T0)
    assert found["svc/one"].objective == Decimal("0.99")


def test_an_absent_slo_pauses_and_comes_back_with_its_meter(engine, make):
    both = [make.declared("svc/one"), make.declared("svc/two")]
    before = declare(engine, both, make.T0)
    with writing(engine) as session:
        assert slos.pause_absent(session, ["svc/two"], make.T0 + 60) == ["svc/one"]
        assert slos.pause_absent(session, ["svc/two"], make.T0 + 120) == []
    assert known(engine) == {"svc/one": make.T0 + 60, "svc/two": None}
    assert declare(engine, both, make.T0 + 180) == before
    assert known(engine) == {"svc/one": None, "svc/two": None}
    with reading(engine) as session:
        actions = [entry.action for entry in audit.of(session, "svc/one")]
    assert actions == ["resume", "pause", "declare"]


def test_a_rename_keeps_the_ledger_and_what_hangs_on_it(engine, make):
    old = declare(engine, [make.declared("svc/one")], make.T0)["svc/one"]
    with writing(engine) as session:
        booking.book(session, [make.booking(old.id, make.T0, [(1, 1)])])
        corrections.add(session, Correction("svc/one", make.T0 + 60, 1, 0, "me", "late", "k"))
        exclusions.add(
            session, Exclusion(0, "svc/one", Span(make.T0, make.T0 + 60), "drill", "me", "why")
        )
    renamed = make.declared("svc/uno", was="svc/one")
    for at in (make.T0 + 60, make.T0 + 120):
        new = declare(engine, [renamed], at)["svc/uno"]
        assert (new.id, new.slo, new.booked_to) == (old.id, "svc/uno", make.T0 + 60)
    assert known(engine) == {"svc/uno": None}
    with reading(engine) as session:
        assert [c.slo for c in corrections.of(session, [new.id])[new.id]] == ["svc/uno"]
        assert [x.scope for x in exclusions.of(session)] == ["svc/uno"]
        renames = [e for e in audit.of(session, "svc/uno") if e.action == "rename"]
    assert [e.detail for e in renames] == [{"was": "svc/one"}]


def test_a_rename_onto_an_slo_with_a_ledger_of_its_own_is_refused(engine, make):
    both = [make.declared("svc/one"), make.declared("svc/two")]
    declare(engine, both, make.T0)
    with pytest.raises(RenameError, match="svc/two says `was: svc/one`"):
        declare(engine, [make.declared("svc/two", was="svc/one")], make.T0 + 60)
    assert known(engine) == {"svc/one": None, "svc/two": None}


def test_a_name_freed_by_a_rename_can_be_used_anew(engine, make):
    old = declare(engine, [make.declared("svc/one")], make.T0)["svc/one"]
    new = [make.declared("svc/one"), make.declared("svc/uno", was="svc/one")]
    found = declare(engine, new, make.T0 + 60)
    assert found["svc/uno"].id == old.id
    assert found["svc/one"].id != old.id
    assert declare(engine, new, make.T0 + 120) == found


def test_a_chain_of_renames_moves_each_ledger_one_on(engine, make):
    before = declare(engine, [make.declared("svc/a"), make.declared("svc/b")], make.T0)
    moved = [make.declared("svc/b", was="svc/a"), make.declared("svc/c", was="svc/b")]
    for at in (make.T0 + 60, make.T0 + 120):
        after = declare(engine, moved, at)
        assert after["svc/b"].id == before["svc/a"].id
        assert after["svc/c"].id == before["svc/b"].id


def test_two_heirs_of_one_ledger_are_refused(engine, make):
    declare(engine, [make.declared("svc/one")], make.T0)
    heirs = [make.declared("svc/a", was="svc/one"), make.declared("svc/b", was="svc/one")]
    with pytest.raises(RenameError, match="one heir"):
        declare(engine, heirs, make.T0 + 60)


def test_a_was_that_nobody_knows_is_a_new_slo(engine, make):
    assert declare(engine, [make.declared("svc/uno", was="svc/one")], make.T0)["svc/uno"].id


def test_four_threads_that_declare_at_once_make_each_meter_once(engine, make):
    many = [make.declared(f"svc/n{i}", was=f"svc/old{i}") for i in range(40)]
    declare(engine, [make.declared(f"svc/old{i}") for i in range(0, 40, 2)], make.T0)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda at: declare(engine, many, at), [make.T0 + 60] * 4))
    assert found[0] == found[1] == found[2] == found[3]
    assert len({meter.id for meter in found[0].values()}) == 40
    for i in range(40):
        assert len(meters(engine, f"svc/n{i}")) == 1
        assert len(revisions(engine, f"svc/n{i}")) == 1


def test_an_unknown_slo_has_no_meter(engine):
    with reading(engine) as session:
        assert slos.meter_of(session, "svc/none") is None
        assert slos.meters_of(session, "svc/none") == []
        assert slos.revisions(session, "svc/none") == []
