from __future__ import annotations

import pytest

from slo.domain.incident import FLAPS_WITHIN, REOPENED_WITHIN, SHARED_WITHIN
from slo.store import incidents, postmortems
from slo.store.engine import reading
from tests.incidents.world import AT, ONE, T0, THREE, TWO


def members(incident):
    return {s.slo for s in incident.slos if s.open}


def test_an_alert_opens_an_incident(world):
    world.put(world.fires(ONE, 0))

    incident = world.one()
    assert (incident.service, incident.severity, incident.status) == ("svc", "page", "open")
    assert incident.title == "svc/one burns its error budget 15x too fast"
    assert incident.opened_at == AT
    assert members(incident) == {ONE}
    assert world.kinds()[0] == "opened"


def test_further_alerts_of_the_slo_join_and_raise_but_never_lower(world):
    world.put(world.fires(ONE, 0, "ticket-1d", "ticket"))
    assert world.one().severity == "ticket"
    world.put(world.fires(ONE, 60, "page-1h", "page"))
    world.put(world.fires(ONE, 120, "ticket-3d", "ticket"))
    world.put(world.resolves(ONE, 180, "page-1h"))

    assert world.one().severity == "page"
    assert [k for k in world.kinds() if k != "notified"] == [
        "opened",
        "fired",
        "raised",
        "fired",
        "alert-resolved",
    ]


@pytest.mark.parametrize(("second", "count"), [(SHARED_WITHIN, 1), (SHARED_WITHIN + 60, 2)])
def test_slos_of_a_service_share_an_incident_if_they_fire_within_five_minutes(world, second, count):
    world.put(world.fires(ONE, 0))
    world.put(world.fires(TWO, second))

    assert len(world.incidents()) == count


def test_the_lagging_slo_of_a_service_shares_though_it_fired_before(world):
    world.put(world.fires(ONE, 120))
    world.put(world.fires(TWO, 0), now=200)

    assert members(world.one()) == {ONE, TWO}


def test_slos_of_another_service_have_their_own_incident(world):
    world.put(world.fires(ONE, 0))
    world.put(world.fires(THREE, 60))

    assert [i.service for i in world.incidents()] == ["svc", "far"]


def test_it_resolves_with_the_last_of_its_alerts(world):
    world.put(world.fires(ONE, 0), world.fires(TWO, 60))
    world.put(world.fires(ONE, 120, "page-6h"))
    world.put(world.resolves(ONE, 600))
    world.put(world.resolves(ONE, 660, "page-6h"))
    assert world.one().status == "open"
    assert members(world.one()) == {ONE, TWO}
    world.put(world.resolves(TWO, 720))

    incident = world.one()
    assert (incident.status, incident.resolved_by) == ("resolved", "SLO Ledger")
    assert incident.resolved_at == AT + 720
    assert members(incident) == set()


def test_a_removed_definition_closes_its_incident(world):
    world.put(world.fires(ONE, 0))
    reason = "the definition was removed"
    world.put(world.change("closes", ONE, 300, reason=reason))

    assert world.one().status == "resolved"
    assert any(reason in e.text for e in world.events() if e.kind == "resolved")


@pytest.mark.parametrize(("after", "count"), [(REOPENED_WITHIN, 1), (REOPENED_WITHIN + 60, 2)])
def test_a_relapse_within_fifteen_minutes_reopens_the_incident(world, after, count):
    world.put(world.fires(ONE, 0))
    world.act("acknowledge", 1, second=30)
    world.put(world.resolves(ONE, 600))
    world.put(world.fires(ONE, 600 + after))

    found = world.incidents()
    assert len(found) == count
    if count == 1:
        again = found[0]
        assert (again.status, again.reopened) == ("open", 1)
        assert (again.resolved_at, again.acknowledged_at, again.mitigated_at) == (None, None, None)
        assert members(again) == {ONE}


@pytest.mark.parametrize("again", [False, True])
def test_a_relapse_leaves_the_time_to_acknowledge_as_it_was(world, again):
    hours = 8 * 3600
    world.put(world.fires(ONE, 0), world.fires(ONE, 0, "ticket-3d", "ticket"))
    world.act("acknowledge", 1, second=60)
    world.put(world.resolves(ONE, 600))
    world.put(world.fires(ONE, hours))
    assert (world.one().acknowledged_at, world.one().seconds_to_acknowledge) == (None, 60)
    if again:
        taken = world.act("acknowledge", 1, second=hours + 90)
        assert (taken.acknowledged_at, taken.seconds_to_acknowledge) == (AT + hours + 90, 60)
    world.put(world.resolves(ONE, hours + 600), world.resolves(ONE, hours + 600, "ticket-3d"))

    assert (world.one().status, world.one().seconds_to_acknowledge) == ("resolved", 60)
    with reading(world.engine) as session:
        assert incidents.summary(session).phases["acknowledge"] == (1, 60)
        written = postmortems.one(session, 1)
    assert "1 min" in written.body


def test_who_is_woken_by_a_relapse_is_timed_from_it(world):
    hours = 8 * 3600
    world.put(world.fires(ONE, 0), world.fires(ONE, 0, "ticket-3d", "ticket"))
    world.put(world.resolves(ONE, 600))
    world.put(world.fires(ONE, hours))

    assert world.one().seconds_to_acknowledge is None
    assert world.act("acknowledge", 1, second=hours + 60).seconds_to_acknowledge == 60


def test_an_slo_that_was_in_a_reopened_incident_goes_back_into_it(world):
    world.put(world.fires(ONE, 0), world.fires(TWO, 0))
    world.put(world.resolves(ONE, 600), world.resolves(TWO, 600))
    world.put(world.fires(ONE, 900))
    world.put(world.fires(TWO, 1800))

    assert members(world.one()) == {ONE, TWO}
    assert world.one().reopened == 1


def test_budget_and_blind_alerts_stand_on_the_timeline_and_hold_nothing_open(world):
    world.put(world.fires(ONE, -60, "budget-50", "ticket"))
    assert world.incidents() == []
    world.put(world.fires(ONE, 0))
    world.put(world.fires(ONE, 60, "blind", "ticket"))
    world.put(world.resolves(ONE, 120))

    assert world.one().status == "resolved"
    assert [e.text for e in world.events() if e.kind == "fired"] == [
        "svc/one, blind: burned 15x; tickets at 14.4x"
    ]


def test_more_than_six_changes_within_an_hour_flap_once(world):
    for n in range(5):
        world.put(world.fires(ONE, n * 600))
        world.put(world.resolves(ONE, n * 600 + 300))

    assert world.one().flapping
    assert world.kinds().count("flapping") == 1
    last = 4 * 600 + 300
    world.tell(last + FLAPS_WITHIN - 1)
    assert world.one().flapping
    world.tell(last + FLAPS_WITHIN)
    assert not world.one().flapping
    assert world.kinds().count("stable") == 1


def test_many_alerts_that_change_once_do_not_flap(world):
    rules = ("page-1h", "page-6h", "ticket-1d", "ticket-3d")
    world.put(*(world.fires(slo, 0, rule) for slo in (ONE, TWO) for rule in rules))
    world.put(*(world.resolves(slo, 900, rule) for slo in (ONE, TWO) for rule in rules))

    assert not world.one().flapping


def test_a_span_with_many_changes_is_taken_in_order_of_time(world):
    world.put(
        world.fires(ONE, 0, late=True),
        world.resolves(ONE, 600, late=True),
        world.fires(ONE, 900, late=True),
        world.resolves(ONE, 1500, late=True),
        world.fires(ONE, 4000, late=True),
        now=4100,
    )

    first, second = world.incidents()
    assert (first.reopened, first.resolved_at, first.late) == (1, AT + 1500, True)
    assert (second.status, second.opened_at) == ("open", AT + 4000)


def test_where_the_burn_began_and_ended_is_read_from_the_ledger_to_the_minute(world):
    good, bad = (100.0, 100.0), (50.0, 100.0)
    quiet = (AT - T0) // 60 - 7
    world.book(ONE, [good] * quiet + [bad] * 12 + [good] * 30)
    world.put(world.fires(ONE, 0))
    assert world.one().started_at == AT - 7 * 60
    assert world.one().seconds_to_detect == 7 * 60
    world.put(world.resolves(ONE, 20 * 60))

    incident = world.one()
    assert incident.mitigated_at == AT + 5 * 60
    assert incident.seconds_to_mitigate == 12 * 60
    assert incident.seconds_to_resolve == 27 * 60
    (lost,) = incident.slos
    assert (lost.bad, lost.total) == (600.0, 2700.0)


def test_an_open_incident_goes_on_losing(world):
    world.book(ONE, [(50.0, 100.0)] * 390)
    world.put(world.fires(ONE, 0))
    before = world.one().slos[0].bad
    world.tell(15 * 60)

    assert world.one().slos[0].bad == before + 750.0 - 0.0


def test_absence_began_when_the_data_went_missing(world):
    world.put(world.fires(ONE, 0, "dead", numbers=(("since", AT - 240.0), ("after", 300.0))))

    assert world.one().started_at == AT - 240
    assert world.one().title == "svc/one: every target is down"
    world.put(world.resolves(ONE, 600, "dead", numbers=()))
    assert world.one().mitigated_at == AT + 600


def test_evidence_is_stored_when_it_opens(world):
    world.book(ONE, [(50.0, 100.0)] * 360)
    world.put(world.fires(ONE, 0))

    proof = world.evidence()
    assert proof["burn_rates"] == {"1h": 15.0, "5m": 16.0}
    assert "requests_total" in proof["promql"][0]
    assert proof["policy"].startswith("page-1h pages at a burn rate of 14.4x over both 1h and 5m")
    assert proof["runbook"] == "https://runbooks.test/one"
    ends = [r["end"] for r in proof["readings"]]
    assert (ends[0], ends[-1], len(ends)) == (AT - 3600, AT, 13)
    total = proof["readings"][-1]["total"] - proof["readings"][0]["total"]
    assert total == 6000.0


def test_it_leaves_a_postmortem_when_it_resolves(world):
    world.put(world.fires(ONE, 0))
    world.put(world.resolves(ONE, 600))

    with reading(world.engine) as session:
        assert postmortems.one(session, 1).about.status == "draft"


def test_a_postmortem_that_fails_keeps_no_incident_open(world, monkeypatch):
    def fail(*_):
        raise ValueError("a template")

    monkeypatch.setattr("slo.postmortem.draft", fail)
    world.put(world.fires(ONE, 0))
    world.put(world.resolves(ONE, 600))

    assert world.one().status == "resolved"
    assert any("could not be drafted" in e.text for e in world.events())
