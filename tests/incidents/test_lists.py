"""What lists of alerts and incidents are narrowed by, and who was told, on both databases."""

from __future__ import annotations

import pytest

from slo.store import alerts, incident_tally, incidents, postmortems, tellings, timeline
from slo.store.engine import reading, writing
from tests.incidents.world import AT, ONE, THREE, TWO


@pytest.fixture
def told(world):
    """Two incidents: a page of one service, then a ticket of another, which mia has."""
    world.put(world.fires(ONE, 0, reason="burned 15x_a"))
    world.put(world.fires(THREE, 900, rule="ticket-1d", severity="ticket"))
    world.act("assign", 2, "mia", second=960)
    return world


def numbers(world, **wanted):
    with reading(world.engine) as session:
        return {i.id for i in incidents.many(session, **wanted)}


def rules(world, **wanted):
    with reading(world.engine) as session:
        return {t.rule for t in alerts.history(session, **wanted)}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"severity": "page"}, {1}),
        ({"severity": "ticket"}, {2}),
        ({"assignee": "mia"}, {2}),
        ({"assignee": ""}, {1}),
        ({"assignee": "joe"}, set()),
        ({"assignee": "mia", "service": "svc"}, set()),
    ],
)
def test_incidents_are_narrowed_by_severity_and_assignee(told, wanted, found):
    assert numbers(told, **wanted) == found


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"text": "BURNED"}, {"page-1h", "ticket-1d"}),
        ({"text": "15X_A"}, {"page-1h"}),
        ({"text": "x%a"}, set()),
        ({"text": "Far/Three"}, {"ticket-1d"}),
        ({"text": "ticket-"}, {"ticket-1d"}),
        ({"kind": "burn", "rule": "page-1h"}, {"page-1h"}),
        ({"kind": "dead"}, set()),
        ({"change": "resolves"}, set()),
    ],
)
def test_alerts_are_narrowed_by_text_kind_rule_and_change(told, wanted, found):
    assert rules(told, **wanted) == found


def test_incidents_of_some_slos_are_counted_by_when_they_opened(told):
    with reading(told.engine) as session:

        def count(slos, since, until):
            return incident_tally.number_of(session, slos, AT + since, AT + until)

        assert count([ONE], 0, 1) == 1
        assert count([ONE], -60, 0) == 0
        assert count([ONE, TWO, THREE], 0, 3600) == 2
        assert count([TWO], 0, 3600) == 0
        assert count(["no/such"], 0, 3600) == 0
        assert count([], 0, 3600) == 0


def test_everybody_who_has_an_incident_is_named(told):
    with reading(told.engine) as session:
        assert incident_tally.assignees(session) == ["mia"]


def test_messages_are_found_by_incident_and_by_subject(told):
    with reading(told.engine) as session:
        (first,) = tellings.of_incidents(session, [1])
        both = tellings.of_incidents(session, {1, 2})
        found = tellings.of_subjects(session, ["incident/2"], 0)
        assert (first.receiver, first.kind, first.state) == ("pager", "opened", "pending")
        assert [t.incident for t in both] == [1, 2]
        assert [t.incident for t in found] == [2]
        assert tellings.of_subjects(session, ["incident/2"], AT + 99_999) == []
        assert tellings.of_subjects(session, [], 0) == []
        assert tellings.of_incidents(session, []) == []


def test_what_happened_is_found_by_kind(told):
    with reading(told.engine) as session:
        found = timeline.of_kinds(session, [1, 2], ("opened", "assigned"))
        assert [(e.incident, e.kind) for e in found] == [
            (1, "opened"),
            (2, "opened"),
            (2, "assigned"),
        ]
        assert timeline.of_kinds(session, [], ("opened",)) == []


def test_postmortems_are_found_by_service_need_and_incident(told):
    with writing(told.engine) as session:
        postmortems.create(session, 1, "one", "text", "", "lost 30%", AT)
        postmortems.create(session, 2, "two", "text", "", "", AT)

    def listed(**wanted):
        return [p.incident for p in postmortems.listed(session, **wanted)]

    with reading(told.engine) as session:
        assert listed() == [2, 1]
        assert listed(service="far") == [2]
        assert listed(required=True) == [1]
        assert listed(required=False) == [2]
        assert listed(before=2) == [1]
        assert postmortems.of_incidents(session, [1, 7]).keys() == {1}
        assert postmortems.numbers(session) == {("draft", True): 1, ("draft", False): 1}
