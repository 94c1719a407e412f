from __future__ import annotations

import pytest

from slo.domain.incident import MUTED_FOR
from slo.incidents import IncidentError, UnknownIncidentError
from slo.store import audit
from slo.store.engine import reading
from tests.incidents.world import AT, ONE, TWO


def audited(world):
    with reading(world.engine) as session:
        return [(e.who, e.action) for e in audit.of(session, "incident/1")][::-1]


def test_the_first_who_acknowledges_stays(world):
    world.put(world.fires(ONE, 0))
    first = world.act("acknowledge", 1, second=90)
    second = world.act("acknowledge", 1, second=200, who="leo")

    assert (first.status, first.acknowledged_at) == ("acknowledged", AT + 90)
    assert second == first
    assert audited(world) == [("mia", "incident-acknowledge")]
    assert first.seconds_to_acknowledge == 90


def test_what_is_resolved_cannot_be_acknowledged(world):
    world.put(world.fires(ONE, 0))
    world.put(world.resolves(ONE, 600))

    with pytest.raises(IncidentError, match="incident 1 is resolved"):
        world.act("acknowledge", 1, second=700)


def test_an_assignment_names_who_follows_whom(world):
    world.put(world.fires(ONE, 0))
    world.act("assign", 1, "leo", second=60)
    world.act("assign", 1, "leo", second=70)
    world.act("assign", 1, "ada", second=80)

    assert world.one().assignee == "ada"
    texts = [e.text for e in world.events() if e.kind == "assigned"]
    assert texts == ["Assigned to leo.", "Assigned to ada, who follows leo."]


def test_comments_stand_on_the_timeline_also_afterwards(world):
    world.put(world.fires(ONE, 0))
    world.put(world.resolves(ONE, 600))
    world.act("comment", 1, "it was\r\nthe deploy", second=900)

    (said,) = [e for e in world.events() if e.kind == "commented"]
    assert (said.who, said.text) == ("mia", "it was\nthe deploy")
    assert audited(world) == [("mia", "incident-comment")]


@pytest.mark.parametrize(
    ("action", "given", "message"),
    [
        ("assign", "  ", "assignee: is empty"),
        ("comment", "\x00", "text: is empty"),
        ("comment", "x" * 10_001, "text: has over 10,000 characters"),
        ("comment", "\ud800", "text: holds half of a character"),
        ("resolve", " ", "why: is empty"),
    ],
)
def test_texts_that_cannot_be_kept_are_refused(world, action, given, message):
    world.put(world.fires(ONE, 0))

    with pytest.raises(IncidentError, match=message):
        world.act(action, 1, given, second=60)
    assert audited(world) == []


def test_an_unknown_incident_is_told_apart(world):
    with pytest.raises(UnknownIncidentError, match="there is no incident 7"):
        world.act("comment", 7, "hello", second=60)


def test_resolving_by_hand_mutes_what_still_fires(world):
    world.put(world.fires(ONE, 0), world.fires(TWO, 0))
    incident = world.act("resolve", 1, "a load test", second=600)
    again = world.act("resolve", 1, "another reason", second=700, who="leo")

    assert (incident.status, incident.resolved_by, incident.resolved_at) == (
        "resolved",
        "mia",
        AT + 600,
    )
    assert again == incident
    assert world.told() == ["opened", "resolved/0"]
    muted = {slo: s["page-1h"].muted_until for slo, s in world.firing().items()}
    assert muted == dict.fromkeys((ONE, TWO), AT + 600 + MUTED_FOR)
    world.tell(900)
    world.tell(600 + MUTED_FOR - 1)
    assert [i.status for i in world.incidents()] == ["resolved"]
    assert audited(world) == [("mia", "incident-resolve")]


def test_what_fires_beyond_its_muting_opens_an_incident_again(world):
    world.put(world.fires(ONE, 0), world.fires(TWO, 0))
    world.act("resolve", 1, "a load test", second=600)
    world.tell(600 + MUTED_FOR)
    world.tell(700 + MUTED_FOR)

    first, second = world.incidents()
    assert (first.status, second.status) == ("resolved", "open")
    assert {s.slo for s in second.slos} == {ONE, TWO}
    assert world.told() == ["opened", "resolved/0", "opened"]


def test_an_alert_that_resolves_is_muted_no_more(world):
    world.put(world.fires(ONE, 0))
    world.act("resolve", 1, "a load test", second=600)
    world.put(world.resolves(ONE, 900))
    assert world.kinds()[-1] == "alert-resolved"
    world.put(world.fires(ONE, 960))

    assert [(i.status, i.reopened) for i in world.incidents()] == [("open", 1)]


def test_an_alert_that_resolves_and_fires_within_one_span_is_muted_no_more(world):
    world.put(world.fires(ONE, 0))
    world.act("resolve", 1, "a load test", second=600)
    world.put(world.resolves(ONE, 2000), world.fires(ONE, 3000))

    assert [i.status for i in world.incidents()] == ["resolved", "open"]
    assert not world.firing()[ONE]["page-1h"].muted_until


def test_another_alert_of_a_muted_slo_opens_again(world):
    world.put(world.fires(ONE, 0))
    world.act("resolve", 1, "a load test", second=600)
    world.put(world.fires(ONE, 700, "page-6h"))
    assert world.one().status == "open"
    world.put(world.resolves(ONE, 800, "page-6h"))

    assert world.one().status == "resolved"
    assert world.firing()[ONE]["page-1h"].muted_until > AT


def test_dead_targets_are_not_mitigated_by_resolving_by_hand(world):
    world.put(world.fires(ONE, 0, "dead", numbers=(("since", AT - 240.0),)))
    incident = world.act("resolve", 1, "decommissioned", second=600)

    assert incident.mitigated_at is None
