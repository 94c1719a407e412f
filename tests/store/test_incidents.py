from __future__ import annotations

import pytest

from slo.store import incidents, slos, timeline
from slo.store.engine import StoreError, reading, writing

ONE, TWO = "svc/one", "far/two"


@pytest.fixture
def known(engine, make):
    """The store, with two SLOs."""
    with writing(engine) as session:
        slos.declare(session, [make.declared(ONE), make.declared(TWO)], make.T0)
    return engine


def create(session, slo_id, at, **fields):
    values = {"title": "burns", "severity": "page", "started_at": at - 60, "late": False}
    return incidents.create(session, slo_id, at, {"promql": ["up"]}, **{**values, **fields})


def end(session, number, at):
    incidents.change(session, number, status="resolved", resolved_at=at, resolved_by="mia")
    incidents.leave(session, number)


def ids(engine, **wanted):
    with reading(engine) as session:
        return [i.id for i in incidents.many(session, **wanted)]


def test_an_incident_is_read_as_it_was_written(known):
    with writing(known) as session:
        number = create(session, ONE, 1000)
        incidents.put_lost(session, number, {ONE: (5.0, 100.0, 0.25)})
    with reading(known) as session:
        incident = incidents.one(session, number)
        proof = incidents.evidence(session, number)

    assert (incident.service, incident.opened_at, incident.status) == ("svc", 1000, "open")
    (lost,) = incident.slos
    assert (lost.slo, lost.open, lost.bad, lost.budget_share) == (ONE, True, 5.0, 0.25)
    assert proof == {"promql": ["up"]}


def test_an_slo_cannot_be_in_two_open_incidents(known):
    with writing(known) as session:
        create(session, ONE, 1000)
    with pytest.raises(StoreError, match="incident_slo"), writing(known) as session:
        create(session, ONE, 2000)


def test_lists_narrow_and_go_on(known):
    with writing(known) as session:
        first = create(session, ONE, 1000)
        end(session, first, 1500)
        second = create(session, ONE, 3000)
        third = create(session, TWO, 3000)

    assert ids(known) == [third, second, first]
    assert ids(known, limit=1) == [third]
    assert ids(known, before=third) == [second, first]
    assert ids(known, status="resolved") == [first]
    assert ids(known, status=incidents.UNRESOLVED) == [third, second]
    assert ids(known, service="far") == [third]
    assert ids(known, slo=ONE) == [second, first]
    assert ids(known, slo="no/such") == []
    assert ids(known, since=1501) == [third, second]
    assert ids(known, until=3000) == [first]


def test_services_may_be_left_out_of_lists(known):
    with writing(known) as session:
        over = create(session, ONE, 1000)
        end(session, over, 1500)
        end(session, create(session, TWO, 1000), 1500)
        second = create(session, ONE, 3000)
        first = create(session, TWO, 2000)

    assert ids(known, status="resolved", unlisted=("far",)) == [over]
    assert ids(known, limit=1, unlisted=("svc", "no-such")) == [first]
    with reading(known) as session:
        assert [i.id for i in incidents.current(session)] == [second, first]
        assert [i.id for i in incidents.current(session, unlisted=("svc",))] == [first]


def test_open_incidents_are_found_by_slo(known):
    with writing(known) as session:
        end(session, create(session, ONE, 1000), 1500)
        number = create(session, TWO, 2000)
    with reading(known) as session:
        assert {s: i.id for s, i in incidents.open_of(session).items()} == {TWO: number}
        assert incidents.open_of(session, [ONE]) == {}


def test_only_what_may_be_due_is_unsettled(known):
    with writing(known) as session:
        told = create(session, ONE, 1000)
        incidents.change(session, told, announced="page", announced_at=1100)
        end(session, told, 1500)
        done = create(session, ONE, 2000)
        incidents.change(session, done, announced="page", announced_at=2100, end_told_at=2200)
        end(session, done, 2150)
        untold = create(session, ONE, 3000)
        end(session, untold, 3100)
        current = create(session, TWO, 4000)
    with reading(known) as session:
        assert [i.id for i in incidents.unsettled(session)] == [told, current]


def test_the_freshness_of_an_incident_is_its_last_opening(known):
    with writing(known) as session:
        number = create(session, ONE, 1000)
        timeline.add(session, number, "reopened", "again", at=5000, now=5010)
    with reading(known) as session:
        assert [c.fresh_at for c in incidents.candidates(session, "svc")] == [5000]
        assert incidents.newest_of(session, ONE).id == number
        assert incidents.newest_of(session, TWO) is None


def test_the_summary_counts_what_is_open_and_how_long_the_rest_took(known):
    with writing(known) as session:
        first = create(session, ONE, 1000, started_at=700)
        incidents.change(session, first, acknowledged_at=1060, mitigated_at=1300)
        end(session, first, 1500)
        second = create(session, ONE, 9000, started_at=8900)
        end(session, second, 9400)
        create(session, TWO, 9000, severity="ticket")
    with reading(known) as session:
        found = incidents.summary(session)

    assert found.open == {"ticket": 1}
    assert found.phases == {
        "detect": (2, 400),
        "acknowledge": (1, 60),
        "mitigate": (1, 600),
        "resolve": (2, 1300),
    }


@pytest.mark.parametrize(
    ("told", "first", "seconds"),
    [
        ((("reopened", 9000), ("acknowledged", 9060)), 9060, 60),
        ((("acknowledged", 1020), ("reopened", 9000)), 1020, 20),
        ((("acknowledged", 1020), ("reopened", 9000), ("acknowledged", 9900)), 1020, 20),
        # The relapse became known after the acknowledgement, and came before it.
        ((("acknowledged", 1500), ("reopened", 1400)), 1500, 500),
        ((("reopened", 9000),), None, None),
    ],
)
def test_the_first_acknowledgement_counts_from_the_alert_that_it_answers(
    known, told, first, seconds
):
    with writing(known) as session:
        number = create(session, ONE, 1000)
        timeline.add(session, number, "opened", "it burns", at=1000, now=1010)
        for kind, at in told:
            timeline.add(session, number, kind, "so it is", at=at, now=at)
        last = told[-1][1] if told[-1][0] == "acknowledged" else None
        incidents.change(session, number, reopened=1, acknowledged_at=last)
        end(session, number, 9950)
        # Another's timeline is its own.
        other = create(session, TWO, 900)
        timeline.add(session, other, "acknowledged", "mine", at=950, now=950)
    with reading(known) as session:
        incident = incidents.one(session, number)
        found = incidents.summary(session)

    assert (incident.first_acknowledged_at, incident.seconds_to_acknowledge) == (first, seconds)
    assert found.phases["acknowledge"] == (0 if seconds is None else 1, seconds or 0)


def test_a_timeline_is_in_order_of_time(known):
    with writing(known) as session:
        number = create(session, ONE, 1000)
        timeline.add(session, number, "commented", "later", at=2000, now=2000, who="mia")
        timeline.add(session, number, "mitigated", "earlier", at=1500, now=2100, detail={"a": 1})
    with reading(known) as session:
        first, second = timeline.of(session, number)

    assert (first.kind, first.who, first.detail) == ("mitigated", "SLO Ledger", {"a": 1})
    assert (second.text, second.who, second.recorded_at) == ("later", "mia", 2000)
